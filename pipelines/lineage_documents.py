"""Documents by where their tokens lie: a stretch of a shard in, the documents that it reaches over out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.faults import BadInput
from pipelines.forget_tombstones import Tombstones
from schemas.shards import docs_path
from schemas.storage import locate
from transforms.sources import NO_FOLDERS

SHOWN = ("doc_id", "url", "warc_file", "warc_offset", "language")


@dataclass(frozen=True)
class Piece:
    """A stretch of one document. begin, end: tokens of the shard, the end not included; start, length: the document's.

    document: `SHOWN` of it; of a forgotten one its id alone, and nothing else is known.
    """

    begin: int
    end: int
    start: int
    length: int
    document: dict[str, Any]
    forgotten: bool


@dataclass(frozen=True)
class Shelf:
    """Some documents of a shard, in order; starts and ends int64. What lies between is not looked for."""

    starts: np.ndarray
    ends: np.ndarray
    documents: list[dict[str, Any]]
    forgotten: np.ndarray

    def pieces(self, start: int, length: int) -> Iterator[Piece]:
        """What a span is made of, if it is one that the shelf was made for. A place of no document comes as a forgotten
        one without id."""
        end, at = start + length, start
        first, last = np.searchsorted(self.ends, start, "right"), np.searchsorted(self.starts, end, "left")
        for index in range(int(first), int(last)):
            begins, ends = int(self.starts[index]), int(self.ends[index])
            if at < begins:
                yield unknown(at, begins)
            at = min(ends, end)
            forgotten = bool(self.forgotten[index])
            document = self.documents[index]
            shown = {name: document["doc_id"] if name == "doc_id" else None for name in SHOWN}
            yield Piece(max(begins, start), at, begins, ends - begins, shown if forgotten else document, forgotten)
        if at < end:
            yield unknown(at, end)


def unknown(begin: int, end: int) -> Piece:
    return Piece(begin, end, begin, end - begin, dict.fromkeys(SHOWN), True)


def shelf(shards: str, tombstones: list[Tombstones], split: str, shard: int, spans: list[tuple[int, int]]) -> Shelf:
    """Documents of a shard, forgotten ones too, that spans (begin, end) of its tokens reach over.

    Raises BadInput if its table can't be read.
    """
    tables = [(read_kept(docs_path(shards, split, shard), spans), False)]
    tables += [(times.of(split, shard), True) for times in tombstones]
    # An interrupted forget may have left the row of a document that has a tombstone: the later one counts.
    rows = {row["start"]: (row, gone) for table, gone in tables for row in reached(table, spans).to_pylist()}
    ordered = [rows[start] for start in sorted(rows)]
    starts = np.array([row["start"] for row, _ in ordered], np.int64)
    lengths = np.array([row["length"] for row, _ in ordered], np.int64)
    forgotten = np.array([gone for _, gone in ordered], bool)
    return Shelf(starts, starts + lengths, [row for row, _ in ordered], forgotten)


def read_kept(path: str, spans: list[tuple[int, int]]) -> pa.Table:
    import pyarrow.compute as pc

    begin, end = min(begin for begin, _ in spans), max(end for _, end in spans)
    start = pc.field("start")
    between = (start < end) & (start + pc.field("length") > begin)
    return read_documents(path, ("start", "length", *SHOWN), between)


def reached(table: pa.Table, spans: list[tuple[int, int]]) -> pa.Table:
    """The rows of a table of documents that have a token in common with one of the spans."""
    starts, lengths = (table.column(name).to_numpy() for name in ("start", "length"))
    order = np.argsort(starts, kind="stable")
    begins, ends = (np.array(side, np.int64) for side in zip(*spans, strict=True))
    first = np.searchsorted((starts + lengths)[order], begins, "right")
    last = np.maximum(np.searchsorted(starts[order], ends, "left"), first)
    held = np.zeros(len(table) + 1, np.int64)
    np.add.at(held, first, 1)
    np.add.at(held, last, -1)
    return table.take(pa.array(order[np.cumsum(held[:-1]) > 0]))


def read_documents(path: str, columns: tuple[str, ...], wanted: Any) -> pa.Table:
    """Rows of a docs-*.parquet that an expression of pyarrow chooses. Raises BadInput if the file can't be read."""
    import pyarrow.parquet as pq

    filesystem, name = locate(path)
    try:
        return pq.read_table(
            name, columns=list(columns), filters=wanted, filesystem=filesystem, partitioning=NO_FOLDERS
        )
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"{path} can't be read ({error}); ask `bateia shards verify` what else is amiss") from error
