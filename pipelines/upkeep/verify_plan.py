"""Check a plan: each row's size, and in how many rows every token is.

The plan's spans are in memory; documents are read one shard at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from pipelines.lineage.plans import find_plan, plan_command, plan_settings
from pipelines.upkeep.counts import added, count_documents, members_by_slice
from pipelines.upkeep.verify_documents import ShardCounts, numbers_of
from pipelines.upkeep.verify_files import VerifyRun, file_faults
from schemas.faults import BadInput
from schemas.manifest import Manifest
from schemas.shards.documents import read_documents
from schemas.shards.layout import CONCAT, TRAIN, VAL, PlanInfo, docs_path
from schemas.shards.plans import SHARD_BITS, SpanTable, offset_of, positions, read_spans, shard_of, slice_path
from schemas.shards.tombstones import Tombstones
from schemas.storage import join
from schemas.wording import plural
from transforms.plan import PlanJob, copies_of
from transforms.steps.tokens.coverage import NONE, Coverage, Intervals, coverage
from transforms.steps.tokens.pack import shuffle_keys, slots


@dataclass(frozen=True)
class PlanCheck:
    """A plan being verified.

    run: of the shards that it is of.
    counts: what these shards' documents add up to.
    plan, manifest: the plan and its manifest.
    """

    run: VerifyRun
    counts: ShardCounts
    plan: PlanInfo
    manifest: Manifest

    @cached_property
    def remedy(self) -> str:
        return f"make the plan anew with `{plan_command(self.run.shards.folder, plan_settings(self.manifest))}`"

    @cached_property
    def later(self) -> list[Tombstones]:
        """What was forgotten after the plan was made, so that the plan still has it."""
        return [item for item in self.run.tombstones if item.knows(self.plan.name, self.plan.dataset_hash)]

    def path(self, name: str) -> str:
        return join(self.plan.folder, name)

    def documents(self, split: str, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """(shard, documents) that the plan was made of, those that were forgotten later too; one shard at a time."""
        for number in (number for name, number in numbers_of(self.run) if name == split):
            table = read_documents(docs_path(self.run.shards.folder, split, number), columns)
            gone = [item.of(split, number).select(columns).cast(table.schema) for item in self.later]
            yield number, pa.concat_tables([table, *gone])


def plan_faults(run: VerifyRun, name: str, counts: ShardCounts) -> Iterator[str]:
    """Faults of one plan. counts: of shards in which all documents could be read."""
    try:
        plan, manifest = find_plan(run.shards, name)
        check = PlanCheck(run, counts, plan, manifest)
        remedy = check.remedy
    except BadInput as fault:
        yield str(fault)
        return
    entries = file_faults(
        plan.folder, manifest.files, remedy, run.hashed, lambda path: run.on_file(f"plan/{name}/{path}")
    )
    wrong = dict(entries)
    yield from wrong.values()
    run.on_file(f"plan/{name}: rows")
    if not any(path in wrong for path, _, _ in plan.parts):
        yield from train_faults(check)
    yield from slice_faults(check, set(wrong))
    if not check.later and set(plan.slices) != set(run.shards.slices):
        yield f"{plan.folder}: its slices are not those of the shards; {remedy}"


def train_faults(check: PlanCheck) -> Iterator[str]:
    """Faults of the rows to train on."""
    plan, remedy = check.plan, check.remedy
    begins, ends = [NONE.begins], [NONE.ends]
    for path, first, rows in plan.parts:
        try:
            spans = read_spans(check.path(path), remedy=remedy)
        except BadInput as fault:
            yield str(fault)
            return
        begins.append(spans.begins)
        ends.append(spans.ends)
        last = first + rows == plan.rows
        if (fault := row_fault(spans, first, rows, plan.row_tokens, plan.packing != CONCAT or last)) is not None:
            yield f"{check.path(path)}: {fault}; {remedy}"
    try:
        job = job_of(check)
    except BadInput as fault:
        yield f"{plan.folder}: {fault}; {remedy}"
        return
    for fault in coverage_faults(check, job, Intervals.once(np.concatenate(begins), np.concatenate(ends))):
        yield f"{plan.folder}: {fault}; {remedy}"


def row_fault(spans: SpanTable, first: int, rows: int, size: int, short_last: bool) -> str | None:
    """What is wrong with rows `first` up to first + rows. short_last: whether the last may be shorter."""
    heads = np.flatnonzero(np.diff(spans.row, prepend=first - 1))
    if not np.array_equal(spans.row[heads], np.arange(first, first + rows)):
        return f"it does not hold its rows {first:,} to {first + rows - 1:,}, each once and in order"
    if not np.array_equal(spans.slot, slots(spans.row)):
        return "the spans of a row are not numbered 0, 1, …"
    lengths = spans.length.astype(np.int64)
    tokens = np.add.reduceat(lengths, heads) if rows else np.zeros(0, np.int64)
    if (lengths <= 0).any() or (tokens > size).any():
        return f"a row has a span without tokens, or more than {plural(size, 'token')}"
    full = tokens[:-1] if short_last else tokens
    if short := int((full < size).sum()):
        return f"fewer than {plural(size, 'token')}: {plural(short, 'row')}"
    return None


def job_of(check: PlanCheck) -> PlanJob:
    """How often the plan's settings put each document into its rows.

    Raises BadInput if they ask for what is not there.
    """
    settings = plan_settings(check.manifest)
    train = check.counts.splits[TRAIN]
    for item in check.later:
        train = added(train, count_documents(item.of(TRAIN)))
    copies = settings.copies(train)
    return PlanJob("", settings.seed, settings.context + 1, settings.packing, copies, settings.by, 1)


def copies_in(table: pa.Table, job: PlanJob) -> np.ndarray:
    """How often each document is in the plan's rows, int64."""
    chosen, _ = shuffle_keys(table.column("key").to_numpy(), copies_of(job, table), job.seed)
    return np.bincount(chosen, minlength=len(table)).astype(np.int64)


def coverage_faults(check: PlanCheck, job: PlanJob, spans: Intervals) -> Iterator[str]:
    """Every token must be in as many rows as its document has copies; best fit may cut as many as the plan counts."""
    plan, exact = check.plan, check.plan.packing == CONCAT
    held, total, seen, misaligned = dict(spans.split(SHARD_BITS)), Coverage(), 0, 0
    for shard, table in check.documents(TRAIN, ("start", "length", "key", job.by)):
        documents = intervals_of(shard, table, copies_in(table, job))
        own = held.pop(shard, NONE)
        total += coverage(own, documents, exact)
        seen += int(documents.times.sum())
        misaligned += len(np.setdiff1d(own.begins, documents.begins))
    total += coverage_of_none(held, exact)
    if total.wrong:
        yield coverage_text(total)
        return
    counted = {"documents": seen, "tokens": spans.tokens, "cut": total.missing, "rows": plan.rows}
    if different := [name for name, value in counted.items() if check.manifest.counts.get(name) != value]:
        yield f"{', '.join(different)} in its manifest are not what its rows add up to"
    if plan.packing != CONCAT and misaligned:
        yield f"{misaligned} spans do not begin with a document"


def intervals_of(shard: int, table: pa.Table, times: np.ndarray) -> Intervals:
    """Documents of a shard as intervals of token positions."""
    begins = positions(shard, table.column("start").to_numpy())
    return Intervals(begins, begins + table.column("length").to_numpy(), times)


def coverage_of_none(held: dict[int, Intervals], exact: bool) -> Coverage:
    """Coverage of spans in shards that do not exist."""
    return sum((coverage(spans, NONE, exact) for spans in held.values()), Coverage())


def coverage_text(total: Coverage) -> str:
    assert total.first is not None
    position, excess = total.first
    by = f"{abs(excess)} more" if excess > 0 else f"{abs(excess)} fewer"
    first = f"token {offset_of(position):,} of shard {shard_of(position)} is in {by}"
    return f"not in as many rows as they should be: {plural(total.wrong, 'token')}; {first}"


def slice_faults(check: PlanCheck, wrong: set[str]) -> Iterator[str]:
    """Every slice of val/ holds each of its documents once. wrong: files known to be faulty."""
    named = {entry.path for entry in check.manifest.files}
    held: dict[str, dict[int, Intervals]] = {}
    for name, rows in check.plan.slices.items():
        if (path := slice_path(name)) in wrong:
            continue
        if path not in named:
            yield f"{check.path(path)} is not in the plan's manifest; {check.remedy}"
            continue
        try:
            spans = read_spans(check.path(path), remedy=check.remedy)
        except BadInput as fault:
            yield str(fault)
            continue
        if (fault := row_fault(spans, 0, rows, check.plan.row_tokens, True)) is not None:
            yield f"{check.path(path)}: {fault}; {check.remedy}"
        held[name] = dict(Intervals.once(spans.begins, spans.ends).split(SHARD_BITS))
    totals = dict.fromkeys(held, Coverage())
    for shard, table in check.documents(VAL, ("start", "length", "language", "url")) if held else ():
        for name, members in members_by_slice(table, held):
            documents = intervals_of(shard, members, np.ones(len(members), np.int64))
            totals[name] += coverage(held[name].pop(shard, NONE), documents, exact=True)
    for name, spans_left in held.items():
        if (total := totals[name] + coverage_of_none(spans_left, exact=True)).wrong:
            yield f"{check.path(slice_path(name))}: {coverage_text(total)}; {check.remedy}"
