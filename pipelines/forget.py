"""`bateia forget`: pages out of shards and their plans, whatever interrupts it.

What is to be done is written down first (`Pending`), then done in steps that can each be repeated, the manifest last.
Places of tokens do not move: old plans stay as a record of what a training saw, and one in progress can go on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from pipelines.faults import BadInput
from pipelines.forget_counts import left_counts
from pipelines.forget_files import erase, remove_temporary
from pipelines.forget_pending import Pending
from pipelines.forget_report import rewrite_report
from pipelines.forget_tombstones import FOLDER, pending_path, read_tombstones, to_table
from pipelines.lineage_settings import settings_in
from pipelines.phases import Phases
from pipelines.plan import make_plan
from pipelines.sidecars import rewrite_sidecars
from pipelines.verify import open_manifest
from schemas.manifest import FileEntry, Manifest, hash_dataset, read_manifest, write_manifest
from schemas.shards import SPLITS, ShardsInfo, plan_folder, shards_info
from schemas.storage import join, remove, remove_folder
from transforms.part_files import write_table


@dataclass
class Forgetting:
    """A pending forget being done. entries: files as they are after it, by path. plans: what each new one holds, or why
    it could not be made, by the old one's name."""

    pending: Pending
    phases: Phases
    entries: dict[str, FileEntry] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shards, self.manifest = open_manifest(self.pending.shards)
        self.entries = {file.path: file for file in self.manifest.files}

    @property
    def after(self) -> Manifest:
        """The manifest as it will be."""
        counts = left_counts(self.manifest.counts, list(self.pending.documents))
        files = tuple(sorted(self.entries.values(), key=lambda file: file.path))
        return replace(self.manifest, counts=counts, files=files, dataset_hash=hash_dataset(files))

    @property
    def left(self) -> ShardsInfo:
        return shards_info(self.shards.folder, self.after)


def finish(pending: Pending, phases: Phases) -> Forgetting:
    """Do what is pending, all of it or what an interrupted command left of it."""
    job = Forgetting(pending, phases)
    remove_temporary(pending.shards, ("", FOLDER, *SPLITS))
    if job.manifest.dataset_hash == pending.dataset_hash:  # else the manifest is written, and all before it
        for step in STEPS:
            step(job)
    remove(pending_path(pending.shards))
    remove(join(pending.shards, "failure.log"))
    return job


def bury(job: Forgetting) -> None:
    """Tombstones first: from here on, what is gone is known as forgotten."""
    path = job.pending.tombstones
    table = to_table(list(job.pending.documents), job.pending.plans)
    entry = write_table(job.shards.folder, path[len(job.shards.folder) + 1 :], table)
    job.entries[entry.path] = entry


def erase_all(job: Forgetting) -> None:
    for split, shard in job.pending.affected:
        for entry in erase(job.shards, split, shard, job.pending.of(split, shard)):
            job.entries[entry.path] = entry


def index_anew(job: Forgetting) -> None:
    tombstones = read_tombstones(job.shards.folder)
    for split, shard in job.pending.affected:
        rewrite_sidecars(job.shards, tombstones, job.entries[f"{split}/tokens-{shard:05}.bin"])


def plan_anew(job: Forgetting) -> None:
    """The plans without the documents. One that has no row left is not made."""
    docs = [entry for entry in job.entries.values() if entry.rows]
    for old, new in job.pending.rebuilt.items():
        folder = plan_folder(job.shards.folder, new)
        manifest = read_manifest(plan_folder(job.shards.folder, old))
        assert manifest is not None
        try:
            counts = make_plan(job.left, docs, replace(settings_in(manifest), name=new), job.phases)
        except BadInput as fault:
            remove_folder(folder)
            job.plans[old] = str(fault)
        else:
            job.plans[old] = f"rebuilt as {new}: {counts['tokens']:,} tokens in {counts['rows']:,} rows"


def report_anew(job: Forgetting) -> None:
    gone = {row["url"] for row in job.pending.documents}
    rewrite_report(job.shards.folder, job.after, job.pending.rebuilt, gone)


def declare(job: Forgetting) -> None:
    write_manifest(job.shards.folder, job.after)


STEPS = (bury, erase_all, index_anew, plan_anew, report_anew, declare)


def summary(job: Forgetting) -> list[str]:
    pending = job.pending
    tokens = sum(row["length"] for row in pending.documents)
    lines = [
        f"forgotten: {len(pending.documents):,} documents, {tokens:,} tokens, in {len(pending.affected)} shards; "
        f"{FOLDER}/{pending.number:05}.parquet knows which"
    ]
    earlier = [item for item in read_tombstones(pending.shards) if item.path != pending.tombstones]
    for name, plan in pending.plans.items():
        superseded = any(item.knows(name, plan.dataset_hash) for item in earlier)
        if told := job.plans.get(name):
            lines.append(f"plan {name}: {told}")
        elif plan.rebuilt is None and not superseded:
            lines.append(f"plan {name}: not rebuilt, for it asks for documents of which none is left")
    return lines


def described(row: dict[str, Any]) -> dict[str, Any]:
    """A document as it is written down."""
    names = ("doc_id", "url", "split", "shard", "start", "length", "bytes", "key", "language", "dump")
    return {name: row[name] for name in names}
