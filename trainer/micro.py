"""A whole language model and its training in numpy alone: the algorithm, to be read from top to bottom.

The Llama of `trainer.model` and the AdamW of `trainer.optim`, equal to both backends in all but speed. A function that
is learned through returns its result and `back`: from that result's gradient to those of what went in.

    python -m trainer.micro FILE        trains a small model on the bytes of a file, then lets it write

B rows, T positions, D width, N heads, K of keys and values, H width of one, F of the MLP, V tokens; matrices (out, in).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from trainer.model.config import ModelConfig
from trainer.model.initial import initial_weights

Array = np.ndarray
Weights = dict[str, Array]
Back = Callable[[Array], Any]


def linear(x_BxTxI: Array, weight_OxI: Array) -> tuple[Array, Back]:
    """Each output is a weighted sum of all inputs."""

    def back(d_BxTxO: Array) -> tuple[Array, Array]:
        d_MxO, x_MxI = (part.reshape(-1, part.shape[-1]) for part in (d_BxTxO, x_BxTxI))
        return d_BxTxO @ weight_OxI, d_MxO.T @ x_MxI

    return x_BxTxI @ weight_OxI.T, back


def rms_norm(x_BxTxD: Array, weight_D: Array, eps: float) -> tuple[Array, Back]:
    """Every position's vector is brought to the same length, then stretched along each axis by a learned factor."""
    inverse_BxTx1 = 1 / np.sqrt(np.mean(x_BxTxD**2, axis=-1, keepdims=True) + eps)
    unit_BxTxD = x_BxTxD * inverse_BxTx1

    def back(d_BxTxD: Array) -> tuple[Array, Array]:
        d_unit = d_BxTxD * weight_D
        along = unit_BxTxD * np.mean(d_unit * unit_BxTxD, axis=-1, keepdims=True)
        return inverse_BxTx1 * (d_unit - along), np.sum(d_BxTxD * unit_BxTxD, axis=(0, 1))

    return weight_D * unit_BxTxD, back


def rotated(x_BxNxTxH: Array, theta: float, sign: int = 1) -> Array:
    """Pairs of coordinates turn by the position times a pace of their own: queries then fit keys by their distance.
    A gradient is turned back: `sign` −1."""
    length, half = x_BxNxTxH.shape[-2], x_BxNxTxH.shape[-1] // 2
    angle_TxH2 = np.arange(length)[:, None] * theta ** (-np.arange(half) / half)
    cos, sin = np.cos(angle_TxH2).astype(x_BxNxTxH.dtype), sign * np.sin(angle_TxH2).astype(x_BxNxTxH.dtype)
    left, right = x_BxNxTxH[..., :half], x_BxNxTxH[..., half:]
    return np.concatenate((left * cos - right * sin, right * cos + left * sin), axis=-1)


def attention(q_BxNxTxH: Array, k_BxKxTxH: Array, v_BxKxTxH: Array) -> tuple[Array, Array, Back]:
    """Every position takes a mean of the values up to it, weighted by how well its query fits their keys.
    N / K heads of queries share a head of keys and values. Returns that (B, N, T, H) and its weights (B, N, T, T)."""
    group, length, scale = q_BxNxTxH.shape[1] // k_BxKxTxH.shape[1], q_BxNxTxH.shape[2], q_BxNxTxH.shape[3] ** -0.5
    k, v = (np.repeat(part, group, axis=1) for part in (k_BxKxTxH, v_BxKxTxH))
    fits = np.where(np.tri(length, dtype=bool), q_BxNxTxH @ k.swapaxes(2, 3) * scale, -np.inf)
    weights_BxNxTxT = softmax(fits)

    def shared(d_BxNxTxH: Array) -> Array:
        return d_BxNxTxH.reshape(len(d_BxNxTxH), -1, group, *d_BxNxTxH.shape[2:]).sum(axis=2)

    def back(d_BxNxTxH: Array) -> tuple[Array, Array, Array]:
        d_weights = d_BxNxTxH @ v.swapaxes(2, 3)
        d_fits = weights_BxNxTxT * (d_weights - np.sum(d_weights * weights_BxNxTxT, axis=-1, keepdims=True)) * scale
        d_k, d_v = d_fits.swapaxes(2, 3) @ q_BxNxTxH, weights_BxNxTxT.swapaxes(2, 3) @ d_BxNxTxH
        return d_fits @ k, shared(d_k), shared(d_v)

    return weights_BxNxTxT @ v, weights_BxNxTxT, back


def softmax(x: Array) -> Array:
    """Positive numbers that sum to 1 along the last axis, in the proportions eˣ."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def swiglu(gate_BxTxF: Array, up_BxTxF: Array) -> tuple[Array, Back]:
    """silu(gate) · up, where silu(x) = x / (1 + e⁻ˣ): one half decides how much of the other passes."""
    open_BxTxF = 1 / (1 + np.exp(-gate_BxTxF))
    silu_BxTxF = gate_BxTxF * open_BxTxF

    def back(d_BxTxF: Array) -> tuple[Array, Array]:
        slope = open_BxTxF * (1 + gate_BxTxF * (1 - open_BxTxF))
        return d_BxTxF * up_BxTxF * slope, d_BxTxF * silu_BxTxF

    return silu_BxTxF * up_BxTxF, back


# --- The model --------------------------------------------------------------------------------------------------------


class Layer(NamedTuple):
    """What a layer came to: attention's weights, the stream after it, the MLP's activations, the stream at the end."""

    attention_BxNxTxT: Array
    between_BxTxD: Array
    hidden_BxTxF: Array
    out_BxTxD: Array


def layer(x_BxTxD: Array, weights: Weights, prefix: str, config: ModelConfig) -> tuple[Layer, Back]:
    """Attention moves information between positions, the MLP works on each; both add to the residual stream x."""
    w = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    batch, length, _ = x_BxTxD.shape

    def split(y_BxTxD: Array) -> Array:
        return y_BxTxD.reshape(batch, length, -1, config.head_dim).swapaxes(1, 2)

    def joined(y_BxNxTxH: Array) -> Array:
        return y_BxNxTxH.swapaxes(1, 2).reshape(batch, length, -1)

    normed, back_norm = rms_norm(x_BxTxD, w["input_layernorm.weight"], config.norm_eps)
    (q, back_q), (k, back_k), (v, back_v) = (linear(normed, w[f"self_attn.{name}_proj.weight"]) for name in "qkv")
    q, k, v = rotated(split(q), config.rope_theta), rotated(split(k), config.rope_theta), split(v)
    attended, attention_BxNxTxT, back_attention = attention(q, k, v)
    added, back_o = linear(joined(attended), w["self_attn.o_proj.weight"])
    between = x_BxTxD + added

    normed, back_post_norm = rms_norm(between, w["post_attention_layernorm.weight"], config.norm_eps)
    (gate, back_gate), (up, back_up) = (linear(normed, w[f"mlp.{name}_proj.weight"]) for name in ("gate", "up"))
    hidden, back_swiglu = swiglu(gate, up)
    added, back_down = linear(hidden, w["mlp.down_proj.weight"])

    def back(d_BxTxD: Array) -> tuple[Array, Weights]:
        g: Weights = {}
        d_hidden, g["mlp.down_proj.weight"] = back_down(d_BxTxD)
        d_gate, d_up = back_swiglu(d_hidden)
        d_one, g["mlp.gate_proj.weight"] = back_gate(d_gate)
        d_other, g["mlp.up_proj.weight"] = back_up(d_up)
        d_between, g["post_attention_layernorm.weight"] = back_post_norm(d_one + d_other)
        d_between = d_between + d_BxTxD  # around the MLP
        d_attended, g["self_attn.o_proj.weight"] = back_o(d_between)
        d_q, d_k, d_v = back_attention(split(d_attended))
        d_q, d_k = (rotated(d, config.rope_theta, -1) for d in (d_q, d_k))
        d_normed = np.zeros_like(x_BxTxD)
        for name, back_part, d in zip("qkv", (back_q, back_k, back_v), (d_q, d_k, d_v), strict=True):
            d_part, g[f"self_attn.{name}_proj.weight"] = back_part(joined(d))
            d_normed += d_part
        d_x, g["input_layernorm.weight"] = back_norm(d_normed)
        return d_x + d_between, {prefix + name: value for name, value in g.items()}  # around attention

    return Layer(attention_BxNxTxT, between, hidden, between + added), back


def forward(weights: Weights, config: ModelConfig, x_BxT: Array) -> tuple[Array, list[Layer], Back]:
    """logits_BxTxV of the token after each, what every layer came to, and from the logits' gradient to all others."""
    table_VxD = weights["model.embed_tokens.weight"]
    stream, layers, backs = table_VxD[x_BxT], [], []
    for number in range(config.layers):
        done, back_layer = layer(stream, weights, f"model.layers.{number}.", config)
        stream = done.out_BxTxD
        layers.append(done)
        backs.append(back_layer)
    head = "model.embed_tokens.weight" if config.tied else "lm_head.weight"
    normed, back_norm = rms_norm(stream, weights["model.norm.weight"], config.norm_eps)
    logits_BxTxV, back_head = linear(normed, weights[head])

    def back(d_BxTxV: Array) -> Weights:
        d_normed, d_head = back_head(d_BxTxV)
        d_stream, d_norm = back_norm(d_normed)
        gradients = {"model.norm.weight": d_norm}
        for back_layer in reversed(backs):
            d_stream, of_layer = back_layer(d_stream)
            gradients |= of_layer
        d_table = np.zeros_like(table_VxD)
        np.add.at(d_table, x_BxT, d_stream)  # a token that stands at several positions learns from all of them
        gradients["model.embed_tokens.weight"] = d_table
        gradients[head] = d_table + d_head if config.tied else d_head
        return gradients

    return logits_BxTxV, layers, back


# --- Training ---------------------------------------------------------------------------------------------------------


def loss_of(logits_BxTxV: Array, y_BxT: Array, mask_BxT: Array) -> tuple[float, Array]:
    """Mean of −log p of the tokens that came, in nats, over those to be learned; and the logits' gradient."""
    p_BxTxV, at = softmax(logits_BxTxV), np.ogrid[tuple(map(slice, y_BxT.shape))]
    share_BxT = (mask_BxT / max(mask_BxT.sum(), 1)).astype(logits_BxTxV.dtype)
    loss = -float(np.sum(np.log(p_BxTxV[(*at, y_BxT)]) * share_BxT))
    d_BxTxV = p_BxTxV * share_BxT[..., None]
    d_BxTxV[(*at, y_BxT)] -= share_BxT
    return loss, d_BxTxV


class AdamW:
    """Each weight goes against its gradient's running mean, in units of the gradient's usual size; matrices shrink."""

    def __init__(self, weights: Weights, beta1: float = 0.9, beta2: float = 0.95, decay: float = 0.1) -> None:
        self.beta1, self.beta2, self.decay, self.count = beta1, beta2, decay, 0
        self.mean, self.square = ({name: np.zeros_like(w) for name, w in weights.items()} for _ in range(2))

    def update(self, weights: Weights, gradients: Weights, rate: float, clip: float = 1.0) -> float:
        """Change the weights in place. Returns the norm of all gradients, which `clip` caps; 0 caps none."""
        norm = float(np.sqrt(sum(np.sum(g * g) for g in gradients.values())))
        factor = min(1.0, clip / (norm + 1e-6)) if clip else 1.0
        self.count += 1
        for name, w in weights.items():
            g = gradients[name] * factor
            self.mean[name] = self.beta1 * self.mean[name] + (1 - self.beta1) * g
            self.square[name] = self.beta2 * self.square[name] + (1 - self.beta2) * g * g
            mean = self.mean[name] / (1 - self.beta1**self.count)  # both began at 0, and are that much too small
            size = np.sqrt(self.square[name] / (1 - self.beta2**self.count)) + 1e-8
            w -= rate * (mean / size + (self.decay * w if w.ndim == 2 else 0))
        return norm


def train_step(
    weights: Weights, optimizer: AdamW, config: ModelConfig, x_BxT: Array, y_BxT: Array, mask_BxT: Array, rate: float
) -> tuple[float, float]:
    """One step of training, in place. Returns the loss before it and the gradients' norm."""
    logits_BxTxV, _, back = forward(weights, config, x_BxT)
    loss, d_logits_BxTxV = loss_of(logits_BxTxV, y_BxT, mask_BxT)
    return loss, optimizer.update(weights, back(d_logits_BxTxV), rate)


def main(path: str, steps: int = 200, length: int = 200) -> None:
    """Train on windows of a file's bytes, which are the tokens, and write `length` more."""
    try:
        data, draw = np.fromfile(path, np.uint8).astype(np.int64), np.random.default_rng(1)
    except OSError as error:
        sys.exit(f"{path} can't be read ({error.strerror}); give a text file")
    config = ModelConfig(vocab_size=256, context=64, dim=64, layers=2, heads=4, kv_heads=2, hidden=176)
    if len(data) <= config.context:
        sys.exit(f"{path} has {len(data)} bytes; give a file of more than {config.context}")
    weights = initial_weights(config, seed=1)
    optimizer = AdamW(weights)
    for step in range(steps):
        rows = data[draw.integers(0, len(data) - config.context, (8, 1)) + np.arange(config.context + 1)]
        loss, _ = train_step(weights, optimizer, config, rows[:, :-1], rows[:, 1:], np.ones((8, config.context)), 0.01)
        print(f"step {step:4}  loss {loss:.3f} nats a byte")
    text = [10]
    for _ in range(length):
        logits, _, _ = forward(weights, config, np.array([text[-config.context :]]))
        text.append(int(draw.choice(256, p=softmax(logits[0, -1].astype(np.float64) / 0.8))))
    print(repr(bytes(text[1:]).decode(errors="replace")))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else sys.exit("usage: python -m trainer.micro FILE"))
