"""tokens-*.bin: numbers without a header. The one reader, memory-mapped or as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from schemas.faults import BadInput
from schemas.shards.layout import ShardsInfo, mask_path, tokens_path
from schemas.storage import read_chunks, unreadable

MAX_OPEN_FILES = 256  # each holds a file descriptor; the usual limit of a process is 1024
RERUN = "make the shards anew with `bateia shard`"


class TokenFiles:
    """Read-only views of a split's files, memory-mapped when first asked for."""

    def __init__(self, shards: ShardsInfo, split: str) -> None:
        self._shards, self._split = shards, split
        self.tokens: Callable[[int], np.ndarray] = lru_cache(MAX_OPEN_FILES)(self._open)
        self._masks: Callable[[int], np.ndarray] = lru_cache(MAX_OPEN_FILES)(self._open_mask)

    def _open(self, shard: int) -> np.ndarray:
        """All tokens of a file, of the shards' dtype. Raises BadInput if there is none, or half a token in it."""
        return mapped(tokens_path(self._shards.folder, self._split, shard), self._shards.dtype)

    def _open_mask(self, shard: int) -> np.ndarray:
        """Raises BadInput if the file is not there, or of another size than the tokens'."""
        path = mask_path(self._shards.folder, self._split, shard)
        mask = mapped(path, np.dtype(np.uint8))
        if len(mask) != (tokens := len(self.tokens(shard))):
            raise BadInput(f"{path} has {len(mask):,} bytes for {tokens:,} tokens; make the conversations' shards anew")
        return mask

    def mask(self, shard: int, start: int, length: int) -> np.ndarray:
        """Which tokens of a span are learned, uint8 of shape (length,): all, where the shards have no mask."""
        if not self._shards.masked:
            return np.ones(length, np.uint8)
        return self._masks(shard)[start : start + length]

    def span(self, shard: int, start: int, length: int) -> np.ndarray:
        """Tokens of a span, shape (length,). Raises BadInput if the file ends before it does."""
        tokens = self.tokens(shard)
        if start + length > len(tokens):
            path = tokens_path(self._shards.folder, self._split, shard)
            raise BadInput(
                f"{path} has {len(tokens):,} tokens and the plan asks for {start + length:,}: it is cut short; {RERUN}"
            )
        return tokens[start : start + length]


def mapped(path: str, dtype: np.dtype[Any]) -> np.ndarray:
    """A file's numbers, memory-mapped. Raises BadInput if it can't be read or ends within one."""
    try:
        size = Path(path).stat().st_size
        if size % dtype.itemsize:
            raise BadInput(f"{path} ends within a token ({size} bytes); {RERUN}")
        # The plain array: slicing a np.memmap costs ten times as much.
        return np.asarray(np.memmap(path, dtype, "r") if size else np.empty(0, dtype))
    except OSError as error:
        raise BadInput(f"{path} can't be read ({error.strerror}); {RERUN}") from error


def stream_tokens(path: str, dtype: np.dtype[Any]) -> Iterator[np.ndarray]:
    """A file's tokens in order, a few MB at a time. Raises BadInput if it can't be read or ends within a token."""
    try:
        for chunk in read_chunks(path):
            if len(chunk) % dtype.itemsize:
                raise BadInput(f"{path} ends within a token; {RERUN}")
            yield np.frombuffer(chunk, dtype)
    except OSError as error:
        raise unreadable(path, error, RERUN) from error
