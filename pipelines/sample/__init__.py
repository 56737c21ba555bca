"""The embedded sample: original CC0 articles, wrapped by code into small and deliberately untidy WARC files."""
