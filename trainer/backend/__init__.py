"""One step of training, on one device or many, in JAX or PyTorch."""
