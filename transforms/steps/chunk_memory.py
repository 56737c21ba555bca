"""Encoding that remembers: a text's chunks repeat, so most of them cost one look-up.

SentencePiece merges pieces over the whole text with a priority queue. If no piece of its vocabulary holds a new line,
or a space after anything but spaces, no merge ever crosses such a place, so chunks cut there are encoded as the whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

LONGEST_CHUNK = 64  # characters; longer ones hardly repeat
MEMORY_BYTES = 64 << 20  # then all is forgotten and learnt anew
CHUNK_BYTES = 220  # measured: what one remembered chunk costs beside its characters

_CHUNK = re.compile(r"\n| *[^ \n]+| +")
_CROSSING = re.compile(r"[^ ] |\n.|.\n", re.DOTALL)

Encode = Callable[[str], list[int]]


def crosses(piece: str) -> bool:
    """Whether a merge that makes this piece could cross the end of a chunk."""
    return _CROSSING.search(piece.replace("\u2581", " ")) is not None


class ChunkMemory:
    """An encoder with a memory. The caller has made sure that nothing crosses the chunks' ends. Not thread-safe."""

    def __init__(self, encode: Encode, dtype: np.dtype[Any]) -> None:
        self._encode, self._dtype = encode, dtype
        self._memory: dict[str, bytes] = {}
        self._bytes = 0

    def __call__(self, text: str) -> np.ndarray:
        chunks = _CHUNK.findall(text)
        try:
            packed = b"".join(map(self._memory.__getitem__, chunks))
        except KeyError:
            packed = b"".join(map(self._of_chunk, chunks))
            self._bound()
        return np.frombuffer(packed, self._dtype)

    def _of_chunk(self, chunk: str) -> bytes:
        known = self._memory.get(chunk)
        if known is None:
            known = np.array(self._encode(chunk), self._dtype).tobytes()
            if len(chunk) <= LONGEST_CHUNK:
                self._memory[chunk] = known
                self._bytes += CHUNK_BYTES + len(chunk) + len(known)
        return known

    def _bound(self) -> None:
        if self._bytes > MEMORY_BYTES:
            self._memory.clear()
            self._bytes = 0
