"""`bateia plan`: which spans of which documents make which training row; tokens stay where they are."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.engine.output import StageOutput
from pipelines.engine.run import FAILURE, Phases
from pipelines.stages.plan_forecast import cautions
from schemas.faults import BadInput, BrokenRun
from schemas.lease import refuse_written
from schemas.manifest import MANIFEST, FileEntry, Manifest, hash_dataset, read_manifest, versions, write_manifest
from schemas.shards.documents import read_documents
from schemas.shards.layout import CONCAT, PLAN_STAGE, TRAIN, VAL, ShardsInfo, open_shards, plan_folder, shard_number
from schemas.shards.plans import slice_path
from schemas.storage import absolute, join, read_json, remove, remove_folder, size_of, sync_folder_of, write_json
from schemas.wording import plural
from transforms.packed import RECEIVED
from transforms.part_files import write_table
from transforms.plan import (
    COPIES,
    MOST_IN_SLICE,
    DocsFile,
    PackRows,
    PartitionUnit,
    PlanJob,
    Shuffle,
    in_order,
    rows_table,
    slice_rows_of,
)
from transforms.steps.tokens.pack import cut_rows
from transforms.steps.tokens.settings import PlanSettings
from transforms.units import write_units

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
DOCUMENTS_PER_PARTITION = 500_000  # 16 bytes each, sorted by one worker at a time
Slice = tuple[FileEntry, int]  # its file and how many rows


@dataclass(frozen=True)
class PlanRun:
    """A plan of finished shards, as asked for.

    docs: documents' files of both splits.
    """

    shards: ShardsInfo
    docs: tuple[FileEntry, ...]
    settings: PlanSettings

    @property
    def output(self) -> str:
        return plan_folder(self.shards.folder, self.settings.name)

    @property
    def directory(self) -> StageOutput:
        source = [{"path": "../..", "layout_hash": self.shards.layout_hash}]
        return StageOutput(
            self.output, PLAN_STAGE, ("val", "work"), (FAILURE,), self.settings.settings, source, nested=True
        )

    def is_finished(self) -> bool:
        return self.directory.is_finished()

    def finished_differences(self) -> list[tuple[str, Any, Any]]:
        return self.directory.finished_differences()

    def prepare(self, overwrite: bool) -> None:
        if not overwrite and size_of(join(self.output, MANIFEST)) is not None:
            raise BadInput(f"plan {self.output} exists with other settings; choose another --name, or --overwrite it")
        refuse_written(self.shards.folder)
        self.directory.prepare(overwrite)

    def progress_summary(self) -> str:
        return f"nothing of the plan in {join(self.output, MANIFEST)} yet"

    def execute(self, phases: Phases) -> PlanSummary:
        say_cautions(self.shards, list(self.docs), self.settings, phases)
        return PlanSummary(self.settings, make_plan(self.shards, list(self.docs), self.settings, phases))


@dataclass(frozen=True)
class PlanSummary:
    """The result of a run: the plan's counts."""

    settings: PlanSettings
    counts: dict[str, Any]

    def lines(self) -> list[str]:
        return [plan_line(self.settings.name, self.counts, self.settings.context)]


def plan_plan(shards: str, settings: PlanSettings) -> PlanRun:
    """A plan over the shards in a folder. Raises BadInput for unfinished shards, or settings that they can't fulfil."""
    info, docs = shards_and_docs(shards)
    check_plan_settings(info, settings)
    return PlanRun(info, tuple(docs), settings)


def plan_line(name: str, counts: dict[str, Any], context: int) -> str:
    cut = f", {plural(counts['cut'], 'token')} cut" if counts["cut"] else ""
    return (
        f"plan {name}: {plural(counts['documents'], 'document')}, {plural(counts['tokens'], 'token')} "
        f"in {plural(counts['rows'], 'row')} of "
        f"{context:,} + 1{cut}; {len(counts['slices'])} validation slices"
    )


def say_cautions(shards: ShardsInfo, docs: list[FileEntry], settings: PlanSettings, phases: Phases) -> None:
    """What about the plan is rarely meant. Raises BadInput for settings that the shards can't fulfil."""
    for caution in cautions(settings, shards.counts[TRAIN], files_of(shards, docs, TRAIN)):
        phases.progress.note(caution)


def make_plan(shards: ShardsInfo, docs: list[FileEntry], settings: PlanSettings, phases: Phases) -> dict[str, Any]:
    """Shuffle, pack, write; returns the counts of the plan. docs: documents' files of both splits.

    Raises BadInput for settings that the shards can't fulfil, BrokenRun if the numbers don't add up.
    """
    directory = PlanRun(shards, tuple(docs), settings).directory
    if directory.is_finished() and (manifest := read_manifest(directory.output)) is not None:
        remove_folder(join(directory.output, "work"))  # of a run that ended between its manifest and this
        return manifest.counts
    copies = settings.copies(shards.counts[TRAIN])
    train = files_of(shards, docs, TRAIN)
    directory.prepare(overwrite=False)
    folder = directory.output
    planned = expected_documents(shards.counts[TRAIN], settings, copies)
    partitions = max(1, round(planned / DOCUMENTS_PER_PARTITION))
    job = PlanJob(
        absolute(folder), settings.seed, settings.context + 1, settings.packing, copies, settings.by, partitions
    )
    shuffle(job, train, phases)
    sorted_counts = [read_counted(job, partition) for partition in range(partitions)]
    pack(job, phases)
    packed = [job.packing_records.read(partition_name(partition)) for partition in range(partitions)]
    slices = pack_slices(job, shards, files_of(shards, docs, VAL), phases)
    counts = counts_of(sorted_counts, packed, slices)
    check(job, counts)
    entries = [
        *(FileEntry(**file) for item in packed for file in item["files"]),
        *(entry for entry, _ in slices.files.values()),
    ]
    directory.remove_strays(("",), {entry.path for entry in entries})
    write_manifest(folder, manifest_of(shards, settings, counts, entries))
    remove_folder(job.work(""))
    remove(join(folder, FAILURE))
    sync_folder_of(join(folder, FAILURE))  # the shards' manifest may be next, after which nobody looks here again
    return counts


def shards_and_docs(folder: str) -> tuple[ShardsInfo, list[FileEntry]]:
    """Finished shards and their files. Raises BadInput."""
    shards, manifest = open_shards(folder)
    return shards, list(manifest.files)


def check_plan_settings(shards: ShardsInfo, settings: PlanSettings) -> None:
    """Raises BadInput for a name that is no folder's, or a mixture of what is not there."""
    if not NAME.fullmatch(settings.name):
        raise BadInput(f"'{settings.name}' is no name for a plan; use letters, digits, dots, dashes and underscores")
    settings.copies(shards.counts[TRAIN])


def files_of(shards: ShardsInfo, docs: list[FileEntry], split: str) -> list[DocsFile]:
    paths = sorted(file.path for file in docs if file.path.startswith(f"{split}/docs-"))
    return [DocsFile(shard_number(path), join(absolute(shards.folder), path)) for path in paths]


def expected_documents(train: dict[str, Any], settings: PlanSettings, copies: dict[str, float] | float) -> float:
    if not isinstance(copies, dict):
        return copies * train["documents"]
    return sum(times * train[f"{settings.by}s"][name]["documents"] for name, times in copies.items())


def shuffle(job: PlanJob, files: list[DocsFile], phases: Phases) -> None:
    """Deal the documents out to partitions by their keys, and count what arrives.

    Raises BrokenRun if a partition has not written what was sent to it.
    """
    import apache_beam as beam

    done, listed = job.work("shuffled.json"), job.work("files.jsonl")
    if size_of(done) is not None:
        return
    write_units(listed, files)
    counts = phases.run_shuffle(
        "shuffle",
        len(files),
        lambda root: root | beam.Create([listed]) | Shuffle(job),
        job.shuffle_counts,
        {COPIES: len(files)},
    )
    written = sum(read_counted(job, partition)["documents"] for partition in range(job.partitions))
    if written != (sent := counts.get(f"{COPIES}.{RECEIVED}", 0)):
        raise BrokenRun(
            f"the shuffle of {job.folder} has written {written:,} of {plural(sent, 'document')}; the runner lost some, "
            "or this is a defect"
        )
    write_json(done, {"partitions": job.partitions})


def pack(job: PlanJob, phases: Phases) -> None:
    listed, units = job.work("partitions.jsonl"), partition_units(job)
    write_units(listed, units)
    sizes = [(unit.name, 1) for unit in units]
    phases.run_units("pack", listed, PackRows(job), job.packing_records, sizes, "partition")


def partition_units(job: PlanJob) -> list[PartitionUnit]:
    """Every partition of the shuffle with the tokens and rows of the plan before it.

    A document that is seen n times is drawn once in each n-th part of the plan. Rows are shuffled in windows of such a
    part, so that no copy comes early.
    """
    counted = [read_counted(job, partition) for partition in range(job.partitions)]
    whole = sum(item["rows"] or -(-item["tokens"] // job.size) for item in counted)
    max_copies = max(job.copies.values()) if isinstance(job.copies, dict) else job.copies
    window = max(1, whole // max(1, math.ceil(max_copies)))
    units, tokens, rows = [], 0, 0
    for partition, item in enumerate(counted):
        units.append(PartitionUnit(partition_name(partition), partition, tokens, rows, window))
        tokens, rows = tokens + item["tokens"], rows + item["rows"]
    return units


def partition_name(partition: int) -> str:
    return f"{partition:05}"


def read_counted(job: PlanJob, partition: int) -> dict[str, int]:
    if size_of(path := job.counted_path(partition)) is None:
        return {"documents": 0, "tokens": 0, "rows": 0}  # no document fell into it
    return read_json(path)


def pack_slices(job: PlanJob, shards: ShardsInfo, files: list[DocsFile], phases: Phases) -> PackedSlices:
    """Every slice of val/ that has documents, concatenated in the order of a shuffle; of many, the first ones."""
    if not files:
        return PackedSlices({}, {})
    packed = PackedSlices({}, {})
    phases.run_locally("slices", lambda: packed.pack(job, list(shards.slices), files))
    for name, item in packed.capped.items():
        phases.progress.note(
            f"validation slice {name} holds {plural(item['documents'], 'document')} of {item['of']:,}, those that a "
            "hash puts first; more would tell a training nothing more"
        )
    return packed


@dataclass
class PackedSlices:
    """Slices of val/.

    files: by their names.
    capped: documents in those that have not all of theirs, and how many there are.
    """

    files: dict[str, Slice]
    capped: dict[str, dict[str, int]]

    def pack(self, job: PlanJob, names: list[str], files: list[DocsFile]) -> None:
        """files: documents of val/, of which one at a time is in memory."""
        once = PlanJob(job.folder, job.seed, job.size, CONCAT, 1.0, job.by, 1)
        columns = ["key", "start", "length", "language", "url"]
        tables = ((file.shard, read_documents(file.path, columns)) for file in files)
        chosen = slice_rows_of(once, tables, dict.fromkeys(names, MOST_IN_SLICE))
        self.capped = chosen.capped
        for name in names:
            spans = in_order(chosen.rows(name))
            total = int(spans["length"].sum(dtype=np.int64))
            pieces = cut_rows(spans, 0, 0, -(-total // job.size), job.size)
            self.files[name] = write_table(job.folder, slice_path(name), rows_table(pieces)), -(-total // job.size)


def counts_of(documents: list[dict[str, int]], packed: list[dict[str, Any]], slices: PackedSlices) -> dict[str, Any]:
    """Counts of a plan, as its manifest has them.

    documents: in the rows, each copy counted.
    cut: tokens that best-fit packing left out.
    slices: rows of each slice of val/.
    capped: slices that have not all of their documents, if there are any.
    parts: files of rows, in order.
    """
    tokens = sum(item["tally"]["tokens"] for item in packed)
    return {
        "documents": sum(item["documents"] for item in documents),
        "rows": sum(item["tally"]["rows"] for item in packed),
        "tokens": tokens,
        "cut": sum(item["tokens"] for item in documents) - tokens,
        "slices": {name: rows for name, (_, rows) in slices.files.items()},
        **({"capped": slices.capped} if slices.capped else {}),
        "parts": list(parts_of(packed)),
    }


def parts_of(packed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    first = 0
    for item in packed:
        for file in item["files"]:
            yield {"path": file["path"], "first_row": first, "rows": item["tally"]["rows"]}
        first += item["tally"]["rows"]


def check(job: PlanJob, counts: dict[str, Any]) -> None:
    rows = -(-counts["tokens"] // job.size)
    if job.packing == CONCAT and (counts["cut"] or counts["rows"] != rows):
        raise BrokenRun(
            f"the rows of {job.folder} do not add up: {plural(counts['tokens'], 'token')} "
            f"in {plural(counts['rows'], 'row')}, {plural(counts['cut'], 'token')} lost; "
            "this is a defect, please report it"
        )
    if not counts["rows"]:
        raise BadInput("the plan would have no rows: --mixture or --tokens leaves no document to train on")


def manifest_of(
    shards: ShardsInfo, settings: PlanSettings, counts: dict[str, Any], entries: list[FileEntry]
) -> Manifest:
    own = {"layout_hash": shards.layout_hash, "tokenizer_sha256": shards.tokenizer_sha256}
    packages = versions(("bateia", "numpy", "pyarrow"))
    files = tuple(sorted(entries, key=lambda file: file.path))
    source = [{"layout_hash": shards.layout_hash}]
    return Manifest(PLAN_STAGE, settings.settings | own, packages, source, counts, files, hash_dataset(files))
