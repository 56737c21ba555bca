"""An encoder that remembers chunks: most of a text's chunks were met before and cost one look-up.

SentencePiece merges pieces over the whole text with a priority queue. If no piece of its vocabulary holds a new line,
or a space that follows anything but spaces, no merge crosses the position before a space or beside a new line. Chunks
cut at these positions, encoded one by one, give the same numbers as the whole text.

Almost every text is cut by `str.split(" ")`, which costs a fifth of a regular expression. The split removes the space
that leads each chunk, so what is looked up (the key) is the chunk without it; a chunk that has no such space is marked
by BARE in front. New lines are made chunks of their own first. For example "a b\\nc" gives four keys: BARE + "a", "b",
BARE + "\\n", BARE + "c". Two spaces together, or one at the end, give an empty key, which does not say how many spaces
the chunk has: such a text is cut by the regular expression instead.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

LONGEST_CHUNK = 64  # characters; longer ones hardly repeat
MEMORY_BYTES = 64 << 20  # of a generation; the one before it is kept too, and what is asked for again moves over
CHUNK_BYTES = 220  # measured: what one remembered chunk costs beside its characters

BARE = "\x00"
SEPARATE_LINES = f" {BARE}\n {BARE}"  # what a new line becomes before the split, so that it is a key of its own
CHUNKS = re.compile(r"\n| *[^ \n]+| +")
_CROSSING = re.compile(r"[^ ] |\n.|.\n", re.DOTALL)

Encode = Callable[[str], list[int]]


def crosses(piece: str) -> bool:
    """Whether a merge that makes this piece could cross the end of a chunk."""
    return _CROSSING.search(piece.replace("\u2581", " ")) is not None


class EmptyKey(Exception):
    """A text that `str.split(" ")` does not cut into chunks."""


class Memory(dict[str, bytes]):
    """Each remembered chunk's numbers, packed; a chunk that is missing is encoded when it is asked for."""

    def __init__(self, encode: Encode, dtype: np.dtype[Any]) -> None:
        super().__init__()
        self._encode, self._letter = encode, dtype.char
        self._last: dict[str, bytes] = {}
        self._size = 0

    def __missing__(self, chunk: str) -> bytes:
        packed = self._last.get(chunk)
        if packed is None:
            numbers = self._encode(chunk)
            packed = struct.pack(f"<{len(numbers)}{self._letter}", *numbers)
        if len(chunk) <= LONGEST_CHUNK:
            self[chunk] = packed
            self._size += CHUNK_BYTES + len(chunk) + len(packed)
        return packed

    def bound(self) -> None:
        """Begin a new generation if this one is full."""
        if self._size > MEMORY_BYTES:
            self._last = dict(self)
            self.clear()
            self._size = 0


class ChunkMemory:
    """An encoder with a memory. The caller has made sure that no piece `crosses`. Not thread-safe."""

    def __init__(self, encode: Encode, dtype: np.dtype[Any]) -> None:
        def encode_key(key: str) -> list[int]:
            if not key:
                raise EmptyKey
            return encode(key[1:] if key[0] == BARE else f" {key}")

        self._dtype = dtype
        self._by_key, self._by_chunk = Memory(encode_key, dtype), Memory(encode, dtype)

    def __call__(self, text: str) -> np.ndarray:
        packed = self._packed(text)
        self._by_key.bound()
        self._by_chunk.bound()
        return np.frombuffer(packed, self._dtype)

    def _packed(self, text: str) -> bytes:
        if BARE not in text:
            keys = (BARE + text.replace("\n", SEPARATE_LINES)).split(" ")
            try:
                return b"".join(map(self._by_key.__getitem__, keys))
            except EmptyKey:
                pass
        return b"".join(map(self._by_chunk.__getitem__, CHUNKS.findall(text)))
