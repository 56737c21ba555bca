"""One file per stage of the path."""
