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
MAX_PASSES = 6  # over the table; few hashes are left for the last ones, unless a text was made to collide
MIXERS = BASE ** np.arange(1, MAX_PASSES + 1, dtype=np.uint64)


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
        # Brings the hashes to one exponent, so that equal n-grams have equal hashes at any position.
        self.lift = powers[codes.size - self.starts]

    def hashes(self, n: int) -> np.ndarray:
        """A hash of every n-gram, in order; empty if there are fewer than n words."""
        count = max(len(self.starts) - n + 1, 0)
        return (self.sums_to_end[n - 1 :] - self.sums_to_start[:count]) * self.lift[:count]

    def top_chars(self, n: int) -> int:
        """Characters of the most frequent n-gram (the first of equally frequent ones) times its count, or 0."""
        hashes = self.hashes(n)
        if not hashes.size:
            return 0
        counts = np.bincount(first_positions(hashes))
        first = int(counts.argmax())
        return int(counts[first]) * int(self.ends[first + n - 1] - self.starts[first])

    def repeated_chars(self, n: int) -> int:
        """Characters of n-grams seen before, reading left to right and going on behind each repeated one."""
        firsts = first_positions(self.hashes(n))
        later = firsts != np.arange(firsts.size)  # a repeated n-gram can only be at these
        if not later.any():
            return 0
        repeated = repeated_positions(firsts, later, n)
        return int((self.ends[repeated + n - 1] - self.starts[repeated]).sum())


def first_positions(hashes: np.ndarray) -> np.ndarray:
    """For each hash, the first position with an equal hash. Takes a third of the time of a sort.

    The positions are written from the last to the first into a hash table, so each cell keeps the first position that
    falls into it. Positions whose cell belongs to another hash are tried again with the hashes mixed differently.
    """
    bits = hashes.size.bit_length() + SPARE_BITS
    table = np.empty(1 << bits, np.int32)
    positions = np.arange(hashes.size, dtype=np.int32)
    firsts, left, mixed = positions, positions, hashes
    for pass_number in range(MAX_PASSES):
        cells = (mixed >> np.uint64(64 - bits)).astype(np.int32)
        table[cells[::-1]] = left[::-1]
        if pass_number == 0:
            firsts = table[cells]
            left = np.flatnonzero(hashes[firsts] != hashes).astype(np.int32)
        else:
            firsts[left] = table[cells]
            left = left[hashes[firsts[left]] != hashes[left]]
        if not left.size:
            return firsts
        mixed = hashes[left] * MIXERS[pass_number]
    _, first, which = np.unique(hashes[left], return_index=True, return_inverse=True)  # hashes made to collide: sorted
    firsts[left] = left[first[which]]
    return firsts


def repeated_positions(firsts: np.ndarray, later: np.ndarray, n: int) -> np.ndarray:
    """Positions of n-grams seen before, as `NGrams.repeated_chars` counts them.

    firsts: for each n-gram, the position of the first one equal to it
    later: whether an n-gram is not at its first position
    """
    positions, first_of = np.flatnonzero(later).data, firsts.data  # memory views: faster by element than arrays
    before = np.cumsum(later, dtype=np.int32).data  # how many of `positions` are at or before each position
    # 1 at the first position of an n-gram that was skipped there and has not occurred since.
    unseen = bytearray(firsts.size + n)
    skipped = b"\1" * n
    repeated: list[int] = []
    index = 0
    while index < len(positions):
        position = positions[index]
        first = first_of[position]
        if unseen[first]:
            unseen[first] = 0
            index += 1
            continue
        repeated.append(position)
        following = position + n
        unseen[position:following] = skipped
        if following > firsts.size:
            break
        index = before[following - 1]
    return np.array(repeated, np.int64)
