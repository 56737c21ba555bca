"""What recipes need besides code: block lists and language models."""
