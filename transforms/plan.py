"""A seeded global shuffle of documents into training rows: 16 bytes a document go through it, in packed buffers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa

from schemas.shards.documents import read_documents
from schemas.shards.layout import CONCAT, PLAN_SCHEMA
from schemas.shards.plans import offset_of, positions, shard_of
from schemas.storage import join, open_read, size_of, write_json, write_whole
from schemas.tally import host_of
from transforms.packed import shuffled, unpack, write_sums
from transforms.steps.tokens.pack import PIECE, SPAN, cut_rows, fit_rows, scatter_rows, shuffle_keys
from transforms.units import Heartbeat, Records, UnitFiles, UnitResult, read_units

HALF = np.uint64(32)
COPIES = "Copies"  # label of the shuffle
MOST_IN_SLICE = 50_000  # documents; a trainer evaluates some hundred rows of a slice, ours


@dataclass(frozen=True)
class DocsFile:
    """The docs-*.parquet of one shard.

    shard: its number
    path: of the file
    """

    shard: int
    path: str


@dataclass(frozen=True)
class PlanJob:
    """What every worker needs to know.

    folder: the plan's
    seed: draws the order of the documents
    size: tokens of a row
    packing: one of PACKINGS
    copies: how often documents are seen, by their language or dump, or one number for all
    by: the column that the keys of `copies` are values of, "language" or "dump"
    partitions: number of equal parts of the shuffle, each sorted and packed by one worker at a time
    """

    folder: str
    seed: int
    size: int
    packing: str
    copies: dict[str, float] | float
    by: str
    partitions: int

    def work(self, name: str) -> str:
        return join(self.folder, "work", name)

    @property
    def packing_records(self) -> Records:
        """Records of the partitions whose rows are written."""
        return Records(self.folder, "work/packed")

    @property
    def shuffle_counts(self) -> str:
        return self.work("shuffle_counts.json")

    def sorted_path(self, partition: int) -> str:
        return self.work(f"sorted-{partition:05}.npy")

    def counted_path(self, partition: int) -> str:
        return self.work(f"sorted-{partition:05}.json")


class Shuffle(beam.PTransform):
    """Path of the list of documents' files in; sorted partitions on disk, their numbers out.

    What the shuffle counted is in the job's file `shuffle_counts`.
    """

    def __init__(self, job: PlanJob) -> None:
        super().__init__()
        self._job = job

    def expand(self, input_or_inputs: Any) -> Any:
        files = input_or_inputs | "ReadFiles" >> beam.FlatMap(read_files) | "SpreadFiles" >> beam.Reshuffle()
        partitions, told = shuffled(files, COPIES, ShuffleDocuments(self._job))
        write_sums(told, self._job.shuffle_counts)
        return partitions | "Sort" >> beam.Map(SortPartition(self._job))


def read_files(path: str) -> Iterator[DocsFile]:
    for line in read_units(path):
        yield DocsFile(**line)


@dataclass(frozen=True)
class ShuffleDocuments:
    """A file of documents to the rows and partitions that `shuffled_rows` gives."""

    job: PlanJob

    def __call__(self, file: DocsFile) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        yield shuffled_rows(self.job, file)


def shuffled_rows(job: PlanJob, file: DocsFile) -> tuple[np.ndarray, np.ndarray]:
    """What the shuffle moves of a file of documents: (rows, partition of each row).

    rows: uint64 of shape (copies of documents, 2). The first column has the copy's order within its partition in its
        upper 32 bits and the document's tokens in its lower ones; the second is the position of its first token.
    partitions: int64
    """
    weighed = isinstance(job.copies, dict)
    return rows_of(
        job, file.shard, read_documents(file.path, ["key", "start", "length", *([job.by] if weighed else [])])
    )


def rows_of(job: PlanJob, shard: int, table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """What `shuffled_rows` gives, of a table of documents."""
    keys, starts, lengths = (table.column(name).to_numpy() for name in ("key", "start", "length"))
    indices, order = shuffle_keys(keys, copies_of(job, table), job.seed)
    begins = positions(shard, starts).astype(np.uint64)
    partitions, within = partitions_of(order, job.partitions)
    return np.column_stack(((within << HALF) | lengths[indices].astype(np.uint64), begins[indices])), partitions


def copies_of(job: PlanJob, table: pa.Table) -> np.ndarray:
    """How often each document is seen, float64."""
    if not isinstance(job.copies, dict):
        return np.full(len(table), job.copies)
    names = table.column(job.by).combine_chunks().dictionary_encode()
    known = np.array([job.copies.get(name or "", 0.0) for name in names.dictionary.to_pylist()] + [0.0])
    return known[names.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)]


def partitions_of(order: np.ndarray, partitions: int) -> tuple[np.ndarray, np.ndarray]:
    """The partition of each position in the shuffle, int64, and the order within it, uint64 below 2**32.

    order: positions in the shuffle, uint64; partitions are equal parts of their range
    """
    wide, few = np.uint64(partitions), np.uint64((1 << 32) - 1)
    product = (order >> HALF) * wide + (((order & few) * wide) >> HALF)
    return (product >> HALF).astype(np.int64), product & few


@dataclass(frozen=True)
class SortPartition:
    """A partition's rows to its documents in order, SPAN, or with best fit to its rows, PIECE, numbered from 0."""

    job: PlanJob

    def __call__(self, element: tuple[int, Iterable[bytes]]) -> int:
        partition, buffers = element
        spans = in_order(unpack(buffers))
        counts = {"documents": len(spans), "tokens": int(spans["length"].sum(dtype=np.int64)), "rows": 0}
        if self.job.packing != CONCAT:
            spans = fit_rows(spans, self.job.size)
            counts["rows"] = int(spans["row"][-1]) + 1
        with write_whole(self.job.sorted_path(partition)) as file:
            np.lib.format.write_array(file, spans, allow_pickle=False)
        write_json(self.job.counted_path(partition), counts)
        return partition


def in_order(rows: np.ndarray) -> np.ndarray:
    """SPAN of the documents of rows from `shuffled_rows`, in the order of the shuffle; ties by their position."""
    rows = rows[first_to_last(rows)]
    spans = np.zeros(len(rows), SPAN)
    spans["shard"] = shard_of(rows[:, 1])
    spans["start"] = offset_of(rows[:, 1])
    spans["length"] = rows[:, 0] & np.uint64((1 << 32) - 1)
    return spans


def first_to_last(rows: np.ndarray) -> np.ndarray:
    """Numbers of the rows in the order of the shuffle; ties by their position."""
    return np.lexsort((rows[:, 1], rows[:, 0] >> HALF))


@dataclass(frozen=True)
class PartitionUnit:
    """A partition of the shuffle as a unit of packing.

    name: of the unit
    partition: its number
    tokens_before, rows_before: tokens and rows of the plan before its first document
    window: rows within which its rows are shuffled, so that no copy of a document comes early
    """

    name: str
    partition: int
    tokens_before: int
    rows_before: int
    window: int


class PackRows:
    """One partition to a file of the plan: the rows that begin in it, so that none straddles two files."""

    def __init__(self, job: PlanJob) -> None:
        self._job = job

    def setup(self) -> None:
        return

    def parse(self, line: dict[str, Any]) -> PartitionUnit:
        return PartitionUnit(**line)

    def run(self, unit: PartitionUnit, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        job = self._job
        if job.packing == CONCAT:
            pieces = self._concat(unit.partition, unit.tokens_before)
        else:
            pieces = read_sorted(job, unit.partition)
            pieces["row"] += unit.rows_before
        pieces = scatter_rows(pieces, job.size, job.seed, unit.window)
        if len(pieces):
            files.table(f"rows-{unit.partition:05}.parquet", rows_table(pieces))
        tokens = int(pieces["length"].sum(dtype=np.int64))
        return UnitResult({"rows": len(np.unique(pieces["row"])), "tokens": tokens})

    def close(self) -> None:
        return

    def _concat(self, partition: int, before: int) -> np.ndarray:
        size = self._job.size
        spans = read_sorted(self._job, partition)
        end = before + int(spans["length"].sum(dtype=np.int64))
        first, last = -(-before // size), -(-end // size)
        missing = last * size - end
        return cut_rows(np.concatenate([spans, *heads(self._job, partition + 1, missing)]), before, first, last, size)


def heads(job: PlanJob, partition: int, tokens: int) -> Iterator[np.ndarray]:
    """The first documents, from `partition` on, with at least `tokens` tokens together; all, if there are fewer."""
    for following in range(partition, job.partitions):
        if tokens <= 0:
            return
        spans = read_sorted(job, following)
        needed = int(np.searchsorted(np.cumsum(spans["length"], dtype=np.int64), tokens)) + 1
        yield spans[:needed]
        tokens -= int(spans["length"].sum(dtype=np.int64))


def read_sorted(job: PlanJob, partition: int) -> np.ndarray:
    """What SortPartition wrote; nothing for a partition that no document fell into."""
    path = job.sorted_path(partition)
    if size_of(path) is None:
        return np.zeros(0, SPAN if job.packing == CONCAT else PIECE)
    with open_read(path) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def rows_table(pieces: np.ndarray) -> pa.Table:
    """Pieces of rows as a file of the plan holds them."""
    columns = [pa.array(np.ascontiguousarray(pieces[field.name]), field.type) for field in PLAN_SCHEMA]
    return pa.Table.from_arrays(columns, schema=PLAN_SCHEMA)


# --- Slices of val/ ---------------------------------------------------------------------------------------------------


def members_of_slices(
    languages: pa.ChunkedArray, urls: pa.ChunkedArray, names: Iterable[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """(name, numbers of the documents that are in it, int64) of each slice that has any of some documents."""
    named = dict.fromkeys(names)
    values = languages.combine_chunks().dictionary_encode()
    codes = values.indices.fill_null(len(values.dictionary)).to_numpy(zero_copy_only=False)
    by_language: dict[str, list[int]] = {}
    for code, value in enumerate([*values.dictionary.to_pylist(), None]):
        by_language.setdefault(f"language-{value or 'und'}", []).append(code)
    hosts = {name: code for code, name in enumerate(name for name in named if name.startswith("domain-"))}
    found = (f"domain-{host_of(url or '')}" for url in (urls.to_pylist() if hosts else ()))
    of_hosts = np.fromiter((hosts.get(name, -1) for name in found), np.int64)
    present = set(np.unique(of_hosts).tolist())
    for name in named:
        kind = name.partition("-")[0]
        if kind == "language":
            members = np.flatnonzero(np.isin(codes, by_language.get(name, [])))
        elif kind == "domain":
            members = np.flatnonzero(of_hosts == hosts[name]) if hosts[name] in present else np.zeros(0, np.int64)
        else:
            members = np.arange(len(languages))
        if len(members):
            yield name, members


class SliceRows:
    """The documents of slices: of each those that come first in the shuffle, so that many take no more memory.

    documents: how many there are of each slice, by its name.
    """

    def __init__(self, most: dict[str, int | None]) -> None:
        """most: documents of each slice, by its name; None for all."""
        self._most = most
        self._held: dict[str, list[np.ndarray]] = {name: [] for name in most}
        self._new = dict.fromkeys(most, 0)
        self.documents = dict.fromkeys(most, 0)

    def add(self, rows: np.ndarray, languages: pa.ChunkedArray, urls: pa.ChunkedArray) -> None:
        """rows: of some documents, as `shuffled_rows` gives them for one copy and partition."""
        for name, members in members_of_slices(languages, urls, self._most):
            self.documents[name] += len(members)
            self._held[name].append(rows[members])
            self._new[name] += len(members)
            if (most := self._most[name]) is not None and self._new[name] > most:
                self._held[name], self._new[name] = [self.rows(name)], 0

    def rows(self, name: str) -> np.ndarray:
        """Rows of a slice in the order of the shuffle."""
        rows = np.concatenate([np.zeros((0, 2), np.uint64), *self._held[name]])
        return rows[first_to_last(rows)[: self._most[name]]]

    @property
    def capped(self) -> dict[str, dict[str, int]]:
        """Slices that hold fewer documents than there are, by their names."""
        sizes = {name: (most, self.documents[name]) for name, most in self._most.items() if most is not None}
        return {name: {"documents": most, "of": there} for name, (most, there) in sizes.items() if there > most}


def slice_rows_of(job: PlanJob, files: Iterable[tuple[int, pa.Table]], most: dict[str, int | None]) -> SliceRows:
    """Which documents of val/ are in slices. files: (shard, its documents: key, start, length, language, url)."""
    chosen = SliceRows(most)
    for shard, table in files:
        chosen.add(rows_of(job, shard, table)[0], table.column("language"), table.column("url"))
    return chosen
