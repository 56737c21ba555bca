"""What object stores can do that pyarrow doesn't ask them for: writing under conditions, aborting uploads."""
