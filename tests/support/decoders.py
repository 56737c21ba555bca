"""Made-up models that know what they say: what `Decoder` asks besides, for tests that ask for logits alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class LogitsAlone:
    """A `Decoder` without a cache."""

    context = 1000

    def begin(self, prompts: Sequence[Sequence[int]], room: int = 0) -> np.ndarray:
        raise NotImplementedError

    def append(self, tokens: Sequence[int]) -> np.ndarray:
        raise NotImplementedError

    def logits(self, tokens: list[int]) -> np.ndarray:
        raise NotImplementedError

    def score(self, texts: Sequence[Sequence[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        """By `logits`."""
        scored = []
        for text in texts:
            wide_TxV = self.logits(list(text[:-1])).astype(np.float64)
            whole_T = np.log(np.exp(wide_TxV - wide_TxV.max(-1, keepdims=True)).sum(-1)) + wide_TxV.max(-1)
            targets_T = np.array(text[1:])
            nats_T = whole_T - wide_TxV[np.arange(len(targets_T)), targets_T]
            scored.append((nats_T, wide_TxV.argmax(-1) == targets_T))
        return scored
