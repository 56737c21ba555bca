"""The stage from web pages to documents."""
