"""Common Crawl: its crawls and their files, its indexes, and selections of records out of them."""
