"""MinHash signatures in bands: near-duplicates share a band's hash (Broder 1997; Leskovec et al., Mining of Massive
Datasets, section 3.4)."""

from __future__ import annotations

from functools import cached_property
from hashlib import blake2b

import numpy as np

from transforms.steps.text.hashes import mix

BLOCK_SHINGLES = 512  # hashed at once; with 112 hashes of 8 bytes each they stay in a core's cache


class MinHash:
    """`bands` hashes of a document, each made of `rows` minima.

    Two documents of Jaccard similarity s share at least one of the hashes with probability 1 - (1 - s**rows)**bands.
    Each hash function is x -> a*x + b modulo 2**64 with odd a; `seed` draws the constants.
    """

    def __init__(self, bands: int, rows: int, seed: int) -> None:
        self.bands, self.rows, self.seed = bands, rows, seed

    @cached_property
    def _constants(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        count = self.bands * self.rows
        constants = b"".join(
            blake2b(f"{self.seed}/{index}".encode(), digest_size=8).digest() for index in range(3 * count)
        )
        factors, terms, weights = np.frombuffer(constants, np.dtype("<u8")).reshape(3, count)
        return (
            (factors | np.uint64(1))[:, None],
            terms[:, None],
            (weights | np.uint64(1)).reshape(self.bands, self.rows),
        )

    @cached_property
    def _scratch(self) -> np.ndarray:
        return np.empty(self.bands * self.rows * BLOCK_SHINGLES, np.uint64)

    def minima(self, shingles: np.ndarray) -> np.ndarray:
        """The smallest value of each hash function: uint64 of shape (bands * rows,). shingles: uint64, at least one."""
        factors, terms, _ = self._constants
        least: np.ndarray | None = None
        for start in range(0, len(shingles), BLOCK_SHINGLES):
            piece = shingles[start : start + BLOCK_SHINGLES]
            values = self._scratch[: len(factors) * len(piece)].reshape(len(factors), len(piece))
            np.multiply(factors, piece, out=values)
            np.add(values, terms, out=values)
            minima = values.min(axis=1)
            least = minima if least is None else np.minimum(least, minima)
        assert least is not None
        return least

    def band_hashes(self, shingles: np.ndarray) -> np.ndarray:
        """One hash for each band, different between bands: uint64 of shape (bands,)."""
        _, _, weights = self._constants
        mixed = mix(self.minima(shingles).reshape(self.bands, self.rows))
        return mix((mixed * weights).sum(axis=1, dtype=np.uint64))
