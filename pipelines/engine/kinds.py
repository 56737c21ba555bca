"""What kind of input a file is, by its bytes first and then by its name, and why it can't be read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, islice
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from schemas.faults import reason
from transforms.steps.sources.columns import Columns
from transforms.steps.sources.lines import compression_of, read_lines
from transforms.steps.sources.read import JSONL, PARQUET, SELECTION, TEXT, WARC, WET
from transforms.steps.sources.selection import PLACE
from transforms.steps.sources.tables import MAGIC
from transforms.steps.warc.events import Text
from transforms.steps.warc.limits import ReadLimits
from transforms.steps.warc.reader import sniff

BY_NAME = (
    (re.compile(r"\.wet(?:\.gz|\.zst)?$|/wet/", re.IGNORECASE), WET),
    (re.compile(r"\.parquet$", re.IGNORECASE), PARQUET),
    (re.compile(r"\.(?:jsonl|ndjson|json)(?:\.gz|\.zst)?$", re.IGNORECASE), JSONL),
    (re.compile(r"\.txt(?:\.gz|\.zst)?$", re.IGNORECASE), TEXT),
)
FIRST_LINES_BYTES = 32 << 20  # looked at of a file of JSON lines
FIRST_LINES = 1000  # in which a column to keep must be: not every line need have it


class Kind(NamedTuple):
    """What a file is.

    name: one of those in transforms.steps.sources.read
    problem: why nothing can be read from it, as the end of a sentence that begins with its name; or None
    footer: of a Parquet file
    whole: whether it is compressed as a whole
    lacks: columns to keep that it has not
    """

    name: str
    problem: str | None = None
    footer: Any = None
    whole: bool = False
    lacks: tuple[str, ...] = ()


def kind_by_name(path: str) -> str:
    """What a file is if its name says so; a WARC file else."""
    name = path.partition("?")[0]
    return next((kind for ending, kind in BY_NAME if ending.search(name)), WARC)


def kind_of(path: str, stream: BinaryIO, size: int, columns: Columns) -> Kind:
    """What a file of `size` bytes is. Raises OSError."""
    stream.seek(0)
    head = stream.read(4)
    if head == MAGIC:
        return kind_of_table(stream, columns)
    named = kind_by_name(path)
    if named == PARQUET:
        return Kind(PARQUET, "is empty" if not size else f"is no Parquet file (starts with {head!r})")
    if named == TEXT:
        return Kind(TEXT, None if size else "is empty", whole=True)
    if named == JSONL:
        return kind_of_lines(stream, size, columns, compression_of(head) is not None)
    found = sniff(stream, size)
    return Kind(found.kind, found.problem)


def kind_of_table(stream: BinaryIO, columns: Columns) -> Kind:
    """Whether a Parquet file is a selection of records or a table of texts, and what is wrong with it."""
    import pyarrow.parquet as pq

    stream.seek(0)
    try:
        with pq.ParquetFile(stream) as file:
            footer, schema = file.metadata, file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        return Kind(PARQUET, f"is a Parquet file that can't be read ({reason(error)}); write it anew")
    names = schema.names
    if set(PLACE) <= set(names):
        return Kind(SELECTION, None if footer.num_rows else "is a selection of no record", footer)
    if footer.num_rows == 0:
        return Kind(PARQUET, "is a Parquet file without rows", footer)
    return Kind(PARQUET, columns.missing_in(names), footer, lacks=tuple(columns.not_in(schema)))


def kind_of_lines(stream: BinaryIO, size: int, columns: Columns, whole: bool) -> Kind:
    """JSON lines if the first line is an object with a text; a row further on is judged when it is read."""
    if not size:
        return Kind(JSONL, "is empty")
    rows = read_lines(stream, 0, min(size, FIRST_LINES_BYTES), columns, ReadLimits())
    first = next(rows, None)
    if isinstance(first, Text):
        return Kind(JSONL, whole=whole, lacks=lacking(columns, chain([first], rows)))
    if first is None:
        return Kind(JSONL, "holds blank lines only")
    if first.reason == "no_text":
        return Kind(JSONL, f"has {first.detail} of its first line; name the text's field with --text-column")
    return Kind(JSONL, f"is no file of JSON lines ({first.reason}: {first.detail})")


def lacking(columns: Columns, rows: Iterable[object]) -> tuple[str, ...]:
    """Columns to keep that none of the first lines has."""
    left = set(columns.keep_columns)
    for row in islice(rows, FIRST_LINES):
        if not left:
            break
        left -= set(row.kept) if isinstance(row, Text) else set()
    return tuple(name for name in columns.keep_columns if name in left)
