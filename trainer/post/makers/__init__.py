"""Makers of conversations: from templates, from the pages of shards, and from what a model knows."""
