"""Documents as stages read them: parts, which are units of work, and the rows of their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.document import OPTIONAL_COLUMNS, kept_fields
from schemas.storage import locate

ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Part:
    """Documents of one language that are one unit of work and become one file of each kind.

    ordinal: its number among all parts of the run; in a deduplication, earlier corpora's come first.
    name: `<language>/part-00000`, or a shard's number.
    files: paths of the Parquet files, in order.
    rows: documents in them.
    """

    ordinal: int
    name: str
    files: tuple[str, ...]
    rows: int

    @property
    def language(self) -> str:
        return self.name.partition("/")[0]

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> Part:
        return cls(**{**line, "files": tuple(line["files"])})


def read_documents(files: Sequence[str], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of files of documents, in order, with those of the columns that the files have.

    Raises ValueError, naming file and row, if a text is no UTF-8.
    """
    for path in files:
        filesystem, name = locate(path)
        with pq.ParquetFile(filesystem.open_input_file(name)) as file:
            present = [column for column in columns if column in file.schema_arrow.names]
            row = 0
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=present):
                try:
                    yield from batch.to_pylist()
                except UnicodeDecodeError as error:
                    what = f"text from row {row} on is no UTF-8 ({error}); write the file anew"
                    raise ValueError(f"{path}: {what}") from error
                row += len(batch)


def read_chosen(files: Sequence[str], columns: Sequence[str], chosen: np.ndarray) -> Iterator[dict[str, Any]]:
    """Some rows of files of documents, in order, as `read_documents` gives them; row groups without any are not read.

    chosen: numbers of the rows, counted over all files, sorted
    """
    first = 0
    for path in files:
        filesystem, name = locate(path)
        with pq.ParquetFile(filesystem.open_input_file(name)) as file:
            present = [column for column in columns if column in file.schema_arrow.names]
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                wanted = chosen[np.searchsorted(chosen, first) : np.searchsorted(chosen, first + rows)] - first
                first += rows
                if len(wanted):
                    yield from file.read_row_group(group, present).take(pa.array(wanted)).to_pylist()


def columns_in(path: str) -> tuple[str, ...]:
    """Names of the optional columns that a file of documents has."""
    filesystem, name = locate(path)
    present = pq.read_schema(filesystem.open_input_file(name)).names
    return tuple(name for name, _ in OPTIONAL_COLUMNS if name in present)


def kept_in(paths: Sequence[str]) -> list[pa.Field]:
    """Columns of one's own tables that files of documents have."""
    places = (locate(path) for path in paths)
    return kept_fields(pq.read_schema(filesystem.open_input_file(name)) for filesystem, name in places)


def measures_in(path: str) -> tuple[str, ...]:
    """Names of the quality values that a file of documents carries."""
    filesystem, name = locate(path)
    schema = pq.read_schema(filesystem.open_input_file(name))
    return tuple(field.name for field in schema.field("quality").type) if "quality" in schema.names else ()
