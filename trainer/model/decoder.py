"""The decoding protocol: what sampling and probes ask of a model, kept by the decoders of both frameworks."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Decoder(Protocol):
    """A model with its weights and a cache of keys and values, for one text at a time.

    context: positions that the model was trained on
    """

    context: int

    def reset(self) -> None:
        """Empty the cache: the next token read is at position 0."""
        ...

    def read(self, tokens: list[int]) -> np.ndarray:
        """Append tokens to those in the cache. Returns the logits of the next token, float32 of shape (V,)."""
        ...

    def logits(self, tokens: list[int]) -> np.ndarray:
        """Logits at every position of a text of its own, 1 up to `context` tokens: float32 of shape (T, V).

        Row t predicts the token after tokens[: t + 1]. The cache is neither looked at nor changed.
        """
        ...
