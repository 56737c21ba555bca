"""Documents in an order to training rows: numpy in, numpy out; no text and no tokens, only positions in shards."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from transforms.steps.text.hashes import mix

SPAN = np.dtype([("shard", "<i4"), ("start", "<i8"), ("length", "<i4")])
PIECE = np.dtype([("row", "<i8"), ("slot", "<i4"), *SPAN.descr])
PICK = np.dtype([("row", "<i8"), ("document", "<i8"), ("length", "<i4")])
BUFFER_DOCUMENTS = 1000  # documents that best-fit chooses from, as nanochat does (nanochat/dataloader.py)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def salt(seed: int, use: int) -> np.ndarray:
    """A number to XOR hashes with, uint64 of shape (1,), so that each use of one seed draws independently."""
    return mix(np.array([(seed + use * int(GOLDEN)) & ((1 << 64) - 1)], np.uint64))


def shuffle_keys(keys: np.ndarray, copies: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The position of every copy of every document in a shuffle: (indices of documents, uint64 positions), one a copy.

    The n copies of a document fall one into each n-th part of the training, so that they are spread over it.

    keys: `document_key` of each document, uint64
    copies: how often each document is to be seen, float64; with 2.3, every one is seen twice and 30 % a third time
    """
    mixed = mix(keys ^ salt(seed, 1))
    whole = np.floor(copies)
    counts = (whole + (mixed < (copies - whole) * 2.0**64)).astype(np.int64)
    indices = np.repeat(np.arange(len(keys)), counts)
    copy = (np.arange(len(indices)) - np.repeat(np.cumsum(counts) - counts, counts)).astype(np.uint64)
    of = counts[indices].astype(np.uint64)
    with np.errstate(over="ignore"):
        within = mix(mixed[indices] + (copy + np.uint64(1)) * GOLDEN)
        part = np.uint64((1 << 64) - 1) // np.maximum(of, np.uint64(1))
        shuffled = np.where(of == 1, within, copy * part + within // np.maximum(of, np.uint64(1)))
    return indices, shuffled


def cut_rows(spans: np.ndarray, offset: int, first: int, last: int, size: int) -> np.ndarray:
    """Concatenate-then-split: the pieces (PIECE) of the rows from `first` to `last` - 1.

    Every row has `size` tokens, but the last one of the whole stream may be shorter.

    spans: documents in order, SPAN; they reach to the end of row `last` - 1, or to the end of the stream
    offset: tokens of the stream before the first of the spans
    """
    starts = offset + np.concatenate(([0], np.cumsum(spans["length"], dtype=np.int64)))
    begin, end = first * size, min(last * size, int(starts[-1]))
    bounds = np.arange(begin, end, size, dtype=np.int64)
    inside = starts[(starts >= begin) & (starts < end)]
    cuts = np.unique(np.concatenate((bounds, inside)))
    owner = np.searchsorted(starts, cuts, "right") - 1
    pieces = np.zeros(len(cuts), PIECE)
    pieces["row"] = cuts // size
    pieces["shard"] = spans["shard"][owner]
    pieces["start"] = spans["start"][owner] + cuts - starts[owner]
    pieces["length"] = np.diff(np.concatenate((cuts, [end])))
    pieces["slot"] = slots(pieces["row"])
    return pieces


def slots(rows: np.ndarray) -> np.ndarray:
    """0, 1, … within each run of one row number."""
    indices = np.arange(len(rows))
    new = np.concatenate(([True], rows[1:] != rows[:-1])) if len(rows) else np.zeros(0, bool)
    return indices - np.maximum.accumulate(np.where(new, indices, 0))


def scatter_rows(pieces: np.ndarray, size: int, seed: int, window: int) -> np.ndarray:
    """The same rows in another order: shuffled within windows, so that a long document does not fill a batch.

    pieces: PIECE of whole rows, in order; a last row that is shorter than `size` stays the last
    window: rows that are shuffled among each other
    """
    if not len(pieces):
        return pieces
    first, end = int(pieces["row"][0]), int(pieces["row"][-1]) + 1
    if pieces["length"][pieces["row"] == end - 1].sum() < size:
        end -= 1
    rows = np.arange(first, end, dtype=np.int64)
    order = np.lexsort((mix(rows.astype(np.uint64) ^ salt(seed, 2)), (rows - first) // max(window, 1)))
    moved = np.arange(first, int(pieces["row"][-1]) + 1, dtype=np.int64)
    moved[order] = rows
    scattered = pieces.copy()
    scattered["row"] = moved[pieces["row"] - first]
    return scattered[np.lexsort((scattered["slot"], scattered["row"]))]


@dataclass
class _Buffer:
    """Documents that wait for a row.

    held: pairs (length, index), sorted
    """

    held: list[tuple[int, int]]

    def longest_within(self, room: int) -> tuple[int, int] | None:
        count = bisect_right(self.held, (room, 1 << 62))
        return self.held.pop(count - 1) if count else None


def fit_rows(spans: np.ndarray, size: int) -> np.ndarray:
    """Best fit: every row begins with a document's beginning; PIECE with row numbers from 0.

    A row takes, of the next BUFFER_DOCUMENTS documents, the longest that fits into what is left of it; when none does,
    the shortest one is cut to fill it and its rest is left out, as in nanochat's BOS-aligned loader. Only the last rows
    can be shorter than `size`.
    """
    picks = np.fromiter(_picks(spans["length"].tolist(), size), PICK)
    pieces = np.zeros(len(picks), PIECE)
    pieces["row"], pieces["length"] = picks["row"], picks["length"]
    pieces["shard"], pieces["start"] = spans["shard"][picks["document"]], spans["start"][picks["document"]]
    pieces["slot"] = slots(pieces["row"])
    return pieces


def _picks(lengths: list[int], size: int) -> Iterator[tuple[int, int, int]]:
    """(row, index of the document, tokens of it) in the order of rows."""
    buffer, following, row, room = _Buffer([]), 0, 0, size
    while True:
        while following < len(lengths) and len(buffer.held) < BUFFER_DOCUMENTS:
            insort(buffer.held, (lengths[following], following))
            following += 1
        if not buffer.held:
            return
        length, index = buffer.longest_within(room) or buffer.held.pop(0)
        yield row, index, min(length, room)
        room -= min(length, room)
        if not room:
            row, room = row + 1, size
