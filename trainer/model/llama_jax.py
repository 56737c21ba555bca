"""A strict Llama in JAX: pure functions over a flat dict of weights with Hugging Face's names.

B rows, T positions, D width, N heads, K heads of keys and values, H width of a head, V vocabulary, S positions held in
the cache. Matrices are (out, in), as transformers stores them, so that a checkpoint is the weights as they are.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from trainer.model.config import ModelConfig
from trainer.model.kernels_jax import causal_attention, linear

Weights = dict[str, jax.Array]
LAYER = "model.layers.{}."


class Cache(NamedTuple):
    """Keys and values of positions seen, each (layers, B, S, K, H)."""

    k_LxBxSxKxH: jax.Array
    v_LxBxSxKxH: jax.Array


def logits_of(
    weights: Weights,
    config: ModelConfig,
    x_BxT: jax.Array,
    segment_ids_BxT: jax.Array | None = None,
    dtype: Any = jnp.float32,
    remat: bool = False,
) -> jax.Array:
    """logits_BxTxV, float32.

    segment_ids_BxT: if given, no position attends to another document's
    dtype: of computation up to the logits
    remat: recompute each layer in the backward pass instead of keeping its activations
    """
    x_BxTxD = embedded(weights, x_BxT, dtype)
    rotation = rope(jnp.arange(x_BxT.shape[1]), config)
    layer = partial(layer_of, config=config, rotation=rotation, segment_ids_BxT=segment_ids_BxT)
    if remat:
        layer = jax.checkpoint(layer)
    for number in range(config.layers):
        x_BxTxD = layer(x_BxTxD, layer_weights(weights, number, dtype))
    return head(weights, config, x_BxTxD)


def losses_of(logits_BxTxV: jax.Array, y_BxT: jax.Array) -> jax.Array:
    """−log p of each target in nats, float32 of shape (B, T)."""
    # A sum over all but one zeros and not a look-up: its gradient is no scatter, and joins the softmax's.
    is_target_BxTxV = jnp.arange(logits_BxTxV.shape[-1]) == y_BxT[..., None]
    target_BxT = jnp.sum(jnp.where(is_target_BxTxV, logits_BxTxV, 0.0), axis=-1)
    return jax.nn.logsumexp(logits_BxTxV, axis=-1) - target_BxT


def embedded(weights: Weights, x_BxT: jax.Array, dtype: Any) -> jax.Array:
    return weights["model.embed_tokens.weight"][x_BxT].astype(dtype)


def layer_weights(weights: Weights, layer: int, dtype: Any) -> Weights:
    """Weights of one layer by their names within it."""
    prefix = LAYER.format(layer)
    return {name[len(prefix) :]: value.astype(dtype) for name, value in weights.items() if name.startswith(prefix)}


def layer_of(
    x_BxTxD: jax.Array,
    weights: Weights,
    config: ModelConfig,
    rotation: tuple[jax.Array, jax.Array],
    segment_ids_BxT: jax.Array | None,
) -> jax.Array:
    normed_BxTxD = rms_norm(x_BxTxD, weights["input_layernorm.weight"], config.norm_eps)
    q_BxTxNxH, k_BxTxKxH, v_BxTxKxH = heads_of(normed_BxTxD, weights, config, rotation)
    attended_BxTxNxH = causal_attention(q_BxTxNxH, k_BxTxKxH, v_BxTxKxH, segment_ids_BxT)
    return finish_layer(x_BxTxD, attended_BxTxNxH, weights, config)


def heads_of(
    normed_BxTxD: jax.Array, weights: Weights, config: ModelConfig, rotation: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Queries, keys (both rotated) and values, split into heads."""

    def project(name: str) -> jax.Array:
        projected = linear(normed_BxTxD, weights[f"self_attn.{name}.weight"])
        return projected.reshape(*projected.shape[:2], -1, config.head_dim)

    return rotate(project("q_proj"), rotation), rotate(project("k_proj"), rotation), project("v_proj")


def finish_layer(x_BxTxD: jax.Array, attended_BxTxNxH: jax.Array, weights: Weights, config: ModelConfig) -> jax.Array:
    attended_BxTxD = attended_BxTxNxH.reshape(*x_BxTxD.shape)
    x_BxTxD = x_BxTxD + linear(attended_BxTxD, weights["self_attn.o_proj.weight"])
    normed_BxTxD = rms_norm(x_BxTxD, weights["post_attention_layernorm.weight"], config.norm_eps)
    gate = jax.nn.silu(linear(normed_BxTxD, weights["mlp.gate_proj.weight"]))
    up = linear(normed_BxTxD, weights["mlp.up_proj.weight"])
    return x_BxTxD + linear(gate * up, weights["mlp.down_proj.weight"])


def head(weights: Weights, config: ModelConfig, x_BxTxD: jax.Array) -> jax.Array:
    """logits_BxTxV, float32 also where all else is bf16: the softmax needs it."""
    table_VxD = weights["model.embed_tokens.weight" if config.tied else "lm_head.weight"]
    normed_BxTxD = rms_norm(x_BxTxD, weights["model.norm.weight"], config.norm_eps)
    return linear(normed_BxTxD, table_VxD.astype(x_BxTxD.dtype), jnp.float32)


def rms_norm(x_BxTxD: jax.Array, weight_D: jax.Array, eps: float) -> jax.Array:
    """In float32 whatever x is, then back: transformers' order of operations."""
    wide = x_BxTxD.astype(jnp.float32)
    scaled = wide * jax.lax.rsqrt(jnp.mean(wide * wide, axis=-1, keepdims=True) + eps)
    return weight_D.astype(x_BxTxD.dtype) * scaled.astype(x_BxTxD.dtype)


def rope(positions_T: jax.Array, config: ModelConfig) -> tuple[jax.Array, jax.Array]:
    """Cosine and sine of every position's angles, each (T, 1, H/2), float32."""
    half = config.head_dim // 2
    frequency = config.rope_theta ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angle_TxH2 = positions_T.astype(jnp.float32)[:, None] * frequency
    return jnp.cos(angle_TxH2)[:, None], jnp.sin(angle_TxH2)[:, None]


def rotate(x_BxTxNxH: jax.Array, rotation: tuple[jax.Array, jax.Array]) -> jax.Array:
    """Half-rotation: the pair of a coordinate lies half a head further, as in transformers."""
    cos, sin = (part.astype(x_BxTxNxH.dtype) for part in rotation)
    left, right = jnp.split(x_BxTxNxH, 2, axis=-1)
    return jnp.concatenate((left * cos - right * sin, right * cos + left * sin), axis=-1)


def empty_cache(config: ModelConfig, rows: int, size: int, dtype: Any = jnp.float32) -> Cache:
    shape = (config.layers, rows, size, config.kv_heads, config.head_dim)
    return Cache(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype))


def extend(
    weights: Weights, config: ModelConfig, x_BxT: jax.Array, cache: Cache, start: jax.Array
) -> tuple[jax.Array, Cache]:
    """Positions start … start + T − 1 on top of a cache: their logits_BxTxV and the cache with them in it."""
    length, size = x_BxT.shape[1], cache.k_LxBxSxKxH.shape[2]
    positions_T = start + jnp.arange(length)
    rotation = rope(positions_T, config)
    seen_1x1xTxS = (jnp.arange(size)[None, :] <= positions_T[:, None])[None, None]
    x_BxTxD = embedded(weights, x_BxT, cache.k_LxBxSxKxH.dtype)
    keys, values = [], []
    for layer in range(config.layers):
        own = layer_weights(weights, layer, x_BxTxD.dtype)
        normed_BxTxD = rms_norm(x_BxTxD, own["input_layernorm.weight"], config.norm_eps)
        q_BxTxNxH, k_BxTxKxH, v_BxTxKxH = heads_of(normed_BxTxD, own, config, rotation)
        keys.append(jax.lax.dynamic_update_slice_in_dim(cache.k_LxBxSxKxH[layer], k_BxTxKxH, start, 1))
        values.append(jax.lax.dynamic_update_slice_in_dim(cache.v_LxBxSxKxH[layer], v_BxTxKxH, start, 1))
        attended = jax.nn.dot_product_attention(q_BxTxNxH, keys[-1], values[-1], mask=seen_1x1xTxS)
        x_BxTxD = finish_layer(x_BxTxD, attended, own, config)
    return head(weights, config, x_BxTxD), Cache(jnp.stack(keys), jnp.stack(values))
