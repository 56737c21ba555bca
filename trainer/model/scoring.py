"""Texts that are to be scored, packed into rows: what several begin with is read once, and short ones share a row.

The texts of a row, in their order, are a tree's paths: a token is followed by all that begins with it, up to a place of
its own. So attention from place i to place j ≤ i is allowed as long as i lies before j's `until`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from trainer.model.decoder import padded_rows, power_of_two

SCORED_LOGITS = 1 << 24  # that are held at once: 64 MB
MOST_ROWS, LEAST_PLACES = 64, 64
SHARED = 2  # times as many tokens as there are places to be read, from which on rows are twice as long as texts

Place = tuple[int, np.ndarray]  # a row, and a text's targets in it


class Packed(NamedTuple):
    """Rows to be read together, int32 of shape (B, T) each, in numpy or in JAX; zeros, seen by such alone, end a row.

    token, position: what is read, and where it stands in its text
    until: the place up to which those that follow see it
    target, before: what is predicted, and the place behind which it is
    """

    token_BxT: Any
    position_BxT: Any
    until_BxT: Any
    target_BxT: Any
    before_BxT: Any


@dataclass
class Row:
    """One row, as it is filled. read, asked: places and targets of the newest text."""

    token: list[int] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    until: list[int] = field(default_factory=list)
    target: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    text: Sequence[int] = ()
    read: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def add(self, text: Sequence[int], places: int) -> bool:
        """Whether there is room for the text, which is then part of the row. No earlier text may come after it."""
        shared = in_common(self.text, text)
        read, asked = min(shared, len(self.read)), max(shared - 1, 0)
        if len(self.token) - read + len(text) - 1 > places or len(self.target) - asked + len(text) - 1 > places:
            return False
        for left in self.read[read:]:
            self.until[left] = len(self.token)
        self.read = [*self.read[:read], *range(len(self.token), len(self.token) - read + len(text) - 1)]
        self.asked = [*self.asked[:asked], *range(len(self.target), len(self.target) - asked + len(text) - 1)]
        self.token += text[read:-1]
        self.position += range(read, len(text) - 1)
        self.until += [places] * (len(text) - 1 - read)
        self.target += text[1 + asked :]
        self.before += self.read[asked:]
        self.text = text
        return True

    def put(self, packed: Packed, row: int) -> None:
        for left in self.read:
            self.until[left] = len(self.token)
        arrays = (self.token, self.position, self.until, self.target, self.before)
        for array_BxT, own in zip(packed, arrays, strict=True):
            array_BxT[row, : len(own)] = own


def in_common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    shorter = min(len(one), len(other))
    return next((at for at in range(shorter) if one[at] != other[at]), shorter)


def score(
    texts: Sequence[Sequence[int]], vocabulary: int, compute: Callable[[Packed], tuple[np.ndarray, np.ndarray]]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """As `Decoder.score`. compute: of each target −log p, and whether no token was likelier; both of shape (B, T)."""
    rows, asked, places = pack(texts)
    found = [pair for packed in batches(rows, places, vocabulary) for pair in zip(*compute(packed), strict=True)]
    none = np.empty(0, np.float32), np.empty(0, bool)
    return [(found[row][0][targets], found[row][1][targets]) if len(targets) else none for row, targets in asked]


def pack(texts: Sequence[Sequence[int]]) -> tuple[list[Row], list[Place], int]:
    """Rows, of each text where its tokens but the first are predicted, and the places of a row."""
    order = sorted(range(len(texts)), key=lambda number: tuple(texts[number]))
    shared = sum(in_common(texts[one], texts[other]) for one, other in pairwise(order))
    tokens, longest = sum(map(len, texts)), max((len(text) - 1 for text in texts), default=0)
    often = tokens >= SHARED * (tokens - shared)
    places = max(power_of_two(longest) * (2 if often else 1), LEAST_PLACES)
    rows: list[Row] = []
    asked: list[Place] = [(0, np.empty(0, np.int64))] * len(texts)
    for number in order:
        if len(texts[number]) < 2:
            continue
        if not rows or not rows[-1].add(texts[number], places):
            rows.append(Row())
            rows[-1].add(texts[number], places)
        asked[number] = len(rows) - 1, np.array(rows[-1].asked)
    return rows, asked, places


def batches(rows: Sequence[Row], places: int, vocabulary: int) -> Iterator[Packed]:
    """Rows in their order, as many at a time as may be, and all of one shape, so that one function is compiled.

    All but the last batch are full; behind its rows lie empty ones.
    """
    most = min(max(SCORED_LOGITS // (places * vocabulary), 1), MOST_ROWS)
    each = -(-len(rows) // -(-len(rows) // most)) if rows else 1
    each = min(padded_rows(each), most)
    for begin in range(0, len(rows), each):
        packed = Packed(*(np.zeros((each, places), np.int32) for _ in Packed._fields))
        packed.until_BxT[:] = places
        for number, row in enumerate(rows[begin : begin + each]):
            row.put(packed, number)
        yield packed
