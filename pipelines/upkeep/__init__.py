"""Finished shards: verified, forgotten from, indexed."""
