"""Initial weights, the same for every backend: drawn by numpy, name by name."""

from __future__ import annotations

import math

import numpy as np

from trainer.model.config import ModelConfig, shapes

Weights = dict[str, np.ndarray]
DEVIATION = 0.02  # GPT-2's and Llama's
RESIDUAL_ENDS = ("o_proj.weight", "down_proj.weight")


def initial_weights(config: ModelConfig, seed: int) -> Weights:
    """float32. Norms are 1. Matrices are normal with deviation 0.02; those that add to the residual stream are smaller
    by √(2 · layers), so that its variance does not grow with depth (GPT-2)."""
    generator = np.random.Generator(np.random.PCG64(seed))
    residual = DEVIATION / math.sqrt(2 * config.layers)
    weights: Weights = {}
    for name, shape in shapes(config).items():
        if len(shape) == 1:
            weights[name] = np.ones(shape, np.float32)
        else:
            deviation = np.float32(residual if name.endswith(RESIDUAL_ENDS) else DEVIATION)
            weights[name] = generator.standard_normal(shape, np.float32) * deviation
    return weights
