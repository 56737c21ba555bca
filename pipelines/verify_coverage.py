"""In how many rows of a plan each token is and should be: counted in stretches, shard by shard, not token by token.

A place is where a token lies as one number: (shard << 40) + token of the shard's file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.lineage_rows import SHARD_BITS


@dataclass(frozen=True)
class Stretches:
    """Stretches of tokens by where they begin and end, as places, and how often each counts; int64."""

    begins: np.ndarray
    ends: np.ndarray
    times: np.ndarray

    def by_shard(self) -> dict[int, Stretches]:
        order = np.argsort(self.begins)
        begins, ends, times = self.begins[order], self.ends[order], self.times[order]
        shards, firsts = np.unique(begins >> SHARD_BITS, return_index=True)
        lasts = np.append(firsts, len(begins))[1:]
        parts = [slice(first, last) for first, last in zip(firsts, lasts, strict=True)]
        return {int(n): Stretches(begins[p], ends[p], times[p]) for n, p in zip(shards, parts, strict=True)}


NONE = Stretches(*(np.zeros(0, np.int64),) * 3)


@dataclass(frozen=True)
class Coverage:
    """wrong: what is told of tokens in another number of rows than they should be in, or None. missing: tokens that are
    in fewer, each as often as it is lacking."""

    wrong: str | None
    missing: int


def coverage(rows: Stretches, documents: Stretches, exact: bool) -> Coverage:
    """exact: whether tokens in too few rows are wrong, too, and not only those in too many."""
    tokens, first, missing = 0, "", 0
    for places, excess in excesses(rows, documents):
        wrong, widths = (excess != 0 if exact else excess > 0)[:-1], np.diff(places)
        missing -= int((np.minimum(excess[:-1], 0) * widths).sum())
        if wrong.any():
            tokens += int(widths[wrong].sum())
            first = first or told_first(places, excess, int(np.argmax(wrong)))
    return Coverage(f"{tokens:,} tokens are not in as many rows as they should be; {first}" if first else None, missing)


def excesses(rows: Stretches, documents: Stretches) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of every shard, how many rows too many its tokens are in: (places, excess from each place up to the next)."""
    have, should = rows.by_shard(), documents.by_shard()
    for shard in sorted({*have, *should}):
        yield excess_of(have.get(shard, NONE), should.get(shard, NONE))


def excess_of(rows: Stretches, documents: Stretches) -> tuple[np.ndarray, np.ndarray]:
    places, inverse = np.unique(
        np.concatenate((rows.begins, rows.ends, documents.begins, documents.ends)), return_inverse=True
    )
    steps = np.zeros(len(places), np.int64)
    np.add.at(steps, inverse, np.concatenate((rows.times, -rows.times, -documents.times, documents.times)))
    return places, np.cumsum(steps)


def told_first(places: np.ndarray, excess: np.ndarray, at: int) -> str:
    shard, token = int(places[at] >> SHARD_BITS), int(places[at] & ((1 << int(SHARD_BITS)) - 1))
    by = f"{abs(excess[at])} more" if excess[at] > 0 else f"{abs(excess[at])} fewer"
    return f"token {token:,} of shard {shard} is in {by}"
