"""Star graphs to clusters: which documents survive, written by cluster for people and by part for the removal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa

from schemas.corpus import CLUSTER_SCHEMA
from schemas.storage import write_json
from transforms.dedup.components import read_stars, star_files
from transforms.dedup.signatures import DedupWorkdir, SignatureFile, ordinals_of, read_signature_files, rows_of
from transforms.packed import (
    RECEIVED,
    SENT,
    counted,
    grouped,
    partition_of,
    shuffled,
    unpack,
    with_counts,
    write_sums,
)
from transforms.part_files import write_table
from transforms.steps.dedup.survivors import MEMBER_SCHEMA, choose_survivors

STARS, MEMBERS, DECISIONS = "Stars", "Members", "Decisions"  # labels of shuffles
ROOTS = "roots"  # counted: clusters, those of an earlier corpus too
DECISION_COLUMNS = ("kept", "cluster_id", "cluster_size", "match", "survivor_url", "earlier")
ORDER = [(name, "ascending") for name in ("cluster_id", "dump", "id", "url")]


class ChooseSurvivors(beam.PTransform):
    """Folder of star graphs in; clusters/*.parquet out, and one list of decisions for each part that has any.

    What every shuffle counted is in the JSON file `counts`.
    """

    def __init__(self, output: str, keep: str, partitions: int, counts: str) -> None:
        super().__init__()
        self._output, self._keep, self._partitions, self._counts = output, keep, partitions, counts

    def expand(self, input_or_inputs: Any) -> Any:
        workdir = DedupWorkdir(self._output)
        files = input_or_inputs | "ListStars" >> beam.FlatMap(star_files) | "SpreadStars" >> beam.Reshuffle()
        parts, told = shuffled(files, STARS, stars_by_part)
        members, sent = with_counts(parts, "Describe", DescribeMembers(workdir, self._partitions))
        chosen = ChooseInPartition(self._output, self._keep)
        decided, between = with_counts(grouped(members, MEMBERS), "Choose", chosen)
        written, received = with_counts(grouped(decided, DECISIONS), "WriteDecisions", WriteDecisions(workdir))
        write_sums((*told, sent, between, received), self._counts)
        return written


def stars_by_part(path: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows (node, root) to the parts of their nodes. A root is in its own cluster too."""
    stars = read_stars(path)
    roots = np.unique(stars[:, 1])
    rows = np.concatenate([stars, np.column_stack([roots, roots])])
    yield rows, ordinals_of(rows[:, 0])


class DescribeMembers(beam.DoFn):
    """A part's rows (node, root) and its signature file to tables of members, each to its cluster's partition."""

    def __init__(self, workdir: DedupWorkdir, partitions: int) -> None:
        self._workdir, self._partitions = workdir, partitions

    def setup(self) -> None:
        self._files = {file.ordinal: file for file in read_signature_files(self._workdir.signature_files)}

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[Any]:
        ordinal, buffers = element
        stars = np.unique(unpack(buffers), axis=0)
        members = members_of(self._files[ordinal], stars)
        partitions = partition_of(stars[:, 1], self._partitions)
        for partition in np.unique(partitions).tolist():
            yield partition, to_bytes(members.filter(pa.array(partitions == partition)))
        yield from counted({f"{MEMBERS}.{SENT}": len(members)})


def members_of(file: SignatureFile, stars: np.ndarray) -> pa.Table:
    """Rows of MEMBER_SCHEMA. stars: (node, root) of this file's documents, sorted by node."""
    columns = ["id", "url", "dump", "chars", "exact", *(["kept"] if file.earlier else [])]
    table = file.read(columns).take(pa.array(rows_of(stars[:, 0])))
    described: dict[str, Any] = {name: table.column(name) for name in columns}
    described |= {"root": pa.array(stars[:, 1]), "node": pa.array(stars[:, 0])}
    described["earlier"] = pa.array(np.full(len(stars), file.earlier))
    described.setdefault("kept", pa.array(np.zeros(len(stars), bool)))
    return pa.table({name: described[name] for name in MEMBER_SCHEMA.names}).cast(MEMBER_SCHEMA)


class ChooseInPartition(beam.DoFn):
    """All members of a partition's clusters to its file of clusters/, and to decisions by part."""

    def __init__(self, output: str, keep: str) -> None:
        self._output, self._keep = output, keep

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[Any]:
        partition, buffers = element
        members = pa.concat_tables(map(from_bytes, buffers))
        chosen = choose_survivors(members, self._keep)  # without clusters that are an earlier corpus' alone
        name = f"clusters/part-{partition:05}.parquet"
        clusters = chosen.select(CLUSTER_SCHEMA.names).cast(CLUSTER_SCHEMA)
        entry = write_table(self._output, name, clusters.sort_by(ORDER))
        record = {"files": [asdict(entry)], **counts_of(clusters)}
        write_json(DedupWorkdir(self._output).path("clusters", f"{partition:05}.json"), record)
        ordinals = ordinals_of(chosen.column("node").to_numpy())
        kept = pa.array(chosen.column("match").is_null().to_numpy())
        decisions = chosen.append_column("kept", kept).select(["node", *DECISION_COLUMNS])
        for ordinal in np.unique(ordinals).tolist():
            yield ordinal, to_bytes(decisions.filter(pa.array(ordinals == ordinal)))
        yield from counted({f"{MEMBERS}.{RECEIVED}": len(members), f"{DECISIONS}.{SENT}": len(decisions)})
        yield from counted({ROOTS: len(members.column("root").unique())})


def counts_of(clusters: pa.Table) -> dict[str, int]:
    """Of one partition: its clusters, and the documents removed."""
    match = clusters.column("match")
    removed = match.is_valid().to_numpy()
    return {
        "clusters": len(clusters.column("cluster_id").unique()),
        "removed": int(removed.sum()),
        "exact": int((match.to_numpy(zero_copy_only=False) == "exact").sum()),
        "earlier": int((clusters.column("earlier").to_numpy() & removed).sum()),
    }


class WriteDecisions(beam.DoFn):
    """A part's decisions, sorted by row, to a list that only this part reads."""

    def __init__(self, workdir: DedupWorkdir) -> None:
        self._workdir = workdir

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[Any]:
        ordinal, buffers = element
        table = pa.concat_tables(map(from_bytes, buffers)).sort_by("node")
        table = table.append_column("row", pa.array(rows_of(table.column("node").to_numpy())))
        folder, _, name = self._workdir.decisions(ordinal).rpartition("/")
        write_table(folder, name, table.select(["row", *DECISION_COLUMNS]))
        yield ordinal
        yield from counted({f"{DECISIONS}.{RECEIVED}": len(table)})


def to_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def from_bytes(data: bytes) -> pa.Table:
    with pa.ipc.open_stream(data) as reader:
        return reader.read_all()
