"""Signature files of a deduplication, the numbers by which it knows documents, and its working folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from schemas.storage import column_names, join, open_read, read_chunks, read_table
from transforms.units import Records, read_units

NEWLINE = ord("\n")
ROW_TYPE = np.dtype("<u8")
ROW_BITS = np.uint64(32)  # a node is (ordinal of its part << 32) + row


@dataclass(frozen=True)
class SignatureFile:
    """A file of signatures of one part's documents.

    ordinal: number of the part
    path: of the file
    language: of the documents
    earlier: whether they are of a corpus given by --against
    rows: documents in it
    """

    ordinal: int
    path: str
    language: str
    earlier: bool
    rows: int

    def read(self, columns: list[str]) -> pa.Table:
        return read_table(self.path, columns)

    def lines(self) -> pa.ChunkedArray:
        """Long lines of every document; null in a corpus whose recipe does not look at them."""
        if "lines" in column_names(self.path):
            return self.read(["lines"]).column("lines")
        return pa.chunked_array([pa.nulls(self.rows, pa.binary())])

    def check_rows(self, table: pa.Table) -> None:
        """Raises ValueError if the file has lost documents, or has others."""
        if len(table) != self.rows:
            raise ValueError(f"{self.path} has {len(table)} documents and should have {self.rows}; write it anew")


def read_signature_files(path: str) -> Iterator[SignatureFile]:
    for line in read_units(path):
        yield SignatureFile(**line)


class SignatureList:
    """A list of signature files as `write_units` writes it, looked up by ordinal.

    Every worker has one, and of a hundred crawls it is of 700,000 files: in memory are 8 bytes for each.
    """

    def __init__(self, path: str) -> None:
        self._path, before, ends = path, 0, [np.zeros(1, np.int64)]
        for chunk in read_chunks(path):
            ends.append(np.flatnonzero(np.frombuffer(chunk, np.uint8) == NEWLINE) + 1 + before)
            before += len(chunk)
        self._ends = np.concatenate(ends)

    def __getitem__(self, ordinal: int) -> SignatureFile:
        """Raises IndexError for a number that no file has."""
        start, end = (int(self._ends[number]) for number in (ordinal, ordinal + 1))
        with open_read(self._path) as file:
            file.seek(start)
            return SignatureFile(**json.loads(file.read(end - start)))


def nodes_of(ordinal: int, rows: np.ndarray) -> np.ndarray:
    return (np.uint64(ordinal) << ROW_BITS) + rows.astype(np.uint64)


def ordinals_of(nodes: np.ndarray) -> np.ndarray:
    return (nodes >> ROW_BITS).astype(np.int64)


def rows_of(nodes: np.ndarray) -> np.ndarray:
    return (nodes & np.uint64(0xFFFFFFFF)).astype(np.int64)


@dataclass(frozen=True)
class DedupWorkdir:
    """Paths of the files between the phases of a deduplication, which are removed when it is finished."""

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

    def clean(self, ordinal: int) -> str:
        """For each document of a part a byte: 1 where cleaning its text leaves it as it is."""
        return self.path("clean", f"{ordinal:06}")

    @property
    def signing(self) -> Records:
        """Records of the parts whose signatures are written."""
        return Records(self.output, "work/signed")

    @property
    def rewriting(self) -> Records:
        """Records of the parts that are written to the corpus."""
        return Records(self.output, "work/rewritten")

    @property
    def text_parts(self) -> str:
        """List of the parts whose texts are compared, those of earlier corpora included."""
        return self.path("text_parts.jsonl")

    @property
    def comparing(self) -> Records:
        """Records of the parts whose runs of words are written."""
        return Records(self.output, "work/compared")

    def to_compare(self, ordinal: int) -> str:
        """A part's documents whose text is to be compared: rows (node, root)."""
        return self.path("to_compare", f"{ordinal:06}.rows")

    def runs(self, ordinal: int, kind: str = "runs") -> str:
        """The runs of words of these documents; with kind "places", where those of each are."""
        return self.path("runs", f"{ordinal:06}.{kind}")

    def stars(self, passed: int) -> str:
        return self.path(f"stars-{passed:02}")

    def counts(self, phase: str) -> str:
        """What the phase's shuffles counted."""
        return self.path(f"counts-{phase}.json")

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
