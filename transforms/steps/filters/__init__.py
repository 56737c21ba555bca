"""Rules on documents: language, Gopher, C4, FineWeb."""
