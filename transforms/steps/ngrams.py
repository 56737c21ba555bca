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
        ordered = np.sort(hashes)
        edges = np.concatenate(([0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, [hashes.size]))
        counts = edges[1:] - edges[:-1]
        count = int(counts.max())
        first = int(np.isin(hashes, ordered[edges[:-1][counts == count]]).argmax()) if count > 1 else 0
        return count * int(self.ends[first + n - 1] - self.starts[first])

    def repeated_chars(self, n: int) -> int:
        """Characters of n-grams seen before, reading left to right and going on behind each repeated one."""
        hashes = self.hashes(n)
        ordered = np.sort(hashes)
        again = ordered[1:] == ordered[:-1]
        if not again.any():
            return 0
        twice = ordered[1:][again & np.append(~again[1:], True)]  # each repeated hash once, sorted
        nearest = twice[np.minimum(np.searchsorted(twice, hashes), twice.size - 1)]
        places = np.flatnonzero(nearest == hashes)  # an n-gram that occurs once changes nothing
        lengths = self.ends[places + n - 1] - self.starts[places]
        seen: set[int] = set()
        chars = free = 0
        for place, value, length in zip(places.tolist(), hashes[places].tolist(), lengths.tolist(), strict=True):
            if place < free:
                continue
            if value in seen:
                chars += length
                free = place + n
            seen.add(value)
        return chars
