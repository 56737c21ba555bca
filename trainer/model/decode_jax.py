"""Decoding in JAX, with a cache of keys and values."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from trainer.model.config import ModelConfig
from trainer.model.llama_jax import Cache, Weights, empty_cache, extend, logits_of


class JaxDecoder:
    """`Decoder` of one text. Prompts are padded to lengths of powers of two, so that few functions are compiled."""

    def __init__(self, weights: Weights, config: ModelConfig) -> None:
        self.context = config.context
        self._weights, self._config = weights, config
        self.reset()

    def reset(self) -> None:
        # Room for the padding of a prompt's last part, which may reach over the context's end.
        self._cache = empty_cache(self._config, 1, 2 * self.context)
        self._read = 0

    def read(self, tokens: list[int]) -> np.ndarray:
        length, x_1xT = len(tokens), padded(tokens)
        start, last = np.int32(self._read), np.int32(length - 1)
        # What the padding leaves in the cache lies after all that is read, so it is never seen and later overwritten.
        logits_V, self._cache = last_logits(self._weights, x_1xT, self._cache, start, last, self._config)
        self._read += length
        return np.asarray(logits_V)

    def logits(self, tokens: list[int]) -> np.ndarray:
        logits_1xTxV = all_logits(self._weights, padded(tokens), self._config)
        return np.asarray(logits_1xTxV)[0, : len(tokens)]


def padded(tokens: list[int]) -> np.ndarray:
    """int32 of shape (1, T) with T a power of two. Attention is causal, so no token sees the padding after it."""
    x_1xT = np.zeros((1, 1 << (len(tokens) - 1).bit_length()), np.int32)
    x_1xT[0, : len(tokens)] = tokens
    return x_1xT


@partial(jax.jit, static_argnames=("config",), donate_argnums=(2,))
def last_logits(
    weights: Weights, x_1xT: jax.Array, cache: Cache, start: jax.Array, last: jax.Array, config: ModelConfig
) -> tuple[jax.Array, Cache]:
    """Logits of the token after position `last` of x, float32 of shape (V,), and the cache with x in it."""
    logits_1xTxV, cache = extend(weights, config, x_1xT, cache, start)
    return jnp.take(logits_1xTxV[0], last, axis=0), cache


@partial(jax.jit, static_argnames=("config",))
def all_logits(weights: Weights, x_1xT: jax.Array, config: ModelConfig) -> jax.Array:
    """logits_1xTxV, float32."""
    return logits_of(weights, config, x_1xT)


def on_device(weights: dict[str, np.ndarray]) -> Weights:
    """Weights on JAX's first device."""
    return {name: jnp.asarray(value) for name, value in weights.items()}
