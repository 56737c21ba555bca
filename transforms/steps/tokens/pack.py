"""Documents in an order to training rows: numpy in, numpy out; no text, no tokens, only where they lie."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from transforms.steps.text.hashes import mix

SPAN = np.dtype([("shard", "<i4"), ("start", "<i8"), ("length", "<i4")])
PIECE = np.dtype([("row", "<i8"), ("slot", "<i4"), *SPAN.descr])
PICK = np.dtype([("row", "<i8"), ("document", "<i8"), ("length", "<i4")])
BUFFERED = 1000  # documents that best-fit chooses from, as nanochat does (nanochat/dataloader.py)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def salt(seed: int, use: int) -> np.ndarray:
    """What one use of a seed stirs its numbers with, uint64 of shape (1,)."""
    return mix(np.array([(seed + use * int(GOLDEN)) & ((1 << 64) - 1)], np.uint64))


def shuffle_keys(keys: np.ndarray, copies: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Where every copy of every document falls in a shuffle: (indices of documents, uint64 places), one for each copy.

    keys: uint64, documents' own numbers. copies: float64, how often each is to be seen; of a fraction, that share of
    documents is seen once more. The copies of a document fall one into each of as many equal stretches of the training,
    so that it is not seen twice before others are seen once.
    """
    stirred = mix(keys ^ salt(seed, 1))
    whole = np.floor(copies)
    counts = (whole + (stirred < (copies - whole) * 2.0**64)).astype(np.int64)
    found = np.repeat(np.arange(len(keys)), counts)
    copy = (np.arange(len(found)) - np.repeat(np.cumsum(counts) - counts, counts)).astype(np.uint64)
    of = counts[found].astype(np.uint64)
    with np.errstate(over="ignore"):
        within = mix(stirred[found] + (copy + np.uint64(1)) * GOLDEN)
        stretch = np.uint64((1 << 64) - 1) // np.maximum(of, np.uint64(1))
        places = np.where(of == 1, within, copy * stretch + within // np.maximum(of, np.uint64(1)))
    return found, places


def cut_rows(spans: np.ndarray, at: int, first: int, last: int, size: int) -> np.ndarray:
    """Concatenate-then-split: the pieces of rows `first` up to `last`, each of `size` tokens but the very last of all.

    spans: SPAN, in order. at: where the first of them begins in the whole stream of tokens. The spans reach as far as
    row last - 1 does, or to the end of the stream.
    """
    starts = at + np.concatenate(([0], np.cumsum(spans["length"], dtype=np.int64)))
    begin, end = first * size, min(last * size, int(starts[-1]))
    bounds = np.arange(begin, end, size, dtype=np.int64)
    inside = starts[(starts >= begin) & (starts < end)]
    places = np.unique(np.concatenate((bounds, inside)))
    owner = np.searchsorted(starts, places, "right") - 1
    pieces = np.zeros(len(places), PIECE)
    pieces["row"] = places // size
    pieces["shard"] = spans["shard"][owner]
    pieces["start"] = spans["start"][owner] + places - starts[owner]
    pieces["length"] = np.diff(np.concatenate((places, [end])))
    pieces["slot"] = slots(pieces["row"])
    return pieces


def slots(rows: np.ndarray) -> np.ndarray:
    """0, 1, … within each run of one row number."""
    at = np.arange(len(rows))
    new = np.concatenate(([True], rows[1:] != rows[:-1])) if len(rows) else np.zeros(0, bool)
    return at - np.maximum.accumulate(np.where(new, at, 0))


def scatter_rows(pieces: np.ndarray, size: int, seed: int, window: int) -> np.ndarray:
    """The same rows in another order: shuffled among neighbours, so that a long document does not fill a batch.

    pieces: PIECE of whole rows, in order. window: rows that change places with each other. A short last row stays.
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
class _Waiting:
    """Documents that wait for a row, by length: pairs (length, index), sorted."""

    held: list[tuple[int, int]]

    def longest_within(self, room: int) -> tuple[int, int] | None:
        at = bisect_right(self.held, (room, 1 << 62))
        return self.held.pop(at - 1) if at else None


def fit_rows(spans: np.ndarray, size: int) -> np.ndarray:
    """Best fit: every row begins with a document's beginning; PIECE with row numbers from 0.

    A row takes the longest of the next BUFFERED documents that fits into what is left of it; when none does, the
    shortest one is cut to fill it and its rest is left out, as in nanochat's BOS-aligned loader. Only the last rows
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
    waiting, following, row, room = _Waiting([]), 0, 0, size
    while True:
        while following < len(lengths) and len(waiting.held) < BUFFERED:
            insort(waiting.held, (lengths[following], following))
            following += 1
        if not waiting.held:
            return
        length, index = waiting.longest_within(room) or waiting.held.pop(0)
        yield row, index, min(length, room)
        room -= min(length, room)
        if not room:
            row, room = row + 1, size
