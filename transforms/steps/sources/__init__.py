"""Texts that are there already: rows of Parquet and JSONL files, plain text, and records that a selection names."""
