"""Fetching over http and https: one token bucket a host, retries that end, ranges, an optional cache."""
