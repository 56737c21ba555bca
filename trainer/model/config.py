"""The shape of a strict Llama, how many parameters it has and what a token of it costs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from schemas.faults import BadInput


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a strict Llama. Raises BadInput for one that can't be.

    vocab_size: tokens, special ones among them
    context: positions trained on
    dim: width of the residual stream
    layers: transformer blocks
    heads: query heads of a layer; dim is heads times an even number
    kv_heads: key and value heads of a layer, each shared by heads / kv_heads query heads
    hidden: width of the feed-forward
    tied: whether the output head is the embedding
    rope_theta: base of the rotary position embedding
    norm_eps: added to the mean square in RMSNorm
    """

    vocab_size: int
    context: int
    dim: int
    layers: int
    heads: int
    kv_heads: int
    hidden: int
    tied: bool = True
    rope_theta: float = 10_000.0  # Llama's; enough up to 4,096 positions
    norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        numbers = ("vocab_size", "context", "dim", "layers", "heads", "kv_heads", "hidden")
        if bad := [name for name in numbers if not isinstance(getattr(self, name), int) or getattr(self, name) < 1]:
            raise BadInput(f"model: {', '.join(bad)} must be whole numbers above 0")
        if self.dim % self.heads or self.head_dim % 2:
            raise BadInput(f"model: dim {self.dim} must be heads ({self.heads}) times an even number")
        if self.heads % self.kv_heads:
            raise BadInput(f"model: heads ({self.heads}) must be a multiple of kv_heads ({self.kv_heads})")

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads


# Sizes are named for their parameters with their usual vocabularies: nano with 2,048, 124m with GPT-2's 50,257, the
# rest with 32,768. hidden is about 8/3 dim, as in Llama; 1b has the shape of Llama 3.2 1B.
SIZES: dict[str, dict[str, Any]] = {
    "nano": {"dim": 128, "layers": 4, "heads": 4, "kv_heads": 2, "hidden": 336},
    "30m": {"dim": 384, "layers": 10, "heads": 6, "kv_heads": 3, "hidden": 1024},
    "124m": {"dim": 768, "layers": 12, "heads": 12, "kv_heads": 12, "hidden": 2048},
    "350m": {"dim": 1024, "layers": 24, "heads": 16, "kv_heads": 16, "hidden": 2816},
    "1b": {"dim": 2048, "layers": 16, "heads": 32, "kv_heads": 8, "hidden": 8192, "rope_theta": 500_000.0},
}


def find_model(model: str, vocab_size: int, context: int) -> ModelConfig:
    """By a size's name, or from a JSON file with `ModelConfig`'s fields. vocab_size and context are the shards'."""
    if model in SIZES:
        return ModelConfig(vocab_size, context, **SIZES[model])
    if not Path(model).is_file():
        raise BadInput(f"no model is called '{model}'; known: {', '.join(SIZES)}, or give a JSON file")
    try:
        given = json.loads(Path(model).read_text())
        return replace(ModelConfig(vocab_size, context, **given), vocab_size=vocab_size, context=context)
    except (ValueError, TypeError) as error:
        names = ", ".join(field.name for field in fields(ModelConfig)[2:])
        raise BadInput(f"model {model} can't be used ({error}); it is a JSON object with some of {names}") from error


def shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Every parameter's shape by its name in Hugging Face's LlamaForCausalLM. Matrices are (out, in)."""
    dim, kv_dim = config.dim, config.kv_heads * config.head_dim
    by_name: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (config.vocab_size, dim)}
    for layer in range(config.layers):
        prefix = f"model.layers.{layer}"
        by_name |= {
            f"{prefix}.input_layernorm.weight": (dim,),
            f"{prefix}.self_attn.q_proj.weight": (dim, dim),
            f"{prefix}.self_attn.k_proj.weight": (kv_dim, dim),
            f"{prefix}.self_attn.v_proj.weight": (kv_dim, dim),
            f"{prefix}.self_attn.o_proj.weight": (dim, dim),
            f"{prefix}.post_attention_layernorm.weight": (dim,),
            f"{prefix}.mlp.gate_proj.weight": (config.hidden, dim),
            f"{prefix}.mlp.up_proj.weight": (config.hidden, dim),
            f"{prefix}.mlp.down_proj.weight": (dim, config.hidden),
        }
    by_name["model.norm.weight"] = (dim,)
    if not config.tied:
        by_name["lm_head.weight"] = (config.vocab_size, dim)
    return by_name


def parameters(config: ModelConfig) -> int:
    """V·D (twice if not tied) + L·(2·D·D + 2·D·KV + 3·D·H + 2·D) + D, where KV is kv_heads · head_dim."""
    per_layer = 2 * config.dim**2 + 2 * config.dim * config.kv_heads * config.head_dim
    per_layer += 3 * config.dim * config.hidden + 2 * config.dim
    tables = config.vocab_size * config.dim * (1 if config.tied else 2)
    return tables + config.layers * per_layer + config.dim


def table_parameters(config: ModelConfig) -> int:
    """Of the vocabulary: the embedding, and the output head where that is another."""
    return config.vocab_size * config.dim * (1 if config.tied else 2)


def suited_vocabulary(config: ModelConfig) -> int:
    """The largest power of two of tokens whose table is no larger than the rest of the model, from 512 to 32,768.

    A larger one takes most of a small model's parameters for tokens that a small training hardly sees.
    """
    per_token = table_parameters(config) // config.vocab_size
    most = (parameters(config) - table_parameters(config)) // per_token
    return min(max(1 << max(most, 1).bit_length() - 1, 512), 32_768)


def flops_per_token(config: ModelConfig) -> float:
    """Of a training step: 6 · N + 12 · L · D · T, as PaLM (arXiv 2204.02311, appendix B) counts for MFU.

    N: parameters that multiply, which are all but the look-up table (the head multiplies, tied or not). The second term
    is attention over all T positions: the causal half is not subtracted, as is usual, so figures compare.
    """
    multiplying = parameters(config) - (0 if config.tied else config.vocab_size * config.dim)
    return 6 * multiplying + 12 * config.layers * config.dim * config.context


@dataclass(frozen=True)
class Part:
    """A part of the model as a forward pass meets it.

    name: embedding, attention, mlp or head; a norm belongs to what reads it
    count: how many of it there are
    parameters: of one
    flops: of one, for one token
    """

    name: str
    count: int
    parameters: int
    flops: int


def parts(config: ModelConfig, positions: int) -> tuple[Part, ...]:
    """What a forward pass of one token goes through, if it attends to so many positions.

    Two FLOPs for each parameter that multiplies and 4 · D for each position attended to: with `positions` the whole
    context they sum to a third of `flops_per_token`, as the backward pass costs twice the forward pass.
    """
    dim, kv_dim, table = config.dim, config.kv_heads * config.head_dim, config.vocab_size * config.dim
    attention, mlp = dim + 2 * dim * dim + 2 * dim * kv_dim, dim + 3 * dim * config.hidden
    return (
        Part("embedding", 1, table, 0),
        Part("attention", config.layers, attention, 2 * attention + 4 * dim * positions),
        Part("mlp", config.layers, mlp, 2 * mlp),
        Part("head", 1, dim if config.tied else dim + table, 2 * (dim + table)),
    )


def to_hf(config: ModelConfig, bos_id: int, eos_id: int | None, pad_id: int | None) -> dict[str, Any]:
    """config.json of transformers' LlamaForCausalLM. A model that ends a text with the next one's BOS stops there."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab_size,
        "hidden_size": config.dim,
        "intermediate_size": config.hidden,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        # transformers 5 reads rope_parameters, earlier ones rope_theta
        "rope_theta": config.rope_theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": config.tied,
        "bos_token_id": bos_id,
        "eos_token_id": eos_id if eos_id is not None else bos_id,
        "pad_token_id": pad_id,
        "torch_dtype": "float32",
        "use_cache": True,
    }


def from_hf(config: dict[str, Any]) -> ModelConfig:
    """The shape from a config.json. Raises BadInput if it is of another kind of model."""
    if config.get("model_type") != "llama":
        raise BadInput(f"config.json is of a {config.get('model_type')}, not of a llama")
    return ModelConfig(
        vocab_size=config["vocab_size"],
        context=config["max_position_embeddings"],
        dim=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"],
        hidden=config["intermediate_size"],
        tied=config["tie_word_embeddings"],
        rope_theta=config["rope_theta"],
        norm_eps=config["rms_norm_eps"],
    )


def as_dict(config: ModelConfig) -> dict[str, Any]:
    return asdict(config)
