"""A seeded global shuffle of documents into training rows. What shuffles is 16 bytes a document, packed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.shards import CONCAT, PLAN_SCHEMA
from schemas.storage import join, locate, open_read, size_of, write_json, write_whole
from transforms.packed import Pack, grouped, unpack
from transforms.part_files import write_table
from transforms.sources import NO_FOLDERS, read_lines
from transforms.steps.row_packing import PIECE, SPAN, cut_rows, fit_rows, scatter_rows, shuffle_keys

HALF = np.uint64(32)
SHARD_BITS = np.uint64(40)  # where a span begins is one number: (shard << 40) + token


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


class PackRows(beam.PTransform):
    """Path of the list of partitions in; the plan's files on disk, their numbers out."""

    def __init__(self, job: PlanJob) -> None:
        super().__init__()
        self._job = job

    def expand(self, input_or_inputs: Any) -> Any:
        listed = input_or_inputs | "ReadPartitions" >> beam.FlatMap(read_lines) | "Spread" >> beam.Reshuffle()
        return listed | "Pack" >> beam.Map(PackPartition(self._job))


def read_files(path: str) -> Iterator[DocsFile]:
    for line in read_lines(path):
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
    table = read_docs(file.path, ["key", "start", "length", *([job.by] if weighed else [])])
    keys, starts, lengths = (table.column(name).to_numpy() for name in ("key", "start", "length"))
    found, places = shuffle_keys(keys, copies_of(job, table), job.seed)
    begins = (np.uint64(file.shard) << SHARD_BITS) + starts.astype(np.uint64)
    partitions, within = partitions_of(places, job.partitions)
    return np.column_stack(((within << HALF) | lengths[found].astype(np.uint64), begins[found])), partitions


def copies_of(job: PlanJob, table: pa.Table) -> np.ndarray:
    """How often each document is seen, float64."""
    if not isinstance(job.copies, dict):
        return np.full(len(table), job.copies)
    names = table.column(job.by).combine_chunks().dictionary_encode()
    known = np.array([job.copies.get(name or "", 0.0) for name in names.dictionary.to_pylist()] + [0.0])
    return known[names.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)]


def read_docs(path: str, columns: list[str]) -> pa.Table:
    filesystem, name = locate(path)
    return pq.read_table(name, columns=columns, filesystem=filesystem, partitioning=NO_FOLDERS)


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
    spans["shard"] = rows[:, 1] >> SHARD_BITS
    spans["start"] = rows[:, 1] & ((np.uint64(1) << SHARD_BITS) - np.uint64(1))
    spans["length"] = rows[:, 0] & np.uint64((1 << 32) - 1)
    return spans


@dataclass(frozen=True)
class PackPartition:
    """A partition to a file of the plan: the rows that begin in it, so that none straddles two files."""

    job: PlanJob

    def __call__(self, element: dict[str, Any]) -> int:
        job, partition = self.job, element["partition"]
        if job.packing == CONCAT:
            pieces = self._concat(partition, element["tokens_before"])
        else:
            pieces = read_sorted(job, partition)
            pieces["row"] += element["rows_before"]
        pieces = scatter_rows(pieces, job.size, job.seed, element["window"])
        entry = write_rows(job.folder, f"rows-{partition:05}.parquet", pieces)
        counts = {
            "rows": len(np.unique(pieces["row"])),
            "tokens": int(pieces["length"].sum(dtype=np.int64)),
            "file": asdict(entry),
        }
        write_json(job.work(f"packed-{partition:05}.json"), counts)
        return partition

    def _concat(self, partition: int, before: int) -> np.ndarray:
        size = self.job.size
        spans = read_sorted(self.job, partition)
        end = before + int(spans["length"].sum(dtype=np.int64))
        first, last = -(-before // size), -(-end // size)
        missing = last * size - end
        return cut_rows(np.concatenate([spans, *heads(self.job, partition + 1, missing)]), before, first, last, size)


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


def write_rows(folder: str, name: str, pieces: np.ndarray) -> Any:
    """Pieces as a file of the plan; returns its FileEntry."""
    columns = [pa.array(np.ascontiguousarray(pieces[field.name]), field.type) for field in PLAN_SCHEMA]
    return write_table(folder, name, pa.Table.from_arrays(columns, schema=PLAN_SCHEMA))
