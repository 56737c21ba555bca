"""The decoding protocol: what sampling and probes ask of a model, kept by the decoders of both frameworks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Decoder(Protocol):
    """A model with its weights and a cache of keys and values, for one text or many at a time.

    Texts of different lengths lie in the cache side by side, each with its own positions: what comes out for one does
    not depend on the others.

    context: positions that the model was trained on
    """

    context: int

    def begin(self, prompts: Sequence[Sequence[int]], room: int = 0) -> np.ndarray:
        """Forget what was read and read a prompt a row, each of 1 up to `context` tokens.

        room: tokens that will follow at most, by which the cache is sized; 0 for all that the context holds

        Returns the logits of each row's next token, float32 of shape (B, V).
        """
        ...

    def append(self, tokens: Sequence[int]) -> np.ndarray:
        """Read one more token a row. Returns the logits of the next ones, float32 of shape (B, V).

        Rows beyond the cache's room read on at its last position: what they give is of no use, and harms no other row.
        """
        ...

    def logits(self, tokens: list[int]) -> np.ndarray:
        """Logits at every position of a text of its own, 1 up to `context` tokens: float32 of shape (T, V).

        Row t predicts the token after tokens[: t + 1]. The cache is neither looked at nor changed.
        """
        ...

    def score(self, texts: Sequence[Sequence[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        """What each token of a text but the first costs after those before it, for many texts of up to `context` + 1.

        Of each text: −log p in nats, float32 of shape (T − 1,); and whether no token was likelier, bool of that shape.
        What many of them begin with is read once (`trainer.model.scoring`).
        The cache is neither looked at nor changed.
        """
        ...


def power_of_two(number: int) -> int:
    """The least one that is no smaller."""
    return 1 << max(number - 1, 0).bit_length()


def padded_rows(rows: int) -> int:
    """Rows to compute for so many: of few sizes, so that few functions are compiled."""
    return power_of_two(rows) if rows <= 8 else -(-rows // 8) * 8


def cache_size(prompts: Sequence[Sequence[int]], room: int, context: int) -> int:
    """Positions to hold for the longest prompt and what follows it."""
    longest = max(map(len, prompts))
    return min(power_of_two(longest + room), context) if room else context


def matrix(texts: Sequence[Sequence[int]], rows: int, length: int) -> np.ndarray:
    """Texts one below the other, zeros behind each: int32 of shape (rows, length)."""
    x_BxT = np.zeros((rows, length), np.int32)
    for row, text in enumerate(texts):
        x_BxT[row, : len(text)] = text
    return x_BxT
