"""From logits to tokens: temperature, top-k, top-p and a seed. numpy alone, so every backend draws the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from schemas.faults import BadInput
from schemas.setting import setting
from trainer.model.decoder import Decoder


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn. Raises BadInput for numbers that can't be."""

    tokens: int = setting(200, "tokens to write at most", metavar="N")
    temperature: float = setting(0.8, "logits are divided by it; 0 takes the likeliest token", metavar="X")
    top_k: int = setting(50, "draw from so many of the likeliest tokens; 0 for all", metavar="N")
    top_p: float = setting(0.95, "draw from the likeliest that together have this probability", metavar="P")
    seed: int = setting(1, "of the drawing", metavar="N")

    def __post_init__(self) -> None:
        if self.tokens < 1 or self.top_k < 0:
            raise BadInput("tokens are 1 or more, top-k is 0 (for no limit) or more")
        if not (0 <= self.temperature < math.inf and 0 < self.top_p <= 1):
            raise BadInput("a temperature is 0 or more, top-p a probability above 0 and up to 1")


def distribution(logits_V: np.ndarray, sampling: Sampling) -> np.ndarray:
    """Probability of each token to be drawn, float64 of shape (V,)."""
    wide_V = logits_V.astype(np.float64)
    order_V = np.argsort(-wide_V, kind="stable")  # equal ones by their number, so that the order is the only one
    if sampling.temperature == 0:
        return np.eye(1, len(wide_V), int(order_V[0]))[0]
    sorted_V = softmax(wide_V[order_V] / sampling.temperature)
    kept_V = np.arange(len(sorted_V)) < (sampling.top_k or len(sorted_V))
    sorted_V = np.where(kept_V, sorted_V, 0.0) / sorted_V[kept_V].sum()
    before_V = np.cumsum(sorted_V) - sorted_V
    sorted_V = np.where(before_V < sampling.top_p, sorted_V, 0.0)
    drawn_V = np.zeros_like(sorted_V)
    drawn_V[order_V] = sorted_V / sorted_V.sum()
    return drawn_V


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def draw(logits_V: np.ndarray, sampling: Sampling, generator: np.random.Generator) -> int:
    """A token, for which one number is drawn from the generator whatever the settings."""
    cumulated_V = np.cumsum(distribution(logits_V, sampling))
    token = np.searchsorted(cumulated_V, generator.random() * cumulated_V[-1], "right")
    return int(min(token, len(cumulated_V) - 1))


def generate(
    decoder: Decoder,
    prompt: list[int],
    sampling: Sampling,
    stops: frozenset[int],
    logits: list[np.ndarray] | None = None,
) -> Iterator[int]:
    """Tokens that follow the prompt, up to one of `stops`, which is not yielded.

    When the context is full, its newer half is read again and the rest forgotten.

    prompt: tokens, the first of which begins a document. Raises BadInput if it is empty
    logits: a list to which the logits_V are appended that each token is drawn from
    """
    if not prompt:
        raise BadInput("a prompt has at least the token that begins a document")
    generator = np.random.Generator(np.random.PCG64(sampling.seed))
    decoder.reset()
    held = prompt[-decoder.context :]
    logits_V = decoder.read(held)
    for _ in range(sampling.tokens):
        if logits is not None:
            logits.append(logits_V)
        token = draw(logits_V, sampling, generator)
        if token in stops:
            return
        yield token
        held = [*held, token]
        if len(held) > decoder.context:
            held = held[-max(decoder.context // 2, 1) :]
            decoder.reset()
            logits_V = decoder.read(held)
        else:
            logits_V = decoder.read([token])
