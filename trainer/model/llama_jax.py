"""A strict Llama in JAX: pure functions over a flat dict of weights with Hugging Face's names.

B rows, T positions, D width, N heads, K heads of keys and values, H width of a head, V vocabulary, S positions held in
the cache, C = B · K its rows. Matrices are (out, in), as transformers stores them, so that a checkpoint is the weights
as they are.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from trainer.model.config import ModelConfig
from trainer.model.kernels_jax import causal_attention, linear

Weights = dict[str, jax.Array]
LAYER = "model.layers.{}."
# Of each layer: keys (C, H, S) and values (C, S, H) of positions seen. So each is multiplied fastest as it lies; and of
# shape (B, K, …) XLA would, where B is one, copy all that is held four times a token.
Cache = list[tuple[jax.Array, jax.Array]]


def logits_of(
    weights: Weights,
    config: ModelConfig,
    x_BxT: jax.Array,
    segment_ids_BxT: jax.Array | None = None,
    dtype: Any = jnp.float32,
    remat: bool = False,
) -> jax.Array:
    """logits_BxTxV, float32. As of `stream_of`."""
    return head(weights, config, stream_of(weights, config, x_BxT, segment_ids_BxT, dtype, remat))


def stream_of(
    weights: Weights,
    config: ModelConfig,
    x_BxT: jax.Array,
    segment_ids_BxT: jax.Array | None = None,
    dtype: Any = jnp.float32,
    remat: bool = False,
) -> jax.Array:
    """The stream behind the last layer, (B, T, D).

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
    return x_BxTxD


def losses_at_end(
    weights: Weights, config: ModelConfig, x_BxTxD: jax.Array, y_BxT: jax.Array, pieces: int = 1
) -> jax.Array:
    """−log p of each target in nats, float32 of shape (B, T).

    x_BxTxD: the stream behind the last layer
    pieces: of the positions, whose logits are there one after the other, and computed once more in the backward pass
    """

    def of_piece(piece: tuple[jax.Array, jax.Array]) -> jax.Array:
        return losses_of(head(weights, config, piece[0]), piece[1])

    if pieces == 1:
        return of_piece((x_BxTxD, y_BxT))
    cut = tuple(jnp.stack(jnp.split(array, pieces, axis=1)) for array in (x_BxTxD, y_BxT))
    return jnp.concatenate(jax.lax.map(jax.checkpoint(of_piece), cut), axis=1)


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
    until_BxT: jax.Array | None = None,
) -> jax.Array:
    normed_BxTxD = rms_norm(x_BxTxD, weights["input_layernorm.weight"], config.norm_eps)
    q_BxTxNxH, k_BxTxKxH, v_BxTxKxH = heads_of(normed_BxTxD, weights, config, rotation)
    attended_BxTxNxH = causal_attention(q_BxTxNxH, k_BxTxKxH, v_BxTxKxH, segment_ids_BxT, until_BxT)
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


def rope(positions: jax.Array, config: ModelConfig) -> tuple[jax.Array, jax.Array]:
    """Cosine and sine of every position's angles, each (…, 1, H/2), float32. positions: of shape (T,) or (B, T)."""
    half = config.head_dim // 2
    frequency = config.rope_theta ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angle = positions.astype(jnp.float32)[..., None] * frequency
    return jnp.cos(angle)[..., None, :], jnp.sin(angle)[..., None, :]


def rotate(x_BxTxNxH: jax.Array, rotation: tuple[jax.Array, jax.Array]) -> jax.Array:
    """Half-rotation: the pair of a coordinate lies half a head further, as in transformers."""
    cos, sin = (part.astype(x_BxTxNxH.dtype) for part in rotation)
    left, right = jnp.split(x_BxTxNxH, 2, axis=-1)
    return jnp.concatenate((left * cos - right * sin, right * cos + left * sin), axis=-1)


def branches(
    weights: Weights, config: ModelConfig, x_BxT: jax.Array, position_BxT: jax.Array, until_BxT: jax.Array
) -> jax.Array:
    """The stream behind the last layer, (B, T, D), of texts that branch (`trainer.model.scoring`)."""
    rotation = rope(position_BxT, config)
    x_BxTxD = embedded(weights, x_BxT, jnp.float32)
    for layer in range(config.layers):
        own = layer_weights(weights, layer, x_BxTxD.dtype)
        x_BxTxD = layer_of(x_BxTxD, own, config, rotation, None, until_BxT)
    return x_BxTxD


def prefill(
    weights: Weights, config: ModelConfig, x_BxT: jax.Array, last_B: jax.Array, size: int
) -> tuple[jax.Array, Cache]:
    """Texts from their first position on: logits_BxV after position `last` of each, and a cache of `size` positions."""
    rotation = rope(jnp.arange(x_BxT.shape[1]), config)
    none, behind = (0, 0), (0, size - x_BxT.shape[1])
    x_BxTxD = embedded(weights, x_BxT, jnp.float32)
    cache: Cache = []
    for layer in range(config.layers):
        own = layer_weights(weights, layer, x_BxTxD.dtype)
        normed_BxTxD = rms_norm(x_BxTxD, own["input_layernorm.weight"], config.norm_eps)
        q_BxTxNxH, k_BxTxKxH, v_BxTxKxH = heads_of(normed_BxTxD, own, config, rotation)
        k_CxHxT = k_BxTxKxH.transpose(0, 2, 3, 1).reshape(-1, config.head_dim, x_BxT.shape[1])
        v_CxTxH = v_BxTxKxH.swapaxes(1, 2).reshape(-1, x_BxT.shape[1], config.head_dim)
        cache.append((jnp.pad(k_CxHxT, (none, none, behind)), jnp.pad(v_CxTxH, (none, behind, none))))
        attended_BxTxNxH = causal_attention(q_BxTxNxH, k_BxTxKxH, v_BxTxKxH, None)
        x_BxTxD = finish_layer(x_BxTxD, attended_BxTxNxH, own, config)
    last_Bx1xD = jnp.take_along_axis(x_BxTxD, last_B[:, None, None], axis=1)
    return head(weights, config, last_Bx1xD)[:, 0], cache


def extend(
    weights: Weights, config: ModelConfig, token_B: jax.Array, position_B: jax.Array, cache: Cache
) -> tuple[jax.Array, Cache]:
    """One more token a row, each at its own position: logits_BxV of the next, and the cache with it."""
    size = cache[0][1].shape[1]
    cos, sin = rope(position_B, config)
    rotation = cos[:, None], sin[:, None]  # of each row, at its one position
    position_C = jnp.repeat(position_B, config.kv_heads)
    seen_CxS = jnp.arange(size)[None] <= position_C[:, None]
    rows_C = jnp.arange(len(position_C))
    x_Bx1xD = embedded(weights, token_B[:, None], cache[0][0].dtype)
    extended: Cache = []
    for layer, (k_CxHxS, v_CxSxH) in enumerate(cache):
        own = layer_weights(weights, layer, x_Bx1xD.dtype)
        normed_Bx1xD = rms_norm(x_Bx1xD, own["input_layernorm.weight"], config.norm_eps)
        q_Bx1xNxH, k_Bx1xKxH, v_Bx1xKxH = heads_of(normed_Bx1xD, own, config, rotation)
        k_CxHxS = k_CxHxS.at[rows_C, :, position_C].set(k_Bx1xKxH.reshape(-1, config.head_dim))
        v_CxSxH = v_CxSxH.at[rows_C, position_C].set(v_Bx1xKxH.reshape(-1, config.head_dim))
        extended.append((k_CxHxS, v_CxSxH))
        attended_Bx1xNxH = attend_to_cache(q_Bx1xNxH, k_CxHxS, v_CxSxH, seen_CxS)
        x_Bx1xD = finish_layer(x_Bx1xD, attended_Bx1xNxH, own, config)
    return head(weights, config, x_Bx1xD)[:, 0], extended


def attend_to_cache(q_Bx1xNxH: jax.Array, k_CxHxS: jax.Array, v_CxSxH: jax.Array, seen_CxS: jax.Array) -> jax.Array:
    """Attention of one position a row to the keys of its text that are seen, shape (B, 1, N, H)."""
    width = q_Bx1xNxH.shape[-1]
    q_CxGxH = (q_Bx1xNxH * width**-0.5).reshape(len(k_CxHxS), -1, width)
    scores = jnp.einsum("cgh,chs->cgs", q_CxGxH, k_CxHxS, preferred_element_type=jnp.float32)
    shares = jax.nn.softmax(jnp.where(seen_CxS[:, None], scores, -jnp.inf), axis=-1)
    return jnp.einsum("cgs,csh->cgh", shares.astype(v_CxSxH.dtype), v_CxSxH).reshape(q_Bx1xNxH.shape)
