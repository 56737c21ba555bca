"""A strict Llama in PyTorch: the functions of `trainer.model.llama_jax`, and modules that hold their weights for FSDP.

B rows, T positions, D width, N heads, K heads of keys and values, H width of a head, V vocabulary, S positions held in
the cache. Matrices are (out, in), as transformers stores them, so that a checkpoint is the weights as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from trainer.model.config import ModelConfig, shapes

Weights = dict[str, Tensor]
Rotation = tuple[Tensor, Tensor]
Cache = list[tuple[Tensor, Tensor]]  # of each layer: keys and values of positions seen, each (B, K, S, H)


class Llama(nn.Module):
    """Parameters with Hugging Face's names and the shapes of `trainer.model.config.shapes`.

    dtype: of computation; parameters are float32
    remat: recompute each layer in the backward pass instead of keeping its activations
    pieces: of the positions, whose logits are there one after the other, and computed once more in the backward pass
    """

    pieces = 1

    def __init__(self, config: ModelConfig, dtype: torch.dtype = torch.float32, remat: bool = False) -> None:
        super().__init__()
        self.config, self.dtype, self.remat = config, dtype, remat
        self.layer: Callable[..., Tensor] = layer_of  # may be replaced by what a compiler makes of them
        self.loss: Callable[..., Tensor] = losses_at_end
        for name, shape in shapes(config).items():
            place_parameter(self, name, shape)

    def layers(self) -> list[nn.Module]:
        return list(self.get_submodule("model.layers").children())

    def forward(self, x_BxT: Tensor, y_BxT: Tensor, segment_ids_BxT: Tensor | None = None) -> Tensor:
        """−log p of each target in nats, float32 of shape (B, T).

        segment_ids_BxT: if given, no position attends to another document's
        """
        table_VxD = self.get_parameter("model.embed_tokens.weight")
        # Outside of what is compiled: the gradient of a look-up is then a sum in one order, so the same to the bit.
        x_BxTxD = F.embedding(x_BxT, table_VxD).to(self.dtype)
        rotation = rope(torch.arange(x_BxT.shape[1], device=x_BxT.device), self.config)
        for layer in self.layers():
            x_BxTxD = layer(self, x_BxTxD, rotation, segment_ids_BxT)
        head_VxD = table_VxD if self.config.tied else self.get_parameter("lm_head.weight")
        norm_D, eps = self.get_parameter("model.norm.weight"), self.config.norm_eps
        if self.pieces == 1:
            return self.loss(x_BxTxD, norm_D, head_VxD, y_BxT, eps)
        cut = zip(x_BxTxD.chunk(self.pieces, 1), y_BxT.chunk(self.pieces, 1), strict=True)
        losses = [checkpoint(self.loss, x, norm_D, head_VxD, y, eps, use_reentrant=False) for x, y in cut]
        return torch.cat(losses, 1)  # pyright: ignore


class Layer(nn.Module):
    """A layer's weights. FSDP gathers them when it is called."""

    def forward(self, model: Llama, x_BxTxD: Tensor, rotation: Rotation, segment_ids_BxT: Tensor | None) -> Tensor:
        given = (x_BxTxD, dict(self.named_parameters()), model.config, rotation, segment_ids_BxT)
        if model.remat:
            return checkpoint(model.layer, *given, use_reentrant=False)  # pyright: ignore[reportReturnType]
        return model.layer(*given)


def place_parameter(root: nn.Module, name: str, shape: tuple[int, ...]) -> None:
    """Put an empty parameter at the end of its path of modules, which are made where they are missing."""
    *path, last = name.split(".")
    module = root
    for depth, part in enumerate(path):
        if not hasattr(module, part):
            is_layer = depth > 0 and path[depth - 1] == "layers"
            module.add_module(part, Layer() if is_layer else nn.Module())
        module = module.get_submodule(part)
    module.register_parameter(last, nn.Parameter(torch.empty(shape)))


def layer_of(
    x_BxTxD: Tensor,
    weights: Weights,
    config: ModelConfig,
    rotation: Rotation,
    segment_ids_BxT: Tensor | None,
    until_BxT: Tensor | None = None,
) -> Tensor:
    """One layer's output, (B, T, D). until_BxT: last position that each may be seen from, of texts that branch."""
    weights = {name: value.to(x_BxTxD.dtype) for name, value in weights.items()}
    normed_BxTxD = rms_norm(x_BxTxD, weights["input_layernorm.weight"], config.norm_eps)
    q_BxTxNxH, k_BxTxKxH, v_BxTxKxH = heads_of(normed_BxTxD, weights, config, rotation)
    attended_BxTxNxH = causal_attention(q_BxTxNxH, k_BxTxKxH, v_BxTxKxH, segment_ids_BxT, until_BxT)
    return finish_layer(x_BxTxD, attended_BxTxNxH, weights, config)


def heads_of(
    normed_BxTxD: Tensor, weights: Weights, config: ModelConfig, rotation: Rotation
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys (both rotated) and values, split into heads."""

    def project(name: str) -> Tensor:
        return F.linear(normed_BxTxD, weights[f"self_attn.{name}.weight"]).unflatten(-1, (-1, config.head_dim))

    return rotate(project("q_proj"), rotation), rotate(project("k_proj"), rotation), project("v_proj")


def finish_layer(x_BxTxD: Tensor, attended_BxTxNxH: Tensor, weights: Weights, config: ModelConfig) -> Tensor:
    x_BxTxD = x_BxTxD + F.linear(attended_BxTxNxH.flatten(-2), weights["self_attn.o_proj.weight"])
    normed_BxTxD = rms_norm(x_BxTxD, weights["post_attention_layernorm.weight"], config.norm_eps)
    gate = F.silu(F.linear(normed_BxTxD, weights["mlp.gate_proj.weight"]))
    up = F.linear(normed_BxTxD, weights["mlp.up_proj.weight"])
    return x_BxTxD + F.linear(gate * up, weights["mlp.down_proj.weight"])


def losses_at_end(x_BxTxD: Tensor, norm_D: Tensor, head_VxD: Tensor, y_BxT: Tensor, eps: float) -> Tensor:
    logits_BxTxV = head(x_BxTxD, norm_D, head_VxD, eps)
    target_BxT = logits_BxTxV.gather(-1, y_BxT[..., None]).squeeze(-1)
    return logits_BxTxV.logsumexp(-1) - target_BxT


def head(x_BxTxD: Tensor, norm_D: Tensor, head_VxD: Tensor, eps: float) -> Tensor:
    """logits_BxTxV, float32 also where all else is bf16: the softmax needs it."""
    normed_BxTxD = rms_norm(x_BxTxD, norm_D.to(x_BxTxD.dtype), eps)
    return F.linear(normed_BxTxD, head_VxD.to(x_BxTxD.dtype)).float()


def rms_norm(x_BxTxD: Tensor, weight_D: Tensor, eps: float) -> Tensor:
    """In float32 whatever x is, then back: transformers' order of operations."""
    wide = x_BxTxD.float()
    scaled = wide * torch.rsqrt((wide * wide).mean(-1, keepdim=True) + eps)
    return weight_D * scaled.to(x_BxTxD.dtype)


def rope(positions: Tensor, config: ModelConfig) -> Rotation:
    """Cosine and sine of every position's angles, each (…, 1, H/2), float32. positions: of shape (T,) or (B, T)."""
    half = config.head_dim // 2
    frequency = config.rope_theta ** (-torch.arange(half, device=positions.device, dtype=torch.float32) / half)
    angle = positions.float()[..., None] * frequency
    return torch.cos(angle)[..., None, :], torch.sin(angle)[..., None, :]


def rotate(x_BxTxNxH: Tensor, rotation: Rotation) -> Tensor:
    """Half-rotation: the pair of a coordinate lies half a head further, as in transformers."""
    cos, sin = (part.to(x_BxTxNxH.dtype) for part in rotation)
    left, right = x_BxTxNxH.chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)


def weights_of_layer(weights: Weights, layer: int) -> Weights:
    """Weights of one layer by their names within it."""
    prefix = f"model.layers.{layer}."
    return {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}


def prefill(weights: Weights, config: ModelConfig, x_BxT: Tensor, last_B: Tensor, size: int) -> tuple[Tensor, Cache]:
    """Texts from their first position on: logits_BxV after position `last` of each, and a cache of `size` positions."""
    rotation = rope(torch.arange(x_BxT.shape[1], device=x_BxT.device), config)
    x_BxTxD = F.embedding(x_BxT, weights["model.embed_tokens.weight"])
    shape = (len(x_BxT), config.kv_heads, size, config.head_dim)
    cache: Cache = []
    for layer in range(config.layers):
        own = weights_of_layer(weights, layer)
        normed_BxTxD = rms_norm(x_BxTxD, own["input_layernorm.weight"], config.norm_eps)
        q_BxTxNxH, *added = heads_of(normed_BxTxD, own, config, rotation)
        keys, values = (x_BxTxD.new_zeros(shape) for _ in added)
        for held, part in zip((keys, values), added, strict=True):
            held[:, :, : x_BxT.shape[1]] = part.transpose(1, 2)
        cache.append((keys, values))
        x_BxTxD = finish_layer(x_BxTxD, causal_attention(q_BxTxNxH, *added, None), own, config)
    return last_logits(weights, config, x_BxTxD[torch.arange(len(x_BxT), device=x_BxT.device), last_B]), cache


def extend(weights: Weights, config: ModelConfig, token_B: Tensor, position_B: Tensor, cache: Cache) -> Tensor:
    """One more token a row, each at its own position, into a cache that is updated in place: logits_BxV of the next."""
    rows_B = torch.arange(len(token_B), device=token_B.device)
    cos, sin = rope(position_B, config)
    rotation = cos[:, None], sin[:, None]  # of each row, at its one position
    size = cache[0][0].shape[2]
    seen_Bx1x1xS = (torch.arange(size, device=token_B.device)[None] <= position_B[:, None])[:, None, None]
    x_Bx1xD = F.embedding(token_B[:, None], weights["model.embed_tokens.weight"])
    for layer, (k_BxKxSxH, v_BxKxSxH) in enumerate(cache):
        own = weights_of_layer(weights, layer)
        normed_Bx1xD = rms_norm(x_Bx1xD, own["input_layernorm.weight"], config.norm_eps)
        q_Bx1xNxH, k_Bx1xKxH, v_Bx1xKxH = heads_of(normed_Bx1xD, own, config, rotation)
        k_BxKxSxH[rows_B, :, position_B] = k_Bx1xKxH[:, 0]
        v_BxKxSxH[rows_B, :, position_B] = v_Bx1xKxH[:, 0]
        # The queries of a group lie where positions do, so that no key is repeated for each of them.
        q_BxKxGxH = q_Bx1xNxH.unflatten(2, (config.kv_heads, -1))[:, 0]
        attended_BxKxGxH = F.scaled_dot_product_attention(q_BxKxGxH, k_BxKxSxH, v_BxKxSxH, seen_Bx1x1xS)
        x_Bx1xD = finish_layer(x_Bx1xD, attended_BxKxGxH.flatten(1, 2)[:, None], own, config)
    return last_logits(weights, config, x_Bx1xD[:, 0])


def all_logits(weights: Weights, config: ModelConfig, x_BxT: Tensor) -> Tensor:
    """logits_BxTxV of whole texts, float32."""
    rotation = rope(torch.arange(x_BxT.shape[1], device=x_BxT.device), config)
    x_BxTxD = F.embedding(x_BxT, weights["model.embed_tokens.weight"])
    for layer in range(config.layers):
        x_BxTxD = layer_of(x_BxTxD, weights_of_layer(weights, layer), config, rotation, None)
    return last_logits(weights, config, x_BxTxD)


def branches(weights: Weights, config: ModelConfig, x_BxT: Tensor, position_BxT: Tensor, until_BxT: Tensor) -> Tensor:
    """The stream behind the last layer, (B, T, D), of texts that branch (`trainer.model.scoring`)."""
    rotation = rope(position_BxT, config)
    x_BxTxD = F.embedding(x_BxT, weights["model.embed_tokens.weight"])
    for layer in range(config.layers):
        x_BxTxD = layer_of(x_BxTxD, weights_of_layer(weights, layer), config, rotation, None, until_BxT)
    return x_BxTxD


def last_logits(weights: Weights, config: ModelConfig, x: Tensor) -> Tensor:
    """Logits (…, V) from the residual stream behind the last layer, (…, D)."""
    table_VxD = weights["model.embed_tokens.weight" if config.tied else "lm_head.weight"]
    return head(x, weights["model.norm.weight"], table_VxD, config.norm_eps)


def causal_attention(
    q_BxTxNxH: Tensor,
    k_BxTxKxH: Tensor,
    v_BxTxKxH: Tensor,
    segment_ids_BxT: Tensor | None,
    until_BxT: Tensor | None = None,
) -> Tensor:
    """Attention of each position to those before it and itself, shape (B, T, N, H).

    segment_ids_BxT: if given, positions with another number are masked
    until_BxT: if given, a position is masked from this one on
    """
    seen_BxTxT = None
    if segment_ids_BxT is not None:
        seen_BxTxT = segment_ids_BxT[:, :, None] == segment_ids_BxT[:, None, :]
    if until_BxT is not None:
        place_T = torch.arange(until_BxT.shape[1], device=until_BxT.device)
        before_BxTxT = place_T[None, :, None] < until_BxT[:, None, :]
        seen_BxTxT = before_BxTxT if seen_BxTxT is None else seen_BxTxT & before_BxTxT
    return attend(q_BxTxNxH, k_BxTxKxH, v_BxTxKxH, None if seen_BxTxT is None else seen_BxTxT.tril()[:, None])


def attend(q_BxTxNxH: Tensor, k_BxSxKxH: Tensor, v_BxSxKxH: Tensor, seen: Tensor | None) -> Tensor:
    """Attention of shape (B, T, N, H).

    seen: which keys are attended to, bool, broadcast to (B, N, T, S); None for causal attention over T = S positions
    """
    group = q_BxTxNxH.shape[2] // k_BxSxKxH.shape[2]
    q, k, v = (part.transpose(1, 2) for part in (q_BxTxNxH, k_BxSxKxH, v_BxSxKxH))
    # Without groups: CPUs' kernel, and of CUDA's all but flash attention, which takes neither float32 nor a mask.
    grouped = q.device.type == "cuda" and q.dtype != torch.float32 and seen is None
    if group > 1 and not grouped:
        k, v = (part.repeat_interleave(group, dim=1) for part in (k, v))
        group = 1
    out = F.scaled_dot_product_attention(q, k, v, seen, is_causal=seen is None, enable_gqa=group > 1)
    return out.transpose(1, 2)
