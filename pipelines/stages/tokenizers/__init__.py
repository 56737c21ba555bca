"""Tokenizers: a sample drawn, one trained on it in a child process, or a given one proven on the input."""
