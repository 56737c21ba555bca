"""The sections, one a file; order.py has them in their order."""
