"""The embedded sample: original CC0 articles and the code that wraps them into a small, deliberately untidy WARC file."""
