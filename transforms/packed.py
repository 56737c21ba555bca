"""How rows shuffle: as one numpy buffer for each partition and bundle, not as one element for each row.

An element costs 6 to 50 microseconds and hundreds of bytes in Beam's Python SDK; a row in a buffer costs its 16 bytes.
Buffers arrive in any order: whoever receives a partition sorts it.

Every shuffle counts what was sent and what was received, and from how many elements: a runner may lose bundles without
a word, and from nothing anything can be proved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam import pvalue
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from schemas.storage import write_json
from transforms.steps.text.hashes import mix

ROW = np.dtype("<u8")
FLUSH_BYTES = 32 << 20  # rows held by one worker before they are handed on

KeyedBuffer = tuple[int, bytes]  # a partition's number, and rows of it
Count = tuple[str, int]  # what is counted, and how many
COUNTS = "counts"  # tag of the outputs that are Count
ELEMENTS, SENT, RECEIVED = "elements", "sent", "received"  # what is counted of a shuffle, behind its label and a dot


def partition_of(values: np.ndarray, partitions: int) -> np.ndarray:
    """Which partition a uint64 belongs to. Consecutive values are spread over partitions."""
    return (mix(values) % np.uint64(partitions)).astype(np.int64)


def unpack(buffers: Iterable[bytes], width: int = 2) -> np.ndarray:
    """All rows of some buffers: uint64 of shape (rows, width)."""
    return np.frombuffer(b"".join(buffers), ROW).reshape(-1, width)


def split(rows: np.ndarray, partitions: np.ndarray) -> Iterator[KeyedBuffer]:
    """(partition, buffer of its rows) for every partition that has any."""
    if not len(rows):
        return
    order = np.argsort(partitions, kind="stable")
    rows, partitions = np.ascontiguousarray(rows[order], ROW), partitions[order]
    starts = np.flatnonzero(np.concatenate(([True], partitions[1:] != partitions[:-1])))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(rows)], strict=True):
        yield int(partitions[start]), rows[start:end].tobytes()


class Pack(beam.DoFn):
    """Elements to packed rows: `rows_of(element)` gives pairs (rows, partition of each), gathered over a bundle.

    What is counted is told at each element, not at the bundle's end with the rows: so one of them shows the other's
    loss.
    """

    def __init__(self, rows_of: Callable[[Any], Iterable[tuple[np.ndarray, np.ndarray]]], label: str) -> None:
        """label: of the shuffle."""
        self._rows_of, self._label = rows_of, label

    def start_bundle(self) -> None:
        self._held: list[tuple[np.ndarray, np.ndarray]] = []
        self._bytes = 0

    def process(self, element: Any) -> Iterator[Any]:
        sent = 0
        for rows, partitions in self._rows_of(element):
            self._held.append((rows, partitions))
            self._bytes += rows.nbytes + partitions.nbytes
            sent += len(rows)
            if self._bytes >= FLUSH_BYTES:
                yield from self._flush()
        yield from counted({f"{self._label}.{ELEMENTS}": 1, f"{self._label}.{SENT}": sent})

    def finish_bundle(self) -> Any:
        for keyed_buffer in self._flush():
            yield WindowedValue(keyed_buffer, GlobalWindow().max_timestamp(), (GlobalWindow(),))

    def _flush(self) -> Iterator[KeyedBuffer]:
        held, self._held, self._bytes = self._held, [], 0
        if held:
            yield from split(
                np.concatenate([rows for rows, _ in held]), np.concatenate([partitions for _, partitions in held])
            )


def counted(counts: dict[str, int]) -> Iterator[Any]:
    """Counts as outputs of a DoFn beside its main one."""
    for count in counts.items():
        yield pvalue.TaggedOutput(COUNTS, count)


def with_counts(collection: Any, label: str, work: beam.DoFn) -> tuple[Any, Any]:
    """The outputs of a DoFn, and what it counts."""
    outputs = collection | label >> beam.ParDo(work).with_outputs(COUNTS, main="rows")
    return outputs["rows"], outputs[COUNTS]


def shuffled(
    elements: Any, label: str, rows_of: Callable[[Any], Iterable[tuple[np.ndarray, np.ndarray]]]
) -> tuple[Any, tuple[Any, Any]]:
    """Rows of elements, packed and grouped by partition; and two collections of what was counted on the way."""
    rows, sent = with_counts(elements, f"Pack{label}", Pack(rows_of, label))
    groups, received = counted_groups(rows, label)
    return groups, (sent, received)


def counted_groups(rows: Any, label: str) -> tuple[Any, Any]:
    """Packed buffers grouped by partition, and how many rows came."""
    groups = grouped(rows, label)
    return groups, groups | f"Count{label}" >> beam.Map(count_received, f"{label}.{RECEIVED}")


def grouped(rows: Any, label: str) -> Any:
    """Group packed buffers by partition."""
    return rows | label >> beam.GroupByKey()


def count_received(element: tuple[int, Iterable[bytes]], name: str) -> Count:
    return name, sum(len(buffer) for buffer in element[1]) // (2 * ROW.itemsize)


def write_sums(collections: Iterable[Any], path: str) -> Any:
    """Collections of Count to their sums, by name, in a JSON file."""
    counts = tuple(collections) | "Counts" >> beam.Flatten()
    return counts | "SumCounts" >> beam.CombineGlobally(SumByName()) | "WriteCounts" >> beam.Map(write_counts, path)


class SumByName(beam.CombineFn):
    """Counts to their sums by name, at once: a sum for each key and then a table of them would be one shuffle more."""

    def create_accumulator(self) -> dict[str, int]:
        return {}

    def add_input(self, mutable_accumulator: dict[str, int], element: Count) -> dict[str, int]:
        name, count = element
        mutable_accumulator[name] = mutable_accumulator.get(name, 0) + count
        return mutable_accumulator

    def merge_accumulators(self, accumulators: Iterable[dict[str, int]]) -> dict[str, int]:
        merged = self.create_accumulator()
        for accumulator in accumulators:
            for count in accumulator.items():
                self.add_input(merged, count)
        return merged

    def extract_output(self, accumulator: dict[str, int]) -> dict[str, int]:
        return accumulator


def write_counts(counts: dict[str, int], path: str) -> None:
    write_json(path, counts)


def lost_rows(counts: dict[str, int], elements: dict[str, int]) -> list[str]:
    """What a runner lost, a line for each shuffle, by the counts of its run.

    elements: how many elements each shuffle has, by its label; for others, what came is taken for all.
    """
    labels = {name.rpartition(".")[0] for name in counts if name.endswith((f".{SENT}", f".{RECEIVED}"))}
    faults = []
    for label in sorted({*labels, *elements}):
        came, sent, received = (counts.get(f"{label}.{name}", 0) for name in (ELEMENTS, SENT, RECEIVED))
        if came != elements.get(label, came):
            faults.append(f"{label}: {came:,} of {elements[label]:,} inputs were read")
        if sent != received:
            faults.append(f"{label}: {sent:,} rows were sent and {received:,} received")
    return faults
