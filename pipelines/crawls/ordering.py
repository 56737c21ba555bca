"""Rows of a selection brought into the order of their records, in bounded memory: keys are sorted, rows spilled.

Rows come by URL and are wanted by file and offset, so that every row may belong anywhere. Their places are found by
two columns alone; then each row goes to a file of its part of the order, and each of these is sorted by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.storage import join, open_read, write_whole
from transforms.steps.sources.selection import SELECTION_SCHEMA

ROWS_PER_GROUP = 100_000  # of what is written
GROUPS_HELD = 3  # sorted at a time: of 250 bytes a row, and as much again for the sorted copy
POSITION = "position"


def in_order(parts: list[str], work: str) -> Iterator[pa.Table]:
    """The rows of Parquet files in the order of file and offset, ROWS_PER_GROUP at a time; the last may be shorter.

    work: a folder for what is spilled; whoever made it removes it.
    """
    order = positions(parts)
    held = ROWS_PER_GROUP * GROUPS_HELD
    spilled = [join(work, f"spilled-{number:05}") for number in range(-(-len(order) // held))]
    if len(spilled) <= 1:
        table = pa.concat_tables([SELECTION_SCHEMA.empty_table(), *batches(parts)])
        yield from cut(table, np.argsort(order))
        return
    spill(parts, order, spilled, held)
    for path in spilled:
        with open_read(path) as file, pa.ipc.open_stream(file) as reader:
            table = reader.read_all()
        yield from cut(table.drop_columns([POSITION]), np.argsort(table[POSITION].to_numpy()))


def positions(parts: list[str]) -> np.ndarray:
    """The place of each row in the order of file and offset; equal ones stay as they are."""
    files: dict[str, int] = {}
    codes, offsets = [], []
    for table in batches(parts, ["warc_filename", "warc_record_offset"]):
        encoded = table["warc_filename"].combine_chunks().dictionary_encode()
        known = [files.setdefault(name, len(files)) for name in encoded.dictionary.to_pylist()]
        codes.append(np.array(known, dtype=np.int32)[encoded.indices.to_numpy()])
        offsets.append(table["warc_record_offset"].to_numpy())
    if not codes:
        return np.empty(0, dtype=np.int64)
    ranks = np.empty(len(files), dtype=np.int32)
    ranks[[files[name] for name in sorted(files, key=lambda name: name.encode())]] = np.arange(len(files))
    sorted_rows = np.lexsort((np.concatenate(offsets), ranks[np.concatenate(codes)]))
    order = np.empty(len(sorted_rows), dtype=np.int64)
    order[sorted_rows] = np.arange(len(sorted_rows))
    return order


def spill(parts: list[str], order: np.ndarray, paths: list[str], held: int) -> None:
    """Write each row with its place to the file of its part of the order."""
    schema, first = SELECTION_SCHEMA.append(pa.field(POSITION, pa.int64())), 0
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with ExitStack() as stack:
        files = [stack.enter_context(write_whole(path, durable=False)) for path in paths]
        writers = [stack.enter_context(pa.ipc.new_stream(file, schema, options=options)) for file in files]
        for table in batches(parts):
            places = order[first : first + len(table)]
            first += len(table)
            placed = table.append_column(schema.field(POSITION), pa.array(places))
            for number in np.unique(places // held):
                writers[number].write_table(placed.take(pa.array(np.flatnonzero(places // held == number))))


def batches(parts: Iterable[str], columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The row groups of Parquet files, one after the other."""
    for path in parts:
        with open_read(path) as stream, pq.ParquetFile(stream) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=columns)


def cut(table: pa.Table, rows: np.ndarray) -> Iterator[pa.Table]:
    """These rows of a table, ROWS_PER_GROUP at a time: a sorted copy of all would take as much again."""
    for first in range(0, len(rows), ROWS_PER_GROUP):
        yield table.take(pa.array(rows[first : first + ROWS_PER_GROUP]))
