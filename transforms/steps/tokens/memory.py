"""Encoding that remembers: a text's chunks repeat, so most of them cost one look-up.

SentencePiece merges pieces over the whole text with a priority queue. If no piece of its vocabulary holds a new line,
or a space after anything but spaces, no merge ever crosses such a place, so chunks cut there are encoded as the whole.
GPT-4's split always ends a part before a space that something other than white space follows, and after a new line of
which that is true, and never looks back over such a place.

Almost every text is cut by `str.split`, which costs a fifth of a regular expression: at spaces, new lines having got
a mark and a space of their own. A key is then a chunk without the one space before it, or BARE and a chunk that has
none. A key that such a split should not have made, since white space stands beside white space, is never remembered,
so that its text is noticed and cut by the expression instead.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

LONGEST_CHUNK = 64  # characters; longer ones hardly repeat
MEMORY_BYTES = 64 << 20  # of one generation; the last one is kept beside it, and what is asked for again moves over
CHUNK_BYTES = 220  # measured: what one remembered chunk costs beside its characters

BARE = "\x00"
_CROSSING = re.compile(r"[^ ] |\n.|.\n", re.DOTALL)

Encode = Callable[[str], list[int]]


@dataclass(frozen=True)
class Cuts:
    """Where texts are cut. line: what a new line becomes before the split at spaces. sound: whether a key of that
    split is a chunk. chunks: the chunks of any text."""

    line: str
    sound: Callable[[str], bool]
    chunks: re.Pattern[str]


def no_run(key: str) -> bool:
    """An empty key comes of two spaces together, or of one at the end."""
    return key != ""


def no_white_start(key: str) -> bool:
    """White space must not follow the space or the new line; but a line may be empty at the end or before a space."""
    return key == BARE or (key != "" and not key.removeprefix(BARE)[0].isspace())


# For pieces that do not cross: before spaces, and on both sides of a new line.
AT_SPACES = Cuts(f" {BARE}\n {BARE}", no_run, re.compile(r"\n| *[^ \n]+| +"))
# For GPT-4's split. A chunk goes on over white space that a space does not begin.
AT_PARTS = Cuts(f"\n {BARE}", no_white_start, re.compile(r"\s*\S+(?:[^\S ]\s*\S+)*(?:[^\S ]\s*\Z)?|\s+"))


def crosses(piece: str) -> bool:
    """Whether a merge that makes this piece could cross the end of a chunk."""
    return _CROSSING.search(piece.replace("\u2581", " ")) is not None


class Odd(Exception):
    """A text that a split at spaces does not cut where it should."""


class Memory(dict[str, bytes]):
    """Numbers of chunks, packed; what is missing is encoded."""

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
    """An encoder with a memory. The caller has made sure that nothing crosses the ends of chunks. Not thread-safe."""

    def __init__(self, encode: Encode, dtype: np.dtype[Any], cuts: Cuts) -> None:
        def of_key(key: str) -> list[int]:
            if not cuts.sound(key):
                raise Odd
            return encode(key[1:] if key[:1] == BARE else f" {key}")

        self._dtype, self._cuts = dtype, cuts
        self._by_key, self._by_chunk = Memory(of_key, dtype), Memory(encode, dtype)

    def __call__(self, text: str) -> np.ndarray:
        packed = self._packed(text)
        self._by_key.bound()
        self._by_chunk.bound()
        return np.frombuffer(packed, self._dtype)

    def _packed(self, text: str) -> bytes:
        if BARE not in text:
            keys = (BARE + text.replace("\n", self._cuts.line)).split(" ")
            try:
                return b"".join(map(self._by_key.__getitem__, keys))
            except Odd:
                pass
        return b"".join(map(self._by_chunk.__getitem__, self._cuts.chunks.findall(text)))
