"""How a stage runs: runners, workers, outputs, inputs, progress."""
