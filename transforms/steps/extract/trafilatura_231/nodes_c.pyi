"""nodes_c.pyx gives Python nothing: it is what the other edits are made of."""
