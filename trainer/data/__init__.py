"""Batches out of shards and plans."""
