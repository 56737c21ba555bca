"""Check a plan: each row's size, and in how many rows every token is.

Files of rows are checked one by one, and their spans written in order of the shards that they are in; then groups of
shards are compared with the spans of all files in them. So nothing in memory grows with the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.lineage.plans import find_plan, plan_command, plan_settings
from pipelines.upkeep.counts import Counts, added, count_documents
from pipelines.upkeep.verify_documents import numbers_of
from pipelines.upkeep.verify_files import VerifyRun, file_fault
from schemas.faults import BadInput
from schemas.manifest import FileEntry, Manifest
from schemas.shards.documents import read_documents
from schemas.shards.layout import CONCAT, TRAIN, VAL, PlanInfo, docs_path
from schemas.shards.plans import SHARD_BITS, SpanTable, offset_of, positions, read_spans, shard_of, slice_path
from schemas.shards.tombstones import Tombstones
from schemas.storage import join
from schemas.wording import plural
from transforms.plan import PlanJob, copies_of, in_order, slice_rows_of
from transforms.steps.tokens.coverage import NONE, Coverage, Intervals, coverage
from transforms.steps.tokens.pack import shuffle_keys, slots

STRETCH = np.dtype([("begin", "<i8"), ("length", "<i4")])  # tokens from a position on


@dataclass(frozen=True)
class PlanCheck:
    """A plan being verified.

    run: of the shards that it is of.
    plan, manifest: the plan and its manifest.
    """

    run: VerifyRun
    plan: PlanInfo
    manifest: Manifest

    @cached_property
    def entries(self) -> dict[str, FileEntry]:
        return {file.path: file for file in self.manifest.files}

    @cached_property
    def remedy(self) -> str:
        return f"make the plan anew with `{plan_command(self.run.shards.folder, plan_settings(self.manifest))}`"

    @cached_property
    def later(self) -> list[Tombstones]:
        """What was forgotten after the plan was made, so that the plan still has it."""
        return [item for item in self.run.tombstones if item.knows(self.plan.name, self.plan.dataset_hash)]

    def path(self, name: str) -> str:
        return join(self.plan.folder, name)

    def documents(
        self, split: str, columns: Sequence[str], shards: Sequence[int] | None = None
    ) -> Iterator[tuple[int, pa.Table]]:
        """(shard, documents) that the plan was made of, those that were forgotten later too; one shard at a time.

        shards: their numbers; default: all.
        """
        numbers = [number for name, number in numbers_of(self.run) if name == split] if shards is None else shards
        for number in numbers:
            table = read_documents(docs_path(self.run.shards.folder, split, number), columns)
            gone = [item.of(split, number).select(columns).cast(table.schema) for item in self.later]
            yield number, pa.concat_tables([table, *gone])


def open_check(run: VerifyRun, name: str) -> PlanCheck:
    """Raises BadInput if there is no such plan, or it does not say what was asked for."""
    plan, manifest = find_plan(run.shards, name)
    check = PlanCheck(run, plan, manifest)
    plan_settings(manifest)
    return check


def check_part(check: PlanCheck, part: int) -> tuple[dict[str, Any], np.ndarray]:
    """A file of rows to train on: what is wrong with it, and its spans, STRETCH, as far as they can be read.

    The tally's `file` is what makes them unknown, its `rows` what is wrong with them.
    """
    path, first, rows = check.plan.parts[part]
    try:
        if (entry := check.entries.get(path)) is not None:
            fault = file_fault(check.plan.folder, entry, check.remedy, check.run.hashed)
            if fault is not None:
                raise BadInput(fault)
        spans = read_spans(check.path(path), remedy=check.remedy)
    except BadInput as fault:
        return {"file": str(fault), "rows": None, "tokens": 0}, np.zeros(0, STRETCH)
    short_last = check.plan.packing != CONCAT or first + rows == check.plan.rows
    fault = row_fault(spans, first, rows, check.plan.row_tokens, short_last)
    stretches = np.zeros(len(spans.row), STRETCH)
    stretches["begin"], stretches["length"] = spans.begins, spans.length
    told = None if fault is None else f"{check.path(path)}: {fault}; {check.remedy}"
    return {"file": None, "rows": told, "tokens": int(spans.length.sum(dtype=np.int64))}, stretches


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


def copies_asked(check: PlanCheck, counts: Counts) -> dict[str, float] | float:
    """How often the plan's settings put documents into its rows, by language or dump.

    counts: what the documents that train add up to.
    Raises BadInput if the settings ask for what is not there.
    """
    for item in check.later:
        counts = added(counts, count_documents(item.of(TRAIN)))
    return plan_settings(check.manifest).copies(counts)


def job_of(check: PlanCheck, copies: dict[str, float] | float) -> PlanJob:
    settings = plan_settings(check.manifest)
    return PlanJob("", settings.seed, settings.context + 1, settings.packing, copies, settings.by, 1)


def copies_in(table: pa.Table, job: PlanJob) -> np.ndarray:
    """How often each document is in the plan's rows, int64."""
    chosen, _ = shuffle_keys(table.column("key").to_numpy(), copies_of(job, table), job.seed)
    return np.bincount(chosen, minlength=len(table)).astype(np.int64)


def cover(check: PlanCheck, job: PlanJob, shards: list[int], stretches: np.ndarray) -> Covered:
    """Compare documents of some shards with the plan's stretches in them, and in shards near by that do not exist.

    Every token must be in as many rows as its document has copies; best fit may cut as many as the plan counts.
    """
    exact = check.plan.packing == CONCAT
    spans = Intervals.once(stretches["begin"], stretches["begin"] + stretches["length"])
    held, total, seen, misaligned = dict(spans.split(SHARD_BITS)), Coverage(), 0, 0
    for shard, table in check.documents(TRAIN, ("start", "length", "key", job.by), shards):
        documents = intervals_of(shard, table, copies_in(table, job))
        own = held.pop(shard, NONE)
        total += coverage(own, documents, exact)
        seen += int(documents.times.sum())
        misaligned += len(np.setdiff1d(own.begins, documents.begins))
    return Covered(total, coverage_of_none(held, exact), seen, misaligned)


@dataclass(frozen=True)
class Covered:
    """How the rows of a plan cover documents. Those of groups of shards can be added.

    coverage: of the tokens of shards.
    astray: of stretches in shards that do not exist.
    seen: documents, each copy counted.
    misaligned: stretches that begin with no document.
    """

    coverage: Coverage = Coverage()  # noqa: RUF009 - frozen
    astray: Coverage = Coverage()  # noqa: RUF009
    seen: int = 0
    misaligned: int = 0

    def __add__(self, other: Covered) -> Covered:
        return Covered(
            self.coverage + other.coverage,
            self.astray + other.astray,
            self.seen + other.seen,
            self.misaligned + other.misaligned,
        )

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Covered:
        covered, astray = coverage_from(value["coverage"]), coverage_from(value["astray"])
        return cls(covered, astray, value["seen"], value["misaligned"])


def coverage_from(value: dict[str, Any]) -> Coverage:
    first = value["first"]
    return Coverage(value["wrong"], value["missing"], None if first is None else (first[0], first[1]))


def cover_faults(check: PlanCheck, covered: Covered, tokens: int) -> Iterator[str]:
    """covered: of all shards. tokens: in the plan's rows."""
    plan, total = check.plan, covered.coverage + covered.astray
    if total.wrong:
        yield coverage_text(total)
        return
    counted = {"documents": covered.seen, "tokens": tokens, "cut": total.missing, "rows": plan.rows}
    if different := [name for name, value in counted.items() if check.manifest.counts.get(name) != value]:
        yield f"{', '.join(different)} in its manifest are not what its rows add up to"
    if plan.packing != CONCAT and covered.misaligned:
        yield f"{covered.misaligned} spans do not begin with a document"


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


def slice_faults(check: PlanCheck, looked: Callable[[], None]) -> Iterator[str]:
    """Every slice of val/ holds each of its documents once; of one that is capped, those that come first.

    looked: is called now and then.
    """
    held: dict[str, dict[int, Intervals]] = {}
    for name, rows in check.plan.slices.items():
        path = slice_path(name)
        if (entry := check.entries.get(path)) is None:
            yield f"{check.path(path)} is not in the plan's manifest; {check.remedy}"
            continue
        if (fault := file_fault(check.plan.folder, entry, check.remedy, check.run.hashed)) is not None:
            yield fault
            continue
        try:
            spans = read_spans(check.path(path), remedy=check.remedy)
        except BadInput as fault:
            yield str(fault)
            continue
        if (fault := row_fault(spans, 0, rows, check.plan.row_tokens, True)) is not None:
            yield f"{check.path(path)}: {fault}; {check.remedy}"
        held[name] = dict(Intervals.once(spans.begins, spans.ends).split(SHARD_BITS))
        looked()
    if not held:
        return
    capped = check.manifest.counts.get("capped", {})
    most = {name: capped[name]["documents"] if name in capped else None for name in held}
    columns = ("start", "length", "key", "language", "url")
    once = replace(job_of(check, 1.0), packing=CONCAT)
    for name, documents in slice_intervals(check.documents(VAL, columns), once, most, looked).items():
        total = Coverage()
        for shard, of_shard in documents.items():
            total += coverage(held[name].pop(shard, NONE), of_shard, exact=True)
        if (total := total + coverage_of_none(held[name], exact=True)).wrong:
            yield f"{check.path(slice_path(name))}: {coverage_text(total)}; {check.remedy}"


def slice_intervals(
    tables: Iterator[tuple[int, pa.Table]], job: PlanJob, most: dict[str, int | None], looked: Callable[[], None]
) -> dict[str, dict[int, Intervals]]:
    """Documents of each slice by shard, as intervals. most: documents of each slice, None for all."""

    def told() -> Iterator[tuple[int, pa.Table]]:
        for shard, table in tables:
            looked()
            yield shard, table

    chosen = slice_rows_of(job, told(), most)
    found = {}
    for name in most:
        spans = in_order(chosen.rows(name))
        begins = positions(spans["shard"], spans["start"])
        found[name] = dict(Intervals.once(begins, begins + spans["length"]).split(SHARD_BITS))
    return found
