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

BETWEEN_SPACES = re.compile(r"\n| *[^ \n]+| +")  # for pieces that do not cross
# GPT-4's split always ends a part where a space follows anything but white space, and never looks back over it.
BEFORE_SPACES = re.compile(r"\s*\S+(?:[^\S ]\s*\S+)*(?:[^\S ]\s*\Z)?|\s+")
_CROSSING = re.compile(r"[^ ] |\n.|.\n", re.DOTALL)

Encode = Callable[[str], list[int]]


def crosses(piece: str) -> bool:
    """Whether a merge that makes this piece could cross the end of a chunk."""
    return _CROSSING.search(piece.replace("\u2581", " ")) is not None


class ChunkMemory:
    """An encoder with a memory. The caller has made sure that nothing crosses the ends of `chunks`. Not thread-safe."""

    def __init__(self, encode: Encode, dtype: np.dtype[Any], chunks: re.Pattern[str] = BETWEEN_SPACES) -> None:
        self._encode, self._dtype, self._find = encode, dtype, chunks.findall
        self._memory: dict[str, bytes] = {}
        self._bytes = 0

    def __call__(self, text: str) -> np.ndarray:
        chunks = self._find(text)
        try:
            packed = b"".join(map(self._memory.__getitem__, chunks))
        except KeyError:
            endless = self._learn(set(chunks).difference(self._memory))
            packed = b"".join([endless.get(chunk) or self._memory[chunk] for chunk in chunks])
            self._bound()
        return np.frombuffer(packed, self._dtype)

    def _learn(self, new: set[str]) -> dict[str, bytes]:
        """Remember what is new, but for endless chunks, which are returned."""
        found = {chunk: np.array(self._encode(chunk), self._dtype).tobytes() for chunk in new}
        endless = {chunk: found.pop(chunk) for chunk in new if len(chunk) > LONGEST_CHUNK}
        self._memory |= found
        self._bytes += sum(CHUNK_BYTES + len(chunk) + len(numbers) for chunk, numbers in found.items())
        return endless

    def _bound(self) -> None:
        if self._bytes > MEMORY_BYTES:
            self._memory.clear()
            self._bytes = 0
