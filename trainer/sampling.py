"""From logits to tokens: temperature, top-k, top-p and a seed. numpy alone, so every backend draws the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trainer.faults import BadRun


class Speaker(Protocol):
    """A model that reads tokens and says what may follow."""

    context: int

    def begin(self) -> None:
        """Forget all that was read."""
        ...

    def read(self, tokens: list[int]) -> np.ndarray:
        """Logits of what follows these tokens, which follow all read before: float32 of shape (V,)."""
        ...

    def logits(self, tokens: list[int]) -> np.ndarray:
        """Of a text of its own, 1 up to `context` tokens: float32 of shape (T, V); row t is of what follows
        tokens[: t + 1]. What was read stays read, and is not looked at."""
        ...


@dataclass(frozen=True)
class Sampling:
    """temperature 0 takes the likeliest token. top_k: of the likeliest so many, 0 for all. top_p: of the likeliest that
    together have this probability."""

    tokens: int = 200
    temperature: float = 0.8
    top_k: int = 50
    top_p: float = 0.95
    seed: int = 1

    def __post_init__(self) -> None:
        if self.tokens < 1 or self.top_k < 0:
            raise BadRun("tokens are 1 or more, top-k is 0 (for no limit) or more")
        if not (0 <= self.temperature < math.inf and 0 < self.top_p <= 1):
            raise BadRun("a temperature is 0 or more, top-p a probability above 0 and up to 1")


def distribution(logits_V: np.ndarray, sampling: Sampling) -> np.ndarray:
    """Probabilities that a token is drawn by, float64 of shape (V,)."""
    wide_V = logits_V.astype(np.float64)
    order_V = np.argsort(-wide_V, kind="stable")  # among equals the smaller number, so the choice is one
    if sampling.temperature == 0:
        return np.eye(1, len(wide_V), int(order_V[0]))[0]
    sorted_V = softmax(wide_V[order_V] / sampling.temperature)
    kept_V = np.arange(len(sorted_V)) < (sampling.top_k or len(sorted_V))
    sorted_V = np.where(kept_V, sorted_V, 0.0) / sorted_V[kept_V].sum()
    before_V = np.cumsum(sorted_V) - sorted_V
    sorted_V = np.where(before_V < sampling.top_p, sorted_V, 0.0)
    found_V = np.zeros_like(sorted_V)
    found_V[order_V] = sorted_V / sorted_V.sum()
    return found_V


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def draw(logits_V: np.ndarray, sampling: Sampling, generator: np.random.Generator) -> int:
    """A token. One number is drawn from the generator for it, whatever the settings."""
    cumulated_V = np.cumsum(distribution(logits_V, sampling))
    at = np.searchsorted(cumulated_V, generator.random() * cumulated_V[-1], "right")
    return int(min(at, len(cumulated_V) - 1))


def generate(
    speaker: Speaker,
    prompt: list[int],
    sampling: Sampling,
    stops: frozenset[int],
    rivals: list[np.ndarray] | None = None,
) -> Iterator[int]:
    """Tokens that follow the prompt, up to one of `stops`, which is not yielded. rivals: takes the logits of each.

    When the context is full, its newer half is read again and the rest forgotten.
    """
    if not prompt:
        raise BadRun("a prompt has at least the token that begins a document")
    generator = np.random.Generator(np.random.PCG64(sampling.seed))
    speaker.begin()
    held = prompt[-speaker.context :]
    logits_V = speaker.read(held)
    for _ in range(sampling.tokens):
        if rivals is not None:
            rivals.append(logits_V)
        token = draw(logits_V, sampling, generator)
        if token in stops:
            return
        yield token
        held = [*held, token]
        if len(held) > speaker.context:
            held = held[-max(speaker.context // 2, 1) :]
            speaker.begin()
            logits_V = speaker.read(held)
        else:
            logits_V = speaker.read([token])
