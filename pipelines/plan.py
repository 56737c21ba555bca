"""`bateia plan`: which spans of which documents make which training row; tokens stay where they are."""

from __future__ import annotations

import importlib.metadata
import json
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipelines.faults import BadInput
from pipelines.phases import Phases
from pipelines.stage_output import BrokenRun, StageOutput
from schemas.manifest import FileEntry, Manifest, hash_dataset, read_manifest, write_manifest
from schemas.shards import (
    CONCAT,
    PLAN_STAGE,
    SHARD_STAGE,
    TRAIN,
    VAL,
    ShardsInfo,
    finished,
    plan_folder,
    shard_number,
    shards_info,
)
from schemas.storage import join, list_files, read_json, remove_folder, size_of, write_json, write_whole
from transforms.plan_rows import (
    DocsFile,
    PackRows,
    PlanJob,
    Shuffle,
    in_order,
    placed,
    read_docs,
    write_rows,
)
from transforms.shard_parts import host_of
from transforms.sources import to_lines
from transforms.steps.row_packing import cut_rows

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
DOCUMENTS_PER_PARTITION = 500_000  # 16 bytes each, sorted by one worker at a time
Slice = tuple[FileEntry, int]  # its file and how many rows


@dataclass(frozen=True)
class PlanSettings:
    """name: of the plan. context: tokens that the model sees at once. epochs: how often documents are seen, or tokens:
    how many in all. mixture: shares of the tokens by `by` (language or dump); what it does not name is left out."""

    name: str
    context: int
    seed: int
    packing: str = CONCAT
    epochs: float | None = None
    tokens: int | None = None
    mixture: tuple[tuple[str, float], ...] | None = None
    by: str = "language"

    @property
    def settings(self) -> dict[str, Any]:
        return asdict(self)

    def copies(self, train: dict[str, Any]) -> dict[str, float] | float:
        """How often documents are seen, by language or dump. train: counts of the split.

        Raises BadInput for a mixture of what is not there.
        """
        wanted = self.tokens if self.tokens is not None else (self.epochs or 1.0) * train["tokens"]
        if self.mixture is None:
            return wanted / train["tokens"]
        have, shares = train[f"{self.by}s"], dict(self.mixture)
        if strange := sorted(set(shares) - set(have)):
            raise BadInput(f"--mixture: no {self.by} {', '.join(strange)} to train on; there are {', '.join(have)}")
        whole = sum(shares.values())
        return {name: wanted * share / whole / have[name]["tokens"] for name, share in shares.items()}


def plan_place(shards: ShardsInfo, settings: PlanSettings) -> StageOutput:
    source = [{"path": "../..", "layout_hash": shards.layout_hash}]
    return StageOutput(plan_folder(shards.folder, settings.name), ("val", "work"), (), settings.settings, source)


def make_plan(shards: ShardsInfo, docs: list[FileEntry], settings: PlanSettings, phases: Phases) -> dict[str, Any]:
    """Shuffle, pack, write; returns the counts of the plan. docs: documents' files of both splits.

    Raises BadInput for settings that the shards can't fulfil, BrokenRun if the numbers don't add up.
    """
    place = plan_place(shards, settings)
    if place.is_finished() and (manifest := read_manifest(place.output)) is not None:
        return manifest.counts
    copies = settings.copies(shards.counts[TRAIN])
    place.prepare(overwrite=False)
    train = files_of(shards, docs, TRAIN)
    folder = place.output
    planned = expected_documents(shards.counts[TRAIN], settings, copies)
    partitions = max(1, round(planned / DOCUMENTS_PER_PARTITION))
    job = PlanJob(folder, settings.seed, settings.context + 1, settings.packing, copies, settings.by, partitions)
    shuffle(job, train, phases)
    sorted_counts = [read_counted(job, partition) for partition in range(partitions)]
    pack(job, phases)
    packed = [read_json(path) for path in list_files(job.work(""), ".json") if "/packed-" in path]
    slices = pack_slices(job, shards, files_of(shards, docs, VAL))
    counts = counts_of(sorted_counts, packed, slices)
    check(job, counts)
    entries = [
        *(FileEntry(**item["file"]) for item in packed if item["rows"]),
        *(entry for entry, _ in slices.values()),
    ]
    place.remove_strays(("",), {entry.path for entry in entries})
    write_manifest(folder, manifest_of(shards, settings, counts, entries))
    remove_folder(job.work(""))
    return counts


def shards_and_docs(folder: str) -> tuple[ShardsInfo, list[FileEntry]]:
    """Finished shards and their files. Raises BadInput."""
    try:
        manifest = finished(folder, SHARD_STAGE, "`bateia shard`")
    except ValueError as error:
        raise BadInput(str(error)) from error
    return shards_info(folder, manifest), list(manifest.files)


def plan_settings_fit(shards: ShardsInfo, settings: PlanSettings) -> None:
    """Raises BadInput for a name that is no folder's, or a mixture of what is not there."""
    if not NAME.fullmatch(settings.name):
        raise BadInput(f"'{settings.name}' is no name for a plan; use letters, digits, dots, dashes and underscores")
    settings.copies(shards.counts[TRAIN])


def files_of(shards: ShardsInfo, docs: list[FileEntry], split: str) -> list[DocsFile]:
    paths = sorted(file.path for file in docs if file.path.startswith(f"{split}/docs-"))
    return [DocsFile(shard_number(path), join(shards.folder, path)) for path in paths]


def expected_documents(train: dict[str, Any], settings: PlanSettings, copies: dict[str, float] | float) -> float:
    if not isinstance(copies, dict):
        return copies * train["documents"]
    return sum(times * train[f"{settings.by}s"][name]["documents"] for name, times in copies.items())


def shuffle(job: PlanJob, files: list[DocsFile], phases: Phases) -> None:
    import apache_beam as beam

    done, listed = job.work("shuffled.json"), job.work("files.jsonl")
    if size_of(done) is not None:
        return
    with write_whole(listed) as out:
        out.write(to_lines(list(files)))
    phases.run("shuffle", len(files), lambda root: root | beam.Create([listed]) | Shuffle(job))
    write_json(done, {"partitions": job.partitions})


def pack(job: PlanJob, phases: Phases) -> None:
    import apache_beam as beam

    listed = job.work("partitions.jsonl")
    with write_whole(listed) as out:
        out.write(partition_lines(job))
    phases.run("pack", job.partitions, lambda root: root | beam.Create([listed]) | PackRows(job))


def partition_lines(job: PlanJob) -> bytes:
    """One line of JSON for each partition: what stands before it in the plan, and how far its rows are shuffled.

    Rows stay within the stretch of the shuffle that their documents were drawn in, so that no copy comes early.
    """
    counted = [read_counted(job, partition) for partition in range(job.partitions)]
    whole = sum(item["rows"] or -(-item["tokens"] // job.size) for item in counted)
    most = max(job.copies.values()) if isinstance(job.copies, dict) else job.copies
    lines, tokens, rows = [], 0, 0
    for partition, item in enumerate(counted):
        line = {"partition": partition, "tokens_before": tokens, "rows_before": rows}
        lines.append(json.dumps(line | {"window": max(1, whole // max(1, math.ceil(most)))}))
        tokens, rows = tokens + item["tokens"], rows + item["rows"]
    return "\n".join(lines).encode() + b"\n"


def read_counted(job: PlanJob, partition: int) -> dict[str, int]:
    if size_of(path := job.counted_path(partition)) is None:
        return {"documents": 0, "tokens": 0, "rows": 0}  # no document fell into it
    return read_json(path)


def pack_slices(job: PlanJob, shards: ShardsInfo, files: list[DocsFile]) -> dict[str, Slice]:
    """Every slice of val/, concatenated in the order of a shuffle, by its name."""
    once = PlanJob(job.folder, job.seed, job.size, CONCAT, 1.0, job.by, 1)
    rows = [placed(once, file)[0] for file in files]
    tables = [read_docs(file.path, ["language", "url"]) for file in files]
    if not rows:
        return {}
    languages = np.array([name or "und" for table in tables for name in table.column("language").to_pylist()])
    hosts = np.array([host_of(url or "") for table in tables for url in table.column("url").to_pylist()])
    members = np.concatenate(rows)
    entries = {}
    for name in shards.slices:
        kind, _, value = name.partition("-")
        chosen = {"language": languages == value, "domain": hosts == value}.get(kind, np.full(len(members), True))
        spans = in_order(members[chosen])
        total = int(spans["length"].sum(dtype=np.int64))
        pieces = cut_rows(spans, 0, 0, -(-total // job.size), job.size)
        entries[name] = write_rows(job.folder, f"val/{name}.parquet", pieces), -(-total // job.size)
    return entries


def counts_of(
    documents: list[dict[str, int]], packed: list[dict[str, Any]], slices: dict[str, Slice]
) -> dict[str, Any]:
    """documents: seen, copies counted. cut: tokens that best fit left out. slices: rows of each. parts: in order."""
    tokens = sum(item["tokens"] for item in packed)
    return {
        "documents": sum(item["documents"] for item in documents),
        "rows": sum(item["rows"] for item in packed),
        "tokens": tokens,
        "cut": sum(item["tokens"] for item in documents) - tokens,
        "slices": {name: rows for name, (_, rows) in slices.items()},
        "parts": list(parts_of(packed)),
    }


def parts_of(packed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    first = 0
    for item in packed:
        if item["rows"]:
            yield {"path": item["file"]["path"], "first_row": first, "rows": item["rows"]}
        first += item["rows"]


def check(job: PlanJob, counts: dict[str, Any]) -> None:
    rows = -(-counts["tokens"] // job.size)
    if job.packing == CONCAT and (counts["cut"] or counts["rows"] != rows):
        raise BrokenRun(
            f"the rows of {job.folder} do not add up: {counts['tokens']} tokens in {counts['rows']} rows, "
            f"{counts['cut']} tokens lost; this is a defect, please report it"
        )
    if not counts["rows"]:
        raise BadInput("the plan would have no rows: --mixture or --tokens leaves no document to train on")


def manifest_of(
    shards: ShardsInfo, settings: PlanSettings, counts: dict[str, Any], entries: list[FileEntry]
) -> Manifest:
    own = {"layout_hash": shards.layout_hash, "tokenizer_sha256": shards.tokenizer_sha256}
    versions = {name: importlib.metadata.version(name) for name in ("bateia", "numpy", "pyarrow")}
    files = tuple(sorted(entries, key=lambda file: file.path))
    source = [{"layout_hash": shards.layout_hash}]
    return Manifest(PLAN_STAGE, settings.settings | own, versions, source, counts, files, hash_dataset(files))
