"""texts_c.pyx gives all it has to layout_c.pyx, in C."""
