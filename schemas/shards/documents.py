"""docs-*.parquet: one row a document, in the order of their tokens. The one reader, and an index of a shard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from schemas.shards.layout import DOCS_COLUMNS, docs_path
from schemas.shards.plans import Span
from schemas.shards.tombstones import Tombstones
from schemas.storage import read_table, stream_table

if TYPE_CHECKING:
    from schemas.storage import Filters

SHOWN = ("doc_id", "url", "warc_file", "warc_offset", "language", "cluster_id")
NEVER_NULL = ("doc_id", "start", "length", "bytes", "key")
ASK_VERIFY = "ask `bateia shards verify` what else is amiss"

FIELDS = {name: pa.field(name, kind, nullable=name not in NEVER_NULL) for name, kind in DOCS_COLUMNS}


def docs_fields(columns: Iterable[str]) -> pa.Schema:
    """The schema of some of the columns; those not in NEVER_NULL may hold null for "not known"."""
    return pa.schema([FIELDS[name] for name in columns])


def read_documents(
    path: str, columns: Sequence[str], filters: Filters | None = None, remedy: str = ASK_VERIFY
) -> pa.Table:
    """Some columns of a docs-*.parquet, of all documents or of those that `filters` choose, as `read_table` has them.

    Raises BadInput if the file can't be read or has other columns.
    """
    return read_table(path, filters=filters, schema=docs_fields(columns), remedy=remedy)


def stream_documents(path: str, rows: int) -> pa.RecordBatchReader:
    """All of a docs-*.parquet with its own schema, up to `rows` documents at a time. Raises BadInput as it goes."""
    return stream_table(path, rows, remedy=ASK_VERIFY)


@dataclass(frozen=True)
class DocumentSpan:
    """Consecutive tokens of one document.

    shard: number of the shard that they are in.
    begin, end: tokens of the shard's file, the end not included.
    start: where the document begins in that file.
    length: tokens of the document.
    document: its columns; of a forgotten one all but the id are None.
    forgotten: whether the document was forgotten, so that its tokens are overwritten.
    """

    shard: int
    begin: int
    end: int
    start: int
    length: int
    document: dict[str, Any]
    forgotten: bool

    @property
    def tokens(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True)
class DocumentIndex:
    """Documents of a shard in the order of their tokens, forgotten ones included.

    shard: its number.
    starts, ends: int64 of shape (documents,), tokens of the shard's file, the end not included.
    forgotten: bool of shape (documents,).
    table: columns of each document.
    """

    shard: int
    starts: np.ndarray
    ends: np.ndarray
    forgotten: np.ndarray
    table: pa.Table

    @cached_property
    def documents(self) -> list[dict[str, Any]]:
        return self.table.to_pylist()

    def spans(self, start: int, length: int) -> Iterator[DocumentSpan]:
        """A span's documents, in order. A gap between them is a forgotten one without id.

        The span must be one that the index was made for.
        """
        end, reached = start + length, start
        first, last = np.searchsorted(self.ends, start, "right"), np.searchsorted(self.starts, end, "left")
        for index in range(int(first), int(last)):
            begins, ends = int(self.starts[index]), int(self.ends[index])
            if reached < begins:
                yield self._gap(reached, begins)
            reached = min(ends, end)
            forgotten = bool(self.forgotten[index])
            document = self.documents[index]
            if forgotten:
                document = {name: document["doc_id"] if name == "doc_id" else None for name in document}
            yield DocumentSpan(self.shard, max(begins, start), reached, begins, ends - begins, document, forgotten)
        if reached < end:
            yield self._gap(reached, end)

    def _gap(self, begin: int, end: int) -> DocumentSpan:
        unknown = dict.fromkeys(self.table.schema.names)
        return DocumentSpan(self.shard, begin, end, begin, end - begin, unknown, True)


def index_documents(
    folder: str,
    split: str,
    shard: int,
    tombstones: Sequence[Tombstones] = (),
    columns: Sequence[str] = (),
    spans: Sequence[tuple[int, int]] | None = None,
) -> DocumentIndex:
    """Documents of a shard: those in its table, and those in tombstones, which were there before.

    folder: of the shards.
    columns: of each document in the index.
    spans: (begin, end) of the shard's tokens; the index has only documents with a token in one of them. Default: all.

    Raises BadInput if the shard's table can't be read.
    """
    names = list(dict.fromkeys(("start", "length", *columns)))
    kept = read_documents(docs_path(folder, split, shard), names, None if spans is None else _between(spans))
    gone = [_with_columns(times.of(split, shard), kept.schema) for times in tombstones]
    # If a forget was interrupted, a document that has a tombstone may still have its row: the tombstone counts.
    starts_gone = [start for table in gone for start in table.column("start").to_pylist()]
    kept = kept.filter(pa.array(~np.isin(kept.column("start").to_numpy(), starts_gone)))
    table = pa.concat_tables([kept, *gone])
    forgotten = np.arange(len(table)) >= len(kept)
    starts, lengths = (table.column(name).to_numpy() for name in ("start", "length"))
    order = np.argsort(starts, kind="stable")
    if spans is not None:
        order = order[_overlaps(starts[order], (starts + lengths)[order], spans)]
    chosen = table.select(list(columns)).take(pa.array(order))
    return DocumentIndex(shard, starts[order], (starts + lengths)[order], forgotten[order], chosen)


def documents_in_rows(
    folder: str,
    split: str,
    rows: Sequence[Sequence[Span]],
    columns: Sequence[str] = SHOWN,
    tombstones: Sequence[Tombstones] = (),
) -> list[list[DocumentSpan]]:
    """The documents that each row is made of, in the order of its tokens. rows: of a plan, as their spans.

    Raises BadInput if a shard's table can't be read.
    """
    bounds: dict[int, list[tuple[int, int]]] = {}
    for shard, start, length in (span for row in rows for span in row):
        bounds.setdefault(shard, []).append((start, start + length))
    indexes = {
        shard: index_documents(folder, split, shard, tombstones, columns, spans) for shard, spans in bounds.items()
    }
    return [[part for shard, start, length in row for part in indexes[shard].spans(start, length)] for row in rows]


def documents_of_spans(folder: str, split: str, spans: Sequence[Span]) -> list[dict[str, Any]]:
    """Columns SHOWN of the documents that spans are made of, each once, in order of appearance, without forgotten ones.

    Raises BadInput if a shard's table can't be read.
    """
    [parts] = documents_in_rows(folder, split, [spans])
    return list({(part.shard, part.start): part.document for part in parts if not part.forgotten}.values())


def _between(spans: Sequence[tuple[int, int]]) -> Filters:
    """A filter for documents from the first span to the last, by which a reader can skip row groups."""
    import pyarrow.compute as pc

    begin, end = min(begin for begin, _ in spans), max(end for _, end in spans)
    return (pc.field("start") < end) & (pc.field("start") + pc.field("length") > begin)


def _overlaps(starts: np.ndarray, ends: np.ndarray, spans: Sequence[tuple[int, int]]) -> np.ndarray:
    """Whether each document has a token in one of the spans, bool. starts, ends: of the documents, sorted."""
    begins_S, ends_S = (np.array(side, np.int64) for side in zip(*spans, strict=True))
    first = np.searchsorted(ends, begins_S, "right")
    last = np.maximum(np.searchsorted(starts, ends_S, "left"), first)
    changes = np.zeros(len(starts) + 1, np.int64)  # in the number of spans that overlap, from a document to the next
    np.add.at(changes, first, 1)
    np.add.at(changes, last, -1)
    return np.cumsum(changes[:-1]) > 0


def _with_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Tombstones with the columns of a table of documents; columns that tombstones lack are null."""
    columns = [
        table.column(field.name) if field.name in table.schema.names else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
