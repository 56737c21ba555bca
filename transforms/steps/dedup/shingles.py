"""Word n-grams of a text as 64-bit hashes: what MinHash compares documents by.

Words are those of the simplified text (datatrove's MinHash: lower case, numbers to 0, punctuation to spaces, no
accents), split as the document's language is. All of that happens within runs of non-space characters (chunks), so what
a chunk gives is remembered and most of a text costs one dictionary look-up a chunk. Languages with a splitter of their
own are split by it; those written without spaces for which there is none are compared by characters instead of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from unicodedata import category, normalize

import numpy as np

from transforms.steps.text.dictionaries import NO_SPLITTER, dictionary_of
from transforms.steps.text.hashes import mix
from transforms.steps.text.words import (
    LONGEST_CHUNK,
    PUNCTUATION,
    SHORT_TEXT_CHARS,
    chunks_beyond_limit,
    pieces,
    split_chunks,
    words,
)

MEMORY_BYTES = 64 << 20  # about, of remembered chunks; when it is full, all are forgotten
CHUNK_BYTES = 250  # measured: what one remembered chunk costs beside its characters

_NUMBER = re.compile(r"\d+(?:[.,،٫⎖⎗⎘]\d+)?")
_POSITION_FACTOR = 0x9E3779B97F4A7C15  # odd, with well mixed bits; its powers make a hash depend on the order of words


class _SimplifiedCharacters(dict[int, str]):
    """What each character becomes, by its code point: é becomes e, a combining accent nothing.

    A table of characters, because NFD of a whole run of combining marks takes time quadratic in its length.
    """

    def __missing__(self, code: int) -> str:
        simplified = self[code] = "".join(part for part in normalize("NFD", chr(code)) if category(part) != "Mn")
        return simplified


_SIMPLIFIED = _SimplifiedCharacters({ord(mark): " " for mark in PUNCTUATION if mark != "\n"})


def simplify(text: str) -> str:
    """Lower case, numbers to 0, punctuation to spaces, accents removed: "Café 3.5!" becomes "cafe 0 ".

    No rule looks across white space, so chunks can be simplified one by one.
    """
    return _NUMBER.sub("0", text.lower()).translate(_SIMPLIFIED)


class WordHashes:
    """The words of texts as uint64 hashes. It remembers chunks. Not thread-safe: one for each thread."""

    def __init__(self) -> None:
        self._memory: dict[str, dict[str, bytes]] = {}
        self._bytes = 0

    def __call__(self, text: str, language: str | None) -> np.ndarray:
        """uint64 of shape (words,), in the order of the text."""
        if language in NO_SPLITTER:
            codes = np.frombuffer("".join(simplify(text).split()).encode("utf-32-le", "surrogatepass"), np.uint32)
            return mix(codes.astype(np.uint64) + np.uint64(1))
        if language is not None and dictionary_of(language) is not None:
            return self._split(text, language)
        chunks = text.split()
        if len(text) > SHORT_TEXT_CHARS and chunks_beyond_limit(chunks, language or "xx"):
            memory = self._learn({}, dict.fromkeys(chunks), language or "xx", limited=True)
            return np.frombuffer(b"".join(map(memory.__getitem__, chunks)), np.dtype("<u8"))
        memory = self._memory.setdefault(language or "xx", {})
        try:
            packed = b"".join(map(memory.__getitem__, chunks))
        except KeyError:
            self._learn(memory, set(chunks).difference(memory), language or "xx")
            packed = b"".join(map(memory.__getitem__, chunks))
            self._bound()
        return np.frombuffer(packed, np.dtype("<u8"))

    def _split(self, text: str, language: str) -> np.ndarray:
        """The hashes of the words that a language's own splitter finds. It looks past white space: no chunks here."""
        found, memory = words(simplify(text), language), self._memory.setdefault(language, {})
        for word in set(found).difference(memory):
            memory[word] = hash_word(word)
            self._bytes += CHUNK_BYTES + len(word)
        packed = b"".join(map(memory.__getitem__, found))
        self._bound()
        return np.frombuffer(packed, np.dtype("<u8"))

    def _learn(
        self, memory: dict[str, bytes], new: Iterable[str], language: str, limited: bool = False
    ) -> dict[str, bytes]:
        """Add the hashes of the chunks' words to `memory`, and return it.

        limited: `new` is all chunks of one text in order, and those beyond words.MAX_WORK are hashed without being
            split. Which these are depends on the whole text, so `memory` must then be of this text alone.
        """
        chunks = list(new)
        simplified = [chunk.split() for chunk in simplify("\n".join(chunks)).split("\n")]
        parts_of = simplified
        if any(len(word) > LONGEST_CHUNK for split in simplified for word in split):
            parts_of = [[part for word in split for part in pieces(word)] for split in simplified]
        parts = dict.fromkeys(part for parts in parts_of for part in parts)
        rest = chunks_beyond_limit(parts, language) if limited else ()
        words_of = split_chunks(set(parts).difference(rest), language)
        for chunk, split in zip(chunks, parts_of, strict=True):
            memory[chunk] = b"".join(hash_word(word) for part in split for word in words_of.get(part, (part,)))
        self._bytes += 0 if limited else CHUNK_BYTES * len(chunks) + sum(map(len, chunks))
        return memory

    def _bound(self) -> None:
        if self._bytes > MEMORY_BYTES:
            self._memory.clear()
            self._bytes = 0


def hash_word(word: str) -> bytes:
    """8 bytes, a little-endian uint64."""
    return blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def shingles(words: np.ndarray, n: int) -> np.ndarray:
    """Hashes of every n-gram of the words' hashes: uint64 of shape (words - n + 1,), empty for fewer than n words."""
    count = max(len(words) - n + 1, 0)
    total = np.zeros(count, np.uint64)
    for position in range(n if count else 0):
        total += words[position : position + count] * np.uint64(pow(_POSITION_FACTOR, position + 1, 1 << 64))
    return mix(total)
