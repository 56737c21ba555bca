"""Token shards and plans on disk: layout, and one reader of each file."""
