"""How much of a text stands in another one: its words, by runs of three that the other has too.

Words here are as they are written, but for case: a number is itself and no 0 as for MinHash, so pages that differ in
their numbers differ. Scripts that write no blanks between words are compared by characters.
"""

from __future__ import annotations

import re

import numpy as np

from transforms.steps.dedup.shingles import shingles
from transforms.steps.text.hashes import mix

RUN = 3  # words; runs of one or two are met by chance in any long text
BLOCK_BYTES = 1 << 16  # of a text that are hashed together: about 3 MB of arrays
_ASCII = bytes(range(128))
# Thai, Lao, Tibetan, Burmese, Khmer, kana, and Chinese characters
_WITHOUT_BLANKS = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_ALONE = re.compile(f"[{_WITHOUT_BLANKS}]")
_WORD = re.compile(f"[{_WITHOUT_BLANKS}]|[^\\s{_WITHOUT_BLANKS}]+")
_BLANK = re.compile(r"\s")
# A word's hash is the sum of its bytes' values, each times a power of the factor by its place: sums of a whole block at
# once give those of all its words. Blanks have no value.
_FACTOR = 0xD1342543DE82EF95  # odd, so that it has an inverse; not that of shingles
_VALUES = np.array(
    [
        0 if chr(code).isspace() and code < 128 else int(value)
        for code, value in enumerate(mix(np.arange(1, 257, dtype=np.uint64)))
    ],
    np.uint64,
)


def powers(factor: int, count: int) -> np.ndarray:
    """Of an odd factor modulo 2**64, from the first on: uint64 of shape (count,)."""
    return np.cumprod(np.full(count, factor, np.uint64))


_POWERS, _INVERSE = powers(_FACTOR, BLOCK_BYTES), powers(pow(_FACTOR, -1, 1 << 64), BLOCK_BYTES)


def word_runs(text: str) -> np.ndarray:
    """A uint32 hash of each run of RUN words, in the order of the text: (words - RUN + 1,). A shorter text is one run.

    Of 32 bits, since a run of one text is any of another's n runs by chance once in 2**32 / n.
    """
    words = word_hashes(with_ascii_blanks(text))
    return (shingles(words, min(RUN, max(len(words), 1))) >> np.uint64(32)).astype(np.uint32)


def with_ascii_blanks(text: str) -> bytes:
    """A text in lower case, in UTF-8, whose words are what white space of ASCII parts."""
    if text.isascii():
        return text.encode().lower()
    lower = text.lower()
    data = lower.encode("utf-8", "surrogatepass")
    others = data.translate(None, _ASCII).decode("utf-8", "surrogatepass")  # few in most texts, and soon looked through
    if _ALONE.search(others):
        return " ".join(_WORD.findall(lower)).encode("utf-8", "surrogatepass")
    return " ".join(lower.split()).encode("utf-8", "surrogatepass") if _BLANK.search(others) else data


def word_hashes(data: bytes) -> np.ndarray:
    """uint64 of shape (words,). data: words that white space of ASCII parts."""
    hashes, start = [np.empty(0, np.uint64)], 0
    while start < len(data):
        end = len(data)
        if end - start > BLOCK_BYTES:  # up to the last blank, or to the end of a word that is longer
            end = data.rfind(b" ", start, start + BLOCK_BYTES)
            end = end if end > start else data.find(b" ", start + BLOCK_BYTES)
            end = end if end > start else len(data)
        hashes.append(hashes_in_block(np.frombuffer(data, np.uint8, end - start, start)))
        start = end
    return np.concatenate(hashes)


def hashes_in_block(codes: np.ndarray) -> np.ndarray:
    """The hashes of a block's words. codes: uint8."""
    power, inverse = _POWERS, _INVERSE
    if len(codes) > BLOCK_BYTES:
        power, inverse = powers(_FACTOR, len(codes)), powers(pow(_FACTOR, -1, 1 << 64), len(codes))
    values = _VALUES.take(codes)
    inside = values != 0
    starts = np.flatnonzero(inside & ~np.concatenate(([False], inside[:-1])))
    if not len(starts):
        return np.empty(0, np.uint64)
    values *= power[: len(values)]
    return np.add.reduceat(values, starts) * inverse[starts]


def share_contained(runs: np.ndarray, others: np.ndarray) -> float:
    """Share of a text's words that belong to a run of the other text; 0 for a text without words.

    One changed word costs that word and not the three runs that it is in.

    runs: of the text, in its order
    others: of the other text, sorted
    """
    if not len(runs) or not len(others):
        return 0.0
    places = np.minimum(np.searchsorted(others, runs), len(others) - 1)
    found = others[places] == runs
    covered = np.zeros(len(runs) + RUN - 1, bool)
    for place in range(RUN):
        covered[place : place + len(runs)] |= found
    return np.count_nonzero(covered) / len(covered)
