"""Tokenizers, encoding, packing into training rows, indexes."""
