"""AdamW and Muon, in JAX and PyTorch, with one state for both."""
