"""A run: its folder, loop, checkpoints, logs and end."""
