"""Token files of one split, memory-mapped: spans in, numbers out."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from schemas.shards import ShardsInfo, tokens_path
from trainer.faults import BadRun

OPEN_FILES = 256  # each holds a file descriptor; the usual limit of a process is 1024


class TokenFiles:
    """Read-only views of a split's files, opened when first asked for."""

    def __init__(self, shards: ShardsInfo, split: str) -> None:
        self._shards, self._split = shards, split
        self.tokens: Callable[[int], np.ndarray] = lru_cache(OPEN_FILES)(self._open)

    def _open(self, shard: int) -> np.ndarray:
        """All tokens of a file, of the shards' dtype. Raises BadRun if there is none, or half a token in it."""
        path = tokens_path(self._shards.folder, self._split, shard)
        try:
            size = Path(path).stat().st_size
            if size % self._shards.dtype.itemsize:
                raise BadRun(f"{path} ends within a token ({size} bytes); make the shards anew with `bateia shard`")
            # The plain array: slicing a np.memmap costs ten times as much.
            return np.asarray(np.memmap(path, self._shards.dtype, "r") if size else np.empty(0, self._shards.dtype))
        except OSError as error:
            raise BadRun(
                f"{path} can't be read ({error.strerror}); make the shards anew with `bateia shard`"
            ) from error

    def span(self, shard: int, start: int, length: int) -> np.ndarray:
        """Tokens of a span, shape (length,). Raises BadRun if the file ends before it does."""
        tokens = self.tokens(shard)
        if start + length > len(tokens):
            path = tokens_path(self._shards.folder, self._split, shard)
            raise BadRun(
                f"{path} has {len(tokens):,} tokens and the plan asks for {start + length:,}: it is cut short; "
                "make the shards anew with `bateia shard`"
            )
        return tokens[start : start + length]
