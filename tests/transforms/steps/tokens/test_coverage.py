"""In how many rows tokens are, counted by intervals: the same as counting token by token."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.shards.plans import SHARD_BITS, positions
from transforms.steps.tokens.coverage import NONE, Coverage, Intervals, coverage


@pytest.mark.parametrize("exact", [True, False])
def test_coverage_is_what_counting_tokens_gives(exact: bool) -> None:
    """Against one counter for each token of two shards."""
    pick = np.random.default_rng(3)
    for _ in range(50):
        counters, sides = np.zeros((2, 40), np.int64), []
        for sign in (1, -1):
            shard, start, length = (pick.integers(0, top, 12) for top in (2, 30, 10))
            times = pick.integers(0, 3, 12)
            for n, at, size, often in zip(shard, start, length, times, strict=True):
                counters[n, at : at + size] += sign * often
            begins = positions(shard, start)
            sides.append(Intervals(begins, begins + length, times))
        wrong = counters != 0 if exact else counters > 0
        found = coverage(sides[0], sides[1], exact)
        assert found.wrong == int(wrong.sum())
        assert found.missing == -int(np.minimum(counters, 0).sum())
        shards, tokens = np.nonzero(wrong)
        first = None
        if len(tokens):
            first = (int(positions(int(shards[0]), tokens[:1])[0]), int(counters[shards[0], tokens[0]]))
        assert found.first == first
        rows, documents = (dict(side.split(SHARD_BITS)) for side in sides)
        by_shard = [coverage(rows.get(n, NONE), documents.get(n, NONE), exact) for n in (0, 1)]
        assert sum(by_shard, Coverage()) == found
        assert sides[0].tokens == sum(part.tokens for part in rows.values())


def test_nothing_covers_nothing() -> None:
    assert coverage(NONE, NONE, exact=True) == Coverage(0, 0, None)
    assert list(NONE.split(SHARD_BITS)) == []


def test_once_counts_each_interval_once() -> None:
    spans = Intervals.once(np.array([0, 5]), np.array([5, 9]))
    assert spans.times.tolist() == [1, 1] and spans.tokens == 9
