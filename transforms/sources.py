"""Parts and signature files of a dedup run, as lines of a plan that workers read at run time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.storage import join, locate, open_read

NO_FOLDERS: Any = None  # folders named like languages are no partition columns
ROW_TYPE = np.dtype("<u8")
ROW_BITS = np.uint64(32)  # a node is (ordinal of its part << 32) + row


@dataclass(frozen=True)
class Part:
    """Documents of one language that become one file each of data/, signatures/ and pii/.

    ordinal: its number among all parts of the run, earlier corpora's first. files: their paths, in order.
    """

    ordinal: int
    name: str  # <language>/part-00000
    files: tuple[str, ...]
    rows: int

    @property
    def language(self) -> str:
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class SignatureFile:
    """Where the signatures of an ordinal's documents lie. earlier: they are of a corpus given by --against."""

    ordinal: int
    path: str
    language: str
    earlier: bool
    rows: int

    def read(self, columns: list[str]) -> pa.Table:
        filesystem, path = locate(self.path)
        return pq.read_table(path, columns=columns, filesystem=filesystem, partitioning=NO_FOLDERS)


def to_lines(items: list[Any]) -> bytes:
    return b"".join(json.dumps(asdict(item), ensure_ascii=False).encode() + b"\n" for item in items)


def read_lines(path: str) -> Iterator[dict[str, Any]]:
    with open_read(path) as file:
        for line in file.read().decode().splitlines():
            yield json.loads(line)


def read_parts(path: str) -> Iterator[Part]:
    for line in read_lines(path):
        files = tuple(line.pop("files"))
        yield Part(files=files, **line)


def read_signature_files(path: str) -> Iterator[SignatureFile]:
    for line in read_lines(path):
        yield SignatureFile(**line)


def nodes_of(ordinal: int, rows: np.ndarray) -> np.ndarray:
    return (np.uint64(ordinal) << ROW_BITS) + rows.astype(np.uint64)


def ordinals_of(nodes: np.ndarray) -> np.ndarray:
    return (nodes >> ROW_BITS).astype(np.int64)


def rows_of(nodes: np.ndarray) -> np.ndarray:
    return (nodes & np.uint64(0xFFFFFFFF)).astype(np.int64)


@dataclass(frozen=True)
class Workplace:
    """Where the files of a dedup run lie. They are removed when it is finished."""

    output: str

    def path(self, *names: str) -> str:
        return join(self.output, "work", *names)

    @property
    def parts(self) -> str:
        return self.path("parts.jsonl")

    @property
    def signature_files(self) -> str:
        return self.path("signature_files.jsonl")

    def signatures(self, part: str) -> str:
        return self.path("signatures", f"{part}.parquet")

    def signed(self, part: str) -> str:
        return self.path("signed", f"{part}.json")

    def stars(self, passed: int) -> str:
        return self.path(f"stars-{passed:02}")

    def decisions(self, ordinal: int) -> str:
        return self.path("decisions", f"{ordinal:06}.parquet")


def fixed_uint64(column: pa.ChunkedArray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A fixed-size binary column as uint64 of shape (rows, width), and which rows are not null."""
    rows = [np.zeros((0, width), ROW_TYPE)]
    for chunk in column.chunks:
        data = chunk.buffers()[1]
        values = np.frombuffer(data, ROW_TYPE, count=len(chunk) * width, offset=chunk.offset * width * 8)
        rows.append(values.reshape(-1, width))
    return np.concatenate(rows), column.is_valid().to_numpy()
