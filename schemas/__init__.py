"""Layer 0: what is written to disk, as types. Imports the standard library, numpy and pyarrow only."""
