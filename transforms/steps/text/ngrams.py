"""Repeated n-grams of a text, by hashes that cost the same for any n.

The hash of characters a…b of a text is the difference of two running sums of code point × BASE^position, modulo 2**64;
n-grams of any length are compared by it without being built. Equal spelling gives an equal hash, so the counts are
those of comparing strings, unless two of a document's n-grams collide (about 1 in 2**64 for each pair).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BASE = np.uint64(0x9E3779B97F4A7C15)  # any odd number with well mixed bits: 2**64 divided by the golden ratio
SHIFT = np.uint64(0x632BE5AB)  # so that U+0000 counts
SPARE_BITS = 1  # a table has two to four cells a hash
MAX_TURNS = 6  # of which the last ones see hardly a hash unless the text was made against them
MIXERS = BASE ** np.arange(1, MAX_TURNS + 1, dtype=np.uint64)


class NGrams:
    """The n-grams of a list of words. `separator` stands between words, in the comparison and in the lengths."""

    def __init__(self, words: Sequence[str], separator: str) -> None:
        codes = np.frombuffer(separator.join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
        lengths = np.fromiter(map(len, words), np.int64, len(words))
        self.ends = np.cumsum(lengths + len(separator)) - len(separator)
        self.starts = self.ends - lengths
        powers = np.full(codes.size + 1, BASE)
        powers[0] = 1
        np.multiply.accumulate(powers, out=powers)
        sums = np.zeros(codes.size + 1, np.uint64)
        np.cumsum((codes + SHIFT) * powers[:-1], out=sums[1:])
        self.sums_to_start, self.sums_to_end = sums[self.starts], sums[self.ends]
        self.lift = powers[codes.size - self.starts]  # brings hashes to one exponent, so that the place does not matter

    def hashes(self, n: int) -> np.ndarray:
        """A hash of every n-gram, in order; empty if there are fewer than n words."""
        count = max(len(self.starts) - n + 1, 0)
        return (self.sums_to_end[n - 1 :] - self.sums_to_start[:count]) * self.lift[:count]

    def top_chars(self, n: int) -> int:
        """Characters of the most frequent n-gram (of several, the first) times its count; 0 if there is none."""
        hashes = self.hashes(n)
        if not hashes.size:
            return 0
        counts = np.bincount(first_places(hashes))
        first = int(counts.argmax())
        return int(counts[first]) * int(self.ends[first + n - 1] - self.starts[first])

    def repeated_chars(self, n: int) -> int:
        """Characters of n-grams seen before, reading left to right and going on behind each repeated one."""
        firsts = first_places(self.hashes(n))
        later = firsts != np.arange(firsts.size)  # only there can a repeated one stand
        if not later.any():
            return 0
        found = repeated_places(firsts, later, n)
        return int((self.ends[found + n - 1] - self.starts[found]).sum())


def first_places(hashes: np.ndarray) -> np.ndarray:
    """For each hash, the first place where it stands: as after a sort, in a third of its time.

    All are written into a table from the last to the first, so what stays in a cell is its first one. Whose cell was
    taken by another hash goes into the table again, mixed otherwise.
    """
    bits = hashes.size.bit_length() + SPARE_BITS
    table = np.empty(1 << bits, np.int32)
    places = np.arange(hashes.size, dtype=np.int32)
    firsts, left, mixed = places, places, hashes
    for turn in range(MAX_TURNS):
        cells = (mixed >> np.uint64(64 - bits)).astype(np.int32)
        table[cells[::-1]] = left[::-1]
        if turn == 0:
            firsts = table[cells]
            left = np.flatnonzero(hashes[firsts] != hashes).astype(np.int32)
        else:
            firsts[left] = table[cells]
            left = left[hashes[firsts[left]] != hashes[left]]
        if not left.size:
            return firsts
        mixed = hashes[left] * MIXERS[turn]
    _, first, which = np.unique(hashes[left], return_index=True, return_inverse=True)  # made to meet in few cells
    firsts[left] = left[first[which]]
    return firsts


def repeated_places(firsts: np.ndarray, later: np.ndarray, n: int) -> np.ndarray:
    """Places of the n-grams seen before. later: which do not stand at their first place."""
    places, first_of = np.flatnonzero(later).data, firsts.data  # quicker than arrays where one is read at a time
    before = np.cumsum(later, dtype=np.int32).data  # how many of `places` are at or before each place
    unseen = bytearray(firsts.size + n)  # at an n-gram's first place, 1 if it was passed over there and not met since
    passed = b"\1" * n
    found: list[int] = []
    at = 0
    while at < len(places):
        place = places[at]
        first = first_of[place]
        if unseen[first]:
            unseen[first] = 0
            at += 1
            continue
        found.append(place)
        free = place + n
        unseen[place:free] = passed
        if free > firsts.size:
            break
        at = before[free - 1]
    return np.array(found, np.int64)
