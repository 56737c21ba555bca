"""Duplicates: signatures, connected components, survivors."""
