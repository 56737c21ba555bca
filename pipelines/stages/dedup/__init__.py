"""The stage from documents to a corpus without duplicates and personal data."""
