"""What a unit of any kind holds: records of WARC and WET files, rows of tables, lines, texts, selected records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from transforms.steps.fetch.files import RemoteFile
from transforms.steps.sources.columns import Columns
from transforms.steps.sources.lines import compression_of, read_lines, read_text
from transforms.steps.sources.tables import read_rows
from transforms.steps.warc.limits import ReadLimits
from transforms.steps.warc.reader import Event, Unit, read_unit

WARC, WET, PARQUET, JSONL, TEXT, SELECTION = "warc", "wet", "parquet", "jsonl", "text", "selection"
TAIL_BYTES = 2 << 20  # fetched behind a unit's range, for the member that ends there


def read_file(
    stream: BinaryIO,
    kind: str,
    unit: Unit,
    limits: ReadLimits,
    columns: Columns,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Event]:
    """What the unit's part of a file holds, in the order of the file. What lies on a server comes in one request.

    kind: of the file; the unit's edges are rows where it is parquet, and bytes else.
    """
    if isinstance(stream, RemoteFile) and kind != PARQUET:
        before = limits.lookback_bytes if kind in (WARC, WET) else 1
        stream.hold(max(0, unit.start - before), min(unit.size, unit.end + TAIL_BYTES))
    if kind == PARQUET:
        return read_rows(stream, unit.start, unit.end, columns, limits, on_progress)
    if kind == JSONL:
        return read_lines(stream, unit.start, unit.end, columns, limits, on_progress)
    if kind == TEXT:
        return read_text(stream, limits)
    return read_unit(stream, unit, limits, on_progress, "conversion" if kind == WET else "response")


def is_compressed(stream: BinaryIO) -> bool:
    """Whether the file is compressed as a whole, so that it can't be read from its middle."""
    stream.seek(0)
    return compression_of(stream.read(4)) is not None
