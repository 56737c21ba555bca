"""Decoding in JAX, with a cache of keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from trainer.model.config import ModelConfig
from trainer.model.decoder import cache_size, matrix, padded_rows, power_of_two
from trainer.model.llama_jax import Cache, Weights, branches, extend, head, logits_of, losses_of, prefill
from trainer.model.scoring import Packed, score


class JaxDecoder:
    """`Decoder`. Prompts are padded to lengths of powers of two, so that few functions are compiled."""

    def __init__(self, weights: Weights, config: ModelConfig) -> None:
        self.context = config.context
        self._weights, self._config = weights, config

    def begin(self, prompts: Sequence[Sequence[int]], room: int = 0) -> np.ndarray:
        size = cache_size(prompts, room, self.context)
        lengths = [len(prompt) for prompt in prompts]
        self._rows, rows = len(prompts), padded_rows(len(prompts))
        x_BxT = matrix(prompts, rows, min(power_of_two(max(lengths)), size))
        self._position_B = np.array([*lengths, *[1] * (rows - len(lengths))], np.int32)
        logits_BxV, self._cache = read_prompts(self._weights, x_BxT, self._position_B - 1, self._config, size)
        return np.asarray(logits_BxV)[: self._rows]

    def append(self, tokens: Sequence[int]) -> np.ndarray:
        token_B = np.array([*tokens, *[0] * (len(self._position_B) - len(tokens))], np.int32)
        given = self._weights, token_B, self._position_B, self._cache
        logits_BxV, self._position_B, self._cache = read_tokens(*given, self._config)
        return np.asarray(logits_BxV)[: self._rows]

    def logits(self, tokens: list[int]) -> np.ndarray:
        x_1xT = matrix([tokens], 1, power_of_two(len(tokens)))
        return np.asarray(all_logits(self._weights, x_1xT, self._config))[0, : len(tokens)]

    def score(self, texts: Sequence[Sequence[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        def compute(packed: Packed) -> tuple[np.ndarray, np.ndarray]:
            arrays = Packed(*map(jnp.asarray, packed))
            return jax.device_get(scores(self._weights, arrays, self._config))

        return score(texts, self._config.vocab_size, compute)


@partial(jax.jit, static_argnames=("config", "size"))
def read_prompts(
    weights: Weights, x_BxT: jax.Array, last_B: jax.Array, config: ModelConfig, size: int
) -> tuple[jax.Array, Cache]:
    """Logits of the token after position `last` of each row, (B, V), and a cache of `size` positions with x in it.

    What the padding leaves in the cache lies after all that is read, so it is never seen and later overwritten.
    """
    return prefill(weights, config, x_BxT, last_B, size)


@partial(jax.jit, static_argnames=("config",), donate_argnums=(3,))
def read_tokens(
    weights: Weights, token_B: jax.Array, position_B: jax.Array, cache: Cache, config: ModelConfig
) -> tuple[jax.Array, jax.Array, Cache]:
    """Logits of the token after each row's, (B, V), its position, and the cache with what was read."""
    within_B = jnp.minimum(position_B, cache[0][1].shape[1] - 1)
    logits_BxV, cache = extend(weights, config, token_B, within_B, cache)
    return logits_BxV, position_B + 1, cache


@partial(jax.jit, static_argnames=("config",))
def all_logits(weights: Weights, x_1xT: jax.Array, config: ModelConfig) -> jax.Array:
    """logits_1xTxV, float32."""
    return logits_of(weights, config, x_1xT)


@partial(jax.jit, static_argnames=("config",))
def scores(weights: Weights, packed: Packed, config: ModelConfig) -> tuple[jax.Array, jax.Array]:
    """Of each target: −log p, and whether no token was likelier; both of shape (B, T)."""
    x_BxTxD = branches(weights, config, packed.token_BxT, packed.position_BxT, packed.until_BxT)
    x_BxTxD = jnp.take_along_axis(x_BxTxD, packed.before_BxT[..., None], axis=1)
    logits_BxTxV = head(weights, config, x_BxTxD)
    return losses_of(logits_BxTxV, packed.target_BxT), logits_BxTxV.argmax(-1) == packed.target_BxT


def on_device(weights: dict[str, np.ndarray]) -> Weights:
    """Weights on JAX's first device."""
    return {name: jnp.asarray(value) for name, value in weights.items()}
