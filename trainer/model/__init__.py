"""The Llama: its shape, weights, forward pass and decoding, in JAX and PyTorch."""
