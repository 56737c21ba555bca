"""Parquet files as sources: spans of row groups, and their rows as texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.steps.sources.columns import TEXT_HABITS, Columns, value_of
from transforms.steps.warc.events import Text, Unreadable
from transforms.steps.warc.limits import ReadLimits

ROWS_AT_ONCE = 256
MAGIC = b"PAR1"


def spans_of(metadata: Any, span_bytes: int) -> list[tuple[int, int]]:
    """Rows [first, last) of neighbouring row groups that have up to `span_bytes` together: by the footer alone."""
    spans: list[tuple[int, int]] = []
    row = first = held = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        size = sum(group.column(index).total_compressed_size for index in range(group.num_columns))
        if held and held + size > span_bytes:
            spans.append((first, row))
            first, held = row, 0
        row += group.num_rows
        held += size
    return [*spans, (first, row)] if row > first else spans


def groups_in(metadata: Any, first: int, last: int) -> list[int]:
    """Numbers of the row groups whose rows are in [first, last)."""
    numbers, row = [], 0
    for number in range(metadata.num_row_groups):
        if first <= row < last and metadata.row_group(number).num_rows:
            numbers.append(number)
        row += metadata.row_group(number).num_rows
    return numbers


def bytes_of(metadata: Any, groups: list[int]) -> tuple[int, int]:
    """Where the row groups lie in the file: [start, stop)."""
    starts, stops = [], []
    for number in groups:
        for index in range(metadata.row_group(number).num_columns):
            column = metadata.row_group(number).column(index)
            start = column.data_page_offset
            if column.dictionary_page_offset is not None:
                start = min(start, column.dictionary_page_offset)
            starts.append(start)
            stops.append(start + column.total_compressed_size)
    return min(starts, default=0), max(stops, default=0)


def read_rows(
    stream: BinaryIO,
    first: int,
    last: int,
    columns: Columns,
    limits: ReadLimits,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Text | Unreadable]:
    """Rows [first, last), which are whole row groups; a row's offset is its number in the file."""
    row = first
    try:
        with pq.ParquetFile(stream) as file:
            groups = groups_in(file.metadata, first, last)
            if hasattr(stream, "hold"):  # on a server: one request
                stream.hold(*bytes_of(file.metadata, groups))  # type: ignore[attr-defined]
            names = columns.needed_of(file.schema_arrow.names)
            for batch in file.iter_batches(ROWS_AT_ONCE, row_groups=groups, columns=names):
                for values in rows_of(in_microseconds(batch)):
                    if isinstance(values, str):
                        yield Unreadable(row, 0, "bad_table", detail=values)
                    else:
                        yield columns.text_of(values, row, text_bytes(values, columns), limits)
                    row += 1
                    if on_progress is not None:
                        on_progress(row)
    except pa.ArrowException as error:
        detail = f"{str(error).splitlines()[0][:200]}; {last - row} rows are lost"
        yield Unreadable(row, 0, "bad_table", detail=detail)


def in_microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with times in nanoseconds, which Python's own are too coarse for, rounded down."""
    for index, column in enumerate(batch.columns):
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            name, kind = batch.schema.names[index], pa.timestamp("us", column.type.tz)
            batch = batch.set_column(index, name, column.cast(kind, safe=False))
    return batch


def rows_of(batch: pa.RecordBatch) -> Iterator[dict[str, Any] | str]:
    """The rows of a batch as dicts; of one that is no UTF-8, or has a date out of range, what is wrong with it."""
    try:
        yield from batch.to_pylist()
    except (ValueError, OverflowError):
        for number in range(len(batch)):
            try:
                yield batch.slice(number, 1).to_pylist()[0]
            except UnicodeDecodeError as error:
                yield f"the row is no UTF-8 ({error.reason})"
            except (ValueError, OverflowError) as error:
                yield f"the row has a value that can't be read ({str(error)[:100]})"


def text_bytes(row: dict[str, Any], columns: Columns) -> int:
    text = value_of(row, columns.text_column, TEXT_HABITS)
    return len(text.encode("utf-8", "replace")) if isinstance(text, str) else 0
