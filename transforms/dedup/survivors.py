"""Star graphs to clusters: which documents survive, written by cluster for people and by part for the removal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa

from schemas.corpus import CLUSTER_SCHEMA, VERIFIED_CLUSTER_SCHEMA
from schemas.storage import write_json, write_whole
from transforms.dedup.components import read_stars, star_files
from transforms.dedup.runs import places_of, read_runs
from transforms.dedup.signatures import DedupWorkdir, SignatureFile, SignatureList, ordinals_of, rows_of
from transforms.packed import (
    RECEIVED,
    SENT,
    Count,
    counted,
    grouped,
    partition_of,
    shuffled,
    unpack,
    with_counts,
    write_sums,
)
from transforms.part_files import write_table
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.dedup.survivors import MEMBER_SCHEMA, choose_survivors
from transforms.steps.dedup.verified import (
    VERIFIED_SCHEMA,
    describe_verified,
    in_survival_order,
    nodes_to_compare,
    verify_members,
)

STARS, MEMBERS, DECISIONS, TEXTS = "Stars", "Members", "Decisions", "Texts"  # labels of shuffles
ROOTS = "roots"  # counted: clusters, those of an earlier corpus too
DECISION_COLUMNS = ("kept", "cluster_id", "cluster_size", "match", "survivor_url", "earlier")
ORDER = [(name, "ascending") for name in ("cluster_id", "dump", "id", "url")]


class ListTexts(beam.PTransform):
    """Folder of star graphs in; for each part, a list of the documents out whose text is to be compared.

    What every shuffle counted is in the JSON file `counts`.
    """

    def __init__(self, output: str, settings: Deduplicate, partitions: int, counts: str) -> None:
        super().__init__()
        self._workdir, self._keep, self._partitions, self._counts = (
            DedupWorkdir(output),
            settings.keep,
            partitions,
            counts,
        )

    def expand(self, input_or_inputs: Any) -> Any:
        members, told = members_by_cluster(input_or_inputs, DescribeMembers(self._workdir, self._partitions))
        received = members | "CountMembers" >> beam.FlatMap(count_members)
        listed, between = shuffled(members, TEXTS, Different(self._keep))
        write_sums((*told, received, *between), self._counts)
        return listed | "WriteList" >> beam.Map(WriteToCompare(self._workdir))


class ChooseSurvivors(beam.PTransform):
    """Folder of star graphs in; clusters/*.parquet out, and one list of decisions for each part that has any.

    What every shuffle counted is in the JSON file `counts`.
    """

    def __init__(self, output: str, settings: Deduplicate, partitions: int, counts: str) -> None:
        super().__init__()
        self._output, self._settings, self._partitions, self._counts = output, settings, partitions, counts

    def expand(self, input_or_inputs: Any) -> Any:
        workdir = DedupWorkdir(self._output)
        describe = DescribeMembers(workdir, self._partitions, self._settings.verified)
        members, told = members_by_cluster(input_or_inputs, describe)
        decided, between = with_counts(members, "Choose", ChooseInPartition(self._output, self._settings))
        written, received = with_counts(grouped(decided, DECISIONS), "WriteDecisions", WriteDecisions(workdir))
        write_sums((*told, between, received), self._counts)
        return written


def members_by_cluster(stars_folder: Any, describe: DescribeMembers) -> tuple[Any, tuple[Any, ...]]:
    """Folder of star graphs to tables of members, grouped by the partitions of their clusters.

    With it come collections of what was counted on the way; whoever takes the tables counts what is received.
    """
    files = stars_folder | "ListStars" >> beam.FlatMap(star_files) | "SpreadStars" >> beam.Reshuffle()
    parts, told = shuffled(files, STARS, stars_by_part)
    members, sent = with_counts(parts, "Describe", describe)
    return grouped(members, MEMBERS), (*told, sent)


def stars_by_part(path: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows (node, root) to the parts of their nodes. A root is in its own cluster too."""
    stars = read_stars(path)
    roots = np.unique(stars[:, 1])
    rows = np.concatenate([stars, np.column_stack([roots, roots])])
    yield rows, ordinals_of(rows[:, 0])


class DescribeMembers(beam.DoFn):
    """A part's rows (node, root) and its signature file to tables of members, each to its cluster's partition."""

    def __init__(self, workdir: DedupWorkdir, partitions: int, with_runs: bool = False) -> None:
        """with_runs: for rows of VERIFIED_SCHEMA instead of MEMBER_SCHEMA."""
        self._workdir, self._partitions, self._with_runs = workdir, partitions, with_runs

    def setup(self) -> None:
        self._files = SignatureList(self._workdir.signature_files)

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[Any]:
        ordinal, buffers = element
        stars = np.unique(unpack(buffers), axis=0)
        members = members_of(self._files[ordinal], stars)
        if self._with_runs:
            members = with_runs(members, self._files[ordinal], self._workdir)
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


def with_runs(members: pa.Table, file: SignatureFile, workdir: DedupWorkdir) -> pa.Table:
    """Rows of VERIFIED_SCHEMA."""
    nodes = members.column("node").to_numpy()
    bands = file.read(["bands"]).column("bands").take(pa.array(rows_of(nodes)))
    lines = file.lines().take(pa.array(rows_of(nodes)))
    start, runs = places_of(workdir, file.ordinal, nodes)
    for name, column in (("bands", bands), ("lines", lines), ("start", pa.array(start)), ("runs", pa.array(runs))):
        members = members.append_column(name, column)
    return members.cast(VERIFIED_SCHEMA)


def without_removed(members: pa.Table) -> pa.Table:
    """Members but those that an earlier corpus removed: these can neither go nor stand for another."""
    earlier, kept = (members.column(name).to_numpy() for name in ("earlier", "kept"))
    return members.filter(pa.array(~earlier | kept))


class Different:
    """All members of a partition's clusters to rows (node, root) of those whose text is to be compared, by part."""

    def __init__(self, keep: str) -> None:
        self._keep = keep

    def __call__(self, element: tuple[int, Iterable[bytes]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        members = without_removed(pa.concat_tables(map(from_bytes, element[1])))
        rows = nodes_to_compare(members, self._keep)
        yield rows, ordinals_of(rows[:, 0])


class WriteToCompare:
    """A part's rows (node, root) to its list."""

    def __init__(self, workdir: DedupWorkdir) -> None:
        self._workdir = workdir

    def __call__(self, element: tuple[int, Iterable[bytes]]) -> int:
        ordinal, buffers = element
        rows = np.unique(unpack(buffers), axis=0)
        with write_whole(self._workdir.to_compare(ordinal)) as file:
            file.write(np.ascontiguousarray(rows, "<u8").tobytes())
        return ordinal


class ChooseInPartition(beam.DoFn):
    """All members of a partition's clusters to its file of clusters/, and to decisions by part."""

    def __init__(self, output: str, settings: Deduplicate) -> None:
        self._output, self._settings = output, settings

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[Any]:
        partition, buffers = element
        members = pa.concat_tables(map(from_bytes, buffers))
        schema, more = CLUSTER_SCHEMA, ()
        if self._settings.verified:
            schema, more = VERIFIED_CLUSTER_SCHEMA, ("contained",)
            chosen = self._verified(members)
        else:
            chosen = choose_survivors(members, self._settings.keep)  # without clusters of an earlier corpus alone
        name = f"clusters/part-{partition:05}.parquet"
        clusters = chosen.select(schema.names).cast(schema)
        entry = write_table(self._output, name, clusters.sort_by(ORDER))
        record = {"files": [asdict(entry)], **counts_of(clusters)}
        write_json(DedupWorkdir(self._output).path("clusters", f"{partition:05}.json"), record)
        ordinals = ordinals_of(chosen.column("node").to_numpy())
        kept = pa.array(chosen.column("match").is_null().to_numpy())
        decisions = chosen.append_column("kept", kept).select(["node", *DECISION_COLUMNS, *more])
        for ordinal in np.unique(ordinals).tolist():
            yield ordinal, to_bytes(decisions.filter(pa.array(ordinals == ordinal)))
        yield from counted({**counts_of_members(members), f"{DECISIONS}.{SENT}": len(decisions)})

    def _verified(self, members: pa.Table) -> pa.Table:
        members = in_survival_order(without_removed(members), self._settings.keep)
        workdir = DedupWorkdir(self._output)
        ordinals = ordinals_of(members.column("node").to_numpy())
        starts, counts = (members.column(name).to_numpy() for name in ("start", "runs"))

        def read(indices: np.ndarray) -> list[np.ndarray]:
            return read_runs(workdir, ordinals[indices], starts[indices], counts[indices])

        verdicts = verify_members(members, self._settings.min_contained, read)
        described = describe_verified(members, verdicts)
        # One that nothing led to another that stays is as it would be without its cluster.
        told = described.column("cluster_size").to_numpy() > 1
        return described.filter(pa.array(told | described.column("contained").is_valid().to_numpy()))


def counts_of(clusters: pa.Table) -> dict[str, int]:
    """Of one partition: its clusters, the documents removed, and those that were compared and stay."""
    match = clusters.column("match")
    removed = match.is_valid().to_numpy()
    compared = clusters.column("contained").is_valid().to_numpy() if "contained" in clusters.column_names else removed
    return {
        "clusters": len(clusters.column("cluster_id").drop_null().unique()),
        "unlike": int((compared & ~removed).sum()),
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
        write_table(folder, name, table.select(["row", *(c for c in table.column_names if c not in ("node", "row"))]))
        yield ordinal
        yield from counted({f"{DECISIONS}.{RECEIVED}": len(table)})


def count_members(element: tuple[int, Iterable[bytes]]) -> Iterator[Count]:
    yield from counts_of_members(pa.concat_tables(map(from_bytes, element[1]))).items()


def counts_of_members(members: pa.Table) -> dict[str, int]:
    """Of one partition, as it was received."""
    return {f"{MEMBERS}.{RECEIVED}": len(members), ROOTS: len(members.column("root").unique())}


def to_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def from_bytes(data: bytes) -> pa.Table:
    with pa.ipc.open_stream(data) as reader:
        return reader.read_all()
