"""A corpus: its report and its dataset card."""
