"""Layer 3: one file per stage of the path, its recipes, and the command line."""
