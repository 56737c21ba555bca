"""`bateia forget`: pages out of shards and their plans, whatever interrupts it.

The request is written to disk first (`ForgetRequest`), then carried out in steps that can each be repeated, the
manifest last; workers do the shards, and only those that hold the pages. Tokens do not move: old plans stay as a record
of what a training saw, and one in progress can go on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from msgspec.structs import replace as replace_fields

from pipelines.engine.run import Phases
from pipelines.engine.stores.leases import take_lease
from pipelines.lineage.plans import plan_names, plan_settings
from pipelines.reports.render import decode, write_report
from pipelines.reports.shards import Plan, RowSpan, ShardsReport, counts_of, plan_of, render_page
from pipelines.stages.plan import make_plan
from pipelines.stages.shard import first_rows
from pipelines.upkeep.forget_request import ForgetRequest, counts_without, write_request
from pipelines.upkeep.forget_shards import check, erase_all, work_folder
from pipelines.upkeep.indexes import rewrite_indexes
from schemas.faults import BadInput
from schemas.manifest import FileEntry, Manifest, hash_dataset, write_manifest
from schemas.shards.layout import (
    SPLITS,
    ShardsInfo,
    open_plan,
    open_shards,
    plan_folder,
    shards_info,
)
from schemas.shards.tombstones import FOLDER, is_pending, pending_path, read_tombstones, tombstones_table
from schemas.storage import join, read_json, remove, remove_folder, remove_temporary, size_of
from schemas.wording import plural
from transforms.part_files import write_table
from transforms.units import PROGRESS


@dataclass
class ForgetRun:
    """A request being carried out.

    request: documents and plans.
    phases: how new plans are made.
    entries: files as they are after it, by path.
    plans: what each new one holds, or why it could not be made, by the old one's name.
    """

    request: ForgetRequest
    phases: Phases
    entries: dict[str, FileEntry] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shards, self.manifest = open_shards(self.request.shards)
        self.entries = {file.path: file for file in self.manifest.files}

    @property
    def after(self) -> Manifest:
        """The manifest as it will be."""
        counts = counts_without(self.manifest.counts, self.request.documents)
        files = tuple(sorted(self.entries.values(), key=lambda file: file.path))
        return replace(self.manifest, counts=counts, files=files, dataset_hash=hash_dataset(files))

    @property
    def shards_after(self) -> ShardsInfo:
        return shards_info(self.shards.folder, self.after)


@dataclass(frozen=True)
class ForgetStage:
    """A request, carried out like a stage: written down once the files that change are known to be sound.

    seen: lines on which steps had seen its pages.
    """

    request: ForgetRequest
    seen: tuple[str, ...]

    @property
    def output(self) -> str:
        return self.request.shards

    def is_finished(self) -> bool:
        return False

    def finished_differences(self) -> list[tuple[str, Any, Any]]:
        return []

    def prepare(self, overwrite: bool) -> None:
        """The shards are there; nobody else may write to them."""
        take_lease(self.output)

    def progress_summary(self) -> str:
        return f"being forgotten: {plural(len(self.request.documents), 'document')}"

    def execute(self, phases: Phases) -> ForgetSummary:
        if not is_pending(self.output):
            check(self.request, open_shards(self.output)[1], phases)
            write_request(self.request)
        return ForgetSummary((*self.seen, *summary(finish(self.request, phases))))


@dataclass(frozen=True)
class ForgetSummary:
    text: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        return self.text


def finish(request: ForgetRequest, phases: Phases) -> ForgetRun:
    """Carry out the request, or what an interrupted command left of it."""
    run = ForgetRun(request, phases)
    for name in ("", FOLDER, *SPLITS):
        remove_temporary(join(request.shards, name) if name else request.shards)
    if run.manifest.dataset_hash == request.dataset_hash:  # else the manifest is written, and all before it
        for step in STEPS:
            step(run)
    remove(pending_path(request.shards))
    remove_folder(join(request.shards, work_folder(request)))
    remove_folder(join(request.shards, PROGRESS))
    remove(join(request.shards, "failure.log"))
    return run


def write_tombstones(run: ForgetRun) -> None:
    """First: from here on, what is gone is known as forgotten."""
    path = run.request.tombstones
    table = tombstones_table(run.request.documents, run.request.plans)
    entry = write_table(run.shards.folder, path[len(run.shards.folder) + 1 :], table)
    run.entries[entry.path] = entry


def erase_documents(run: ForgetRun) -> None:
    for entry in erase_all(run.request, run.manifest, run.phases):
        run.entries[entry.path] = entry


def rebuild_indexes(run: ForgetRun) -> None:
    tombstones = read_tombstones(run.shards.folder)
    for split, shard in sorted(run.request.by_shard):
        rewrite_indexes(run.shards, tombstones, run.entries[f"{split}/tokens-{shard:05}.bin"])


def rebuild_plans(run: ForgetRun) -> None:
    """The plans without the documents. One that has no row left is not made."""
    docs = [entry for entry in run.entries.values() if entry.rows]
    for old, new in run.request.rebuilt.items():
        settings = plan_settings(open_plan(run.shards, old)[1])
        try:
            counts = make_plan(run.shards_after, docs, replace(settings, name=new), run.phases)
        except BadInput as fault:
            remove_folder(plan_folder(run.shards.folder, new))
            run.plans[old] = str(fault)
        else:
            run.plans[old] = f"rebuilt as {new}: {plural(counts['tokens'], 'token')} in {plural(counts['rows'], 'row')}"


def rewrite_report(run: ForgetRun) -> None:
    """The report with the new counts and without addresses of forgotten pages. Does nothing if there is no report."""
    path = join(run.shards.folder, "report.json")
    if size_of(path) is None:
        return
    before, after = decode(read_json(path), ShardsReport, path), run.after
    plan = plan_after(run, before.plan)
    report = replace_fields(before, counts=counts_of(after), dataset_hash=after.dataset_hash, plan=plan)
    write_report(run.shards.folder, report, render_page(report))


def finish_manifest(run: ForgetRun) -> None:
    """Last: from here on, the shards are those without the documents."""
    write_manifest(run.shards.folder, run.after)


STEPS = (write_tombstones, erase_documents, rebuild_indexes, rebuild_plans, rewrite_report, finish_manifest)


# --- Report and summary -----------------------------------------------------------------------------------------------


def plan_after(run: ForgetRun, plan: Plan) -> Plan:
    """The report's plan replaced by the one that was made of it; if none was, the same without the addresses."""
    name = run.request.rebuilt.get(plan.name)
    if name is None or name not in plan_names(run.shards.folder):
        gone = {row["url"] for row in run.request.documents}
        rows = tuple(tuple(without_address(span, gone) for span in row) for row in plan.first_rows)
        return replace_fields(plan, first_rows=rows)
    info, manifest = open_plan(run.shards_after, name)
    return plan_of(manifest.settings, manifest.counts, first_rows(run.shards_after, info))


def without_address(span: RowSpan, gone: set[str]) -> RowSpan:
    return replace_fields(span, url="forgotten") if span.url in gone else span


def summary(run: ForgetRun) -> list[str]:
    """What was done, in lines for a terminal."""
    request = run.request
    tokens = sum(row["length"] for row in request.documents)
    lines = [
        f"forgotten: {plural(len(request.documents), 'document')}, {plural(tokens, 'token')}, "
        f"in {plural(len(request.by_shard), 'shard')}; "
        f"{FOLDER}/{request.number:05}.parquet knows which"
    ]
    earlier = [item for item in read_tombstones(request.shards) if item.number != request.number]
    for name, plan in request.plans.items():
        superseded = any(item.knows(name, plan.dataset_hash) for item in earlier)
        if outcome := run.plans.get(name):
            lines.append(f"plan {name}: {outcome}")
        elif plan.rebuilt is None and not superseded:
            lines.append(f"plan {name}: not rebuilt, for it asks for documents of which none is left")
    return lines
