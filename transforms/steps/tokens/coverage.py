"""Compares in how many rows each token is with how many it should be in, by intervals of positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Intervals:
    """Intervals of positions of tokens; each array is int64 of shape (intervals,).

    begins, ends: positions, the end not included.
    times: how often each interval counts.
    """

    begins: np.ndarray
    ends: np.ndarray
    times: np.ndarray

    @classmethod
    def once(cls, begins: np.ndarray, ends: np.ndarray) -> Intervals:
        return cls(begins, ends, np.ones(len(begins), np.int64))

    @property
    def tokens(self) -> int:
        return int(((self.ends - self.begins) * self.times).sum())

    def split(self, bits: int) -> Iterator[tuple[int, Intervals]]:
        """The intervals grouped by `begins >> bits`: pairs (that number, its intervals), sorted by number."""
        if not len(self.begins):
            return
        order = np.argsort(self.begins, kind="stable")
        numbers, firsts = np.unique(self.begins[order] >> bits, return_index=True)
        for number, part in zip(numbers.tolist(), np.split(order, firsts[1:]), strict=True):
            yield number, Intervals(self.begins[part], self.ends[part], self.times[part])


NONE = Intervals(*(np.zeros(0, np.int64),) * 3)


@dataclass(frozen=True)
class Coverage:
    """In how many rows tokens are, compared with how many they should be in. Coverages of shards can be added.

    wrong: tokens in another number of rows than they should be in
    missing: tokens in too few rows, counted once for each row that they lack, whether that counts as wrong or not
    first: (position, rows too many) of the first wrong token, or None
    """

    wrong: int = 0
    missing: int = 0
    first: tuple[int, int] | None = None

    def __add__(self, other: Coverage) -> Coverage:
        first = self.first if self.first is not None else other.first
        return Coverage(self.wrong + other.wrong, self.missing + other.missing, first)


def coverage(rows: Intervals, documents: Intervals, exact: bool) -> Coverage:
    """Compare the spans of rows with the documents that they are to be made of.

    exact: whether tokens in too few rows are wrong, too, and not only those in too many.
    """
    bounds, inverse = np.unique(
        np.concatenate((rows.begins, rows.ends, documents.begins, documents.ends)), return_inverse=True
    )
    if not len(bounds):
        return Coverage()
    changes = np.zeros(len(bounds), np.int64)
    np.add.at(changes, inverse, np.concatenate((rows.times, -rows.times, -documents.times, documents.times)))
    excess, widths = np.cumsum(changes)[:-1], np.diff(bounds)  # of the tokens from each bound up to the next
    wrong = excess != 0 if exact else excess > 0
    first = int(np.argmax(wrong)) if wrong.any() else None
    return Coverage(
        wrong=int(widths[wrong].sum()),
        missing=-int((np.minimum(excess, 0) * widths).sum()),
        first=None if first is None else (int(bounds[first]), int(excess[first])),
    )
