"""Reading WARC files: bytes, records, HTTP responses, pages."""
