"""A seeded global shuffle of documents into training rows. What shuffles is 16 bytes a document, packed."""

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
from transforms.packed import Pack, grouped, unpack
from transforms.steps.tokens.pack import PIECE, SPAN, cut_rows, fit_rows, scatter_rows, shuffle_keys
from transforms.units import Heartbeat, Records, UnitFiles, UnitResult, read_units

HALF = np.uint64(32)


@dataclass(frozen=True)
class DocsFile:
    """Documents of one shard. split: of which."""

    shard: int
    path: str


@dataclass(frozen=True)
class PlanJob:
    """What every worker needs to know.

    folder: the plan's. size: tokens of a row. copies: how often documents are seen, by their `by` (language or dump),
    or one number for all. partitions: stretches of the shuffle, each sorted and packed by one worker at a time.
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

    def sorted_path(self, partition: int) -> str:
        return self.work(f"sorted-{partition:05}.npy")

    def counted_path(self, partition: int) -> str:
        return self.work(f"sorted-{partition:05}.json")


class Shuffle(beam.PTransform):
    """Path of the list of documents' files in; sorted partitions on disk, their numbers out."""

    def __init__(self, job: PlanJob) -> None:
        super().__init__()
        self._job = job

    def expand(self, input_or_inputs: Any) -> Any:
        files = input_or_inputs | "ReadFiles" >> beam.FlatMap(read_files) | "SpreadFiles" >> beam.Reshuffle()
        placed = files | "Place" >> beam.ParDo(Pack(PlaceDocuments(self._job)))
        return grouped(placed, "Partitions") | "Sort" >> beam.Map(SortPartition(self._job))


def read_files(path: str) -> Iterator[DocsFile]:
    for line in read_units(path):
        yield DocsFile(**line)


@dataclass(frozen=True)
class PlaceDocuments:
    """A file of documents to rows (place in its partition and length, where it begins), and their partitions."""

    job: PlanJob

    def __call__(self, file: DocsFile) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        yield placed(self.job, file)


def placed(job: PlanJob, file: DocsFile) -> tuple[np.ndarray, np.ndarray]:
    """uint64 of shape (documents, 2): place in its partition and length, where it begins; and int64 partitions."""
    weighed = isinstance(job.copies, dict)
    table = read_documents(file.path, ["key", "start", "length", *([job.by] if weighed else [])])
    keys, starts, lengths = (table.column(name).to_numpy() for name in ("key", "start", "length"))
    found, places = shuffle_keys(keys, copies_of(job, table), job.seed)
    begins = positions(file.shard, starts).astype(np.uint64)
    partitions, within = partitions_of(places, job.partitions)
    return np.column_stack(((within << HALF) | lengths[found].astype(np.uint64), begins[found])), partitions


def copies_of(job: PlanJob, table: pa.Table) -> np.ndarray:
    """How often each document is seen, float64."""
    if not isinstance(job.copies, dict):
        return np.full(len(table), job.copies)
    names = table.column(job.by).combine_chunks().dictionary_encode()
    known = np.array([job.copies.get(name or "", 0.0) for name in names.dictionary.to_pylist()] + [0.0])
    return known[names.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)]


def partitions_of(places: np.ndarray, partitions: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of equal stretches of the shuffle a place is in, int64, and where in it, uint64 below 2**32."""
    wide, few = np.uint64(partitions), np.uint64((1 << 32) - 1)
    product = (places >> HALF) * wide + (((places & few) * wide) >> HALF)
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
    """SPAN of a partition's rows as `placed` makes them, sorted by place; ties by where they are."""
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0] >> HALF))]
    spans = np.zeros(len(rows), SPAN)
    spans["shard"] = shard_of(rows[:, 1])
    spans["start"] = offset_of(rows[:, 1])
    spans["length"] = rows[:, 0] & np.uint64((1 << 32) - 1)
    return spans


@dataclass(frozen=True)
class Stretch:
    """A partition of the shuffle as a unit of packing.

    tokens_before, rows_before: what stands before it in the plan.
    window: rows within which its rows are shuffled, so that no copy of a document comes early.
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

    def parse(self, line: dict[str, Any]) -> Stretch:
        return Stretch(**line)

    def run(self, unit: Stretch, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
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
    """The first documents from a partition on that hold so many tokens, or all that follow."""
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
