"""A small Parquet writer: parts under deterministic names, whole or absent, with their sha256.

Beam's WriteToParquet leaves stale shards behind on a second run, and its WriteToFiles can lose local sub-directories.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.manifest import FileEntry
from schemas.storage import HashingFile, PendingFile, join, write_whole

ROWS_PER_GROUP = 1000  # a function of the rows alone, so that the bytes are too
MAX_GROUP_CHARS = 32 << 20  # text held before a row group is written; bounds a worker's memory


class PartFile:
    """One Parquet file in the making: zstd, row groups of at most `group` rows or 32 M characters of text.

    counted: columns of long texts besides `text`
    """

    def __init__(
        self, root: str, path: str, schema: pa.Schema, group: int = ROWS_PER_GROUP, counted: Sequence[str] = ()
    ) -> None:
        self._counted = ("text", *counted)
        self.path, self.rows, self._group = path, 0, group
        self._schema = schema
        self._pending = PendingFile(join(root, path))
        self._writer = pq.ParquetWriter(
            self._pending.file,
            schema,
            compression="zstd",
            compression_level=3,
            use_dictionary=cast(bool, dictionary_columns(schema)),  # a list of names too; the stubs know half of it
        )
        self._buffer: list[dict[str, Any]] = []
        self._chars = 0

    def add(self, row: dict[str, Any]) -> None:
        self._buffer.append(row)
        self._chars += sum(len(row.get(name) or "") for name in self._counted)
        if len(self._buffer) >= self._group or self._chars >= MAX_GROUP_CHARS:
            self._flush()

    def _flush(self) -> None:
        if self._buffer:
            self._writer.write_table(pa.Table.from_pylist(self._buffer, schema=self._schema))
            self.rows += len(self._buffer)
            self._buffer, self._chars = [], 0

    def commit(self) -> FileEntry:
        """Finish the file and give it its name."""
        self._flush()
        self._writer.close()
        self._pending.commit()
        return FileEntry(self.path, self.rows, self._pending.file.bytes, self._pending.file.sha256)

    def discard(self) -> None:
        with suppress(OSError, ValueError):  # closing writes once more, which may fail as before
            self._writer.close()
        self._pending.discard()


def text_columns(fields: Sequence[pa.Field]) -> tuple[str, ...]:
    """Names of the columns whose values may be long."""
    return tuple(field.name for field in fields if pa.types.is_string(field.type))


class RawFile:
    """One file of bytes in the making. rows: number of calls of `add`."""

    def __init__(self, root: str, path: str) -> None:
        self.path, self.rows = path, 0
        self._pending = PendingFile(join(root, path))

    def add(self, data: bytes) -> None:
        """One row's bytes."""
        self._pending.file.write(data)
        self.rows += 1

    def commit(self) -> FileEntry:
        self._pending.commit()
        return FileEntry(self.path, self.rows, self._pending.file.bytes, self._pending.file.sha256)

    def discard(self) -> None:
        self._pending.discard()


class TableFile:
    """One table as a Parquet file that is written but has not got its name yet."""

    def __init__(self, root: str, path: str, table: pa.Table) -> None:
        self.path, self.rows = path, len(table)
        self._pending = PendingFile(join(root, path))
        try:
            put_table(self._pending.file, table)
        except BaseException:
            self._pending.discard()
            raise

    def commit(self) -> FileEntry:
        self._pending.commit()
        return FileEntry(self.path, self.rows, self._pending.file.bytes, self._pending.file.sha256)

    def discard(self) -> None:
        self._pending.discard()


def put_table(file: HashingFile, table: pa.Table) -> None:
    columns = cast(bool, dictionary_columns(table.schema))
    pq.write_table(table, file, compression="zstd", compression_level=3, use_dictionary=columns)


def write_table(root: str, path: str, table: pa.Table) -> FileEntry:
    """Write a table as one Parquet file, whole or not at all."""
    with write_whole(join(root, path)) as file:
        put_table(file, table)
    return FileEntry(path, len(table), file.bytes, file.sha256)


def dictionary_columns(schema: pa.Schema) -> list[str]:
    """Columns with few distinct values; a dictionary of texts or ids would only cost time."""
    repeated = {"dump", "file_path", "warc_file", "content_type", "language", "fate", "stage", "reason", "detail"}
    return [name for name in schema.names if name in repeated]
