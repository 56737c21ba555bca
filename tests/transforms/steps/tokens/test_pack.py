"""Documents to rows: nothing lost, nothing twice, and an order that depends on seed and ids alone."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.steps.tokens.pack import SPAN, cut_rows, fit_rows, scatter_rows, shuffle_keys, slots


def spans_of(lengths: list[int]) -> np.ndarray:
    """Documents one after the other in shard 3."""
    spans = np.zeros(len(lengths), SPAN)
    spans["shard"], spans["length"] = 3, lengths
    spans["start"] = np.cumsum([0, *lengths[:-1]])
    return spans


def seen(pieces: np.ndarray, size: int) -> np.ndarray:
    """How often each token of shard 3 is in the pieces."""
    counted = np.zeros(size, int)
    for piece in pieces:
        counted[piece["start"] : piece["start"] + piece["length"]] += 1
    return counted


def filled(pieces: np.ndarray) -> dict[int, int]:
    return {int(row): int(pieces["length"][pieces["row"] == row].sum()) for row in np.unique(pieces["row"])}


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1000])
def test_concatenation_cuts_every_token_once_into_full_rows(size: int) -> None:
    lengths = np.random.default_rng(size).integers(1, 50, 300).tolist()
    total = sum(lengths)
    pieces = cut_rows(spans_of(lengths), 0, 0, -(-total // size), size)
    assert (seen(pieces, total) == 1).all()
    rows = filled(pieces)
    assert list(rows) == list(range(-(-total // size)))
    assert all(count == size for count in list(rows.values())[:-1]) and rows[len(rows) - 1] == (total - 1) % size + 1


@pytest.mark.parametrize("cuts", [(100,), (1, 2, 3), (0, 150, 150, 299), tuple(range(0, 300, 7))])
def test_partitions_cut_the_rows_that_begin_in_them_as_one_would(cuts: tuple[int, ...]) -> None:
    lengths, size = np.random.default_rng(5).integers(1, 50, 300).tolist(), 64
    spans = spans_of(lengths)
    whole = cut_rows(spans, 0, 0, -(-sum(lengths) // size), size)
    found = []
    for start, end in zip((0, *cuts), (*cuts, 300), strict=True):
        before, after = sum(lengths[:start]), sum(lengths[:end])
        first, last = -(-before // size), -(-after // size)
        found.append(cut_rows(spans[start:], before, first, last, size))
    assert np.array_equal(np.concatenate(found), whole)


def test_slots_count_within_each_row() -> None:
    assert slots(np.array([4, 4, 4, 5, 7, 7])).tolist() == [0, 1, 2, 0, 0, 1]
    assert slots(np.array([], int)).tolist() == []


def test_best_fit_begins_rows_with_documents_and_cuts_only_ends() -> None:
    lengths, size = np.random.default_rng(1).integers(1, 90, 5_000).tolist(), 100
    spans = spans_of(lengths)
    pieces = fit_rows(spans, size)
    starts = dict(zip(spans["start"].tolist(), lengths, strict=True))
    assert sorted(pieces["start"].tolist()) == sorted(starts)  # each document once, from its beginning
    assert all(piece["length"] <= starts[int(piece["start"])] for piece in pieces)
    rows = filled(pieces)
    assert list(rows) == list(range(len(rows))) and all(count == size for count in list(rows.values())[:-1])
    assert sum(lengths) - int(pieces["length"].sum()) < 0.1 * sum(lengths)  # 8.2 % here


def test_best_fit_takes_the_longest_that_fits_and_cuts_the_shortest() -> None:
    pieces = fit_rows(spans_of([6, 3, 5, 9, 4]), 10)
    # 9, then the shortest is cut for the last place; 6 and 4; 5 is left alone
    assert pieces[["row", "slot", "start", "length"]].tolist() == [
        (0, 0, 14, 9),
        (0, 1, 6, 1),
        (1, 0, 0, 6),
        (1, 1, 23, 4),
        (2, 0, 9, 5),
    ]


def test_scattered_rows_are_the_same_rows_within_their_windows() -> None:
    lengths = np.random.default_rng(2).integers(1, 40, 2_000).tolist()
    size, total = 32, sum(lengths)
    pieces = cut_rows(spans_of(lengths), 0, 0, -(-total // size), size)
    moved = scatter_rows(pieces, size, seed=1, window=100)
    assert (seen(moved, total) == 1).all()
    by_content = {tuple(pieces[pieces["row"] == row][["start", "length"]].tolist()): row for row in range(1000)}
    where = [by_content[tuple(moved[moved["row"] == row][["start", "length"]].tolist())] for row in range(1000)]
    assert where != list(range(1000)) and all(old // 100 == new // 100 for new, old in enumerate(where))
    last = int(pieces["row"].max())
    assert filled(moved)[last] == filled(pieces)[last]  # the short one stays the last
    assert not np.array_equal(moved, scatter_rows(pieces, size, seed=2, window=100))


def test_the_shuffle_is_uniform_and_depends_on_the_seed() -> None:
    keys = np.arange(100_000, dtype=np.uint64)
    found, places = shuffle_keys(keys, np.ones(len(keys)), 1)
    assert np.array_equal(found, np.arange(len(keys)))
    order = np.argsort(places)
    assert abs(np.corrcoef(order, np.arange(len(keys)))[0, 1]) < 0.02
    counts = np.bincount((places >> np.uint64(60)).astype(int), minlength=16)
    assert counts.min() > 0.94 * len(keys) / 16
    other = np.argsort(shuffle_keys(keys, np.ones(len(keys)), 2)[1])
    assert (order == other).mean() < 0.01
    some = shuffle_keys(keys[::2], np.ones(len(keys) // 2), 1)[1]
    assert np.array_equal(some, places[::2])  # a document's place is its own, whoever else is there


def test_each_copy_falls_into_its_own_stretch() -> None:
    keys = np.arange(10_000, dtype=np.uint64)
    found, places = shuffle_keys(keys, np.full(len(keys), 4.0), 1)
    stretch = (places >> np.uint64(62)).astype(int).reshape(-1, 4)
    assert (stretch == [0, 1, 2, 3]).all() and np.array_equal(found, np.repeat(np.arange(10_000), 4))
    within = np.argsort(places.reshape(-1, 4), axis=0)
    assert (within[:, 0] == within[:, 1]).mean() < 0.01  # every epoch in another order


def test_fractions_of_copies_are_met_on_average() -> None:
    keys = np.arange(100_000, dtype=np.uint64)
    for copies in (0.0, 0.3, 1.5, 2.25):
        found, _ = shuffle_keys(keys, np.full(len(keys), copies), 7)
        assert abs(len(found) / len(keys) - copies) < 0.01
        assert set(np.bincount(found, minlength=len(keys)).tolist()) <= {int(copies), int(copies) + 1}
