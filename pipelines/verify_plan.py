"""A plan checked: rows of their size, and every token in as many of them as its settings say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.faults import BadInput
from pipelines.forget_tombstones import Tombstones
from pipelines.lineage_rows import SHARD_BITS, find_plan
from pipelines.lineage_settings import command_of, settings_in
from pipelines.verify_counts import in_slice, tally
from pipelines.verify_coverage import Stretches, coverage
from pipelines.verify_files import file_faults
from schemas.manifest import FileEntry, Manifest, read_manifest
from schemas.shards import CONCAT, TRAIN, VAL, PlanInfo, ShardsInfo
from schemas.storage import join, locate
from transforms.plan_rows import PlanJob, copies_of
from transforms.sources import NO_FOLDERS
from transforms.steps.row_packing import shuffle_keys, slots


@dataclass(frozen=True)
class Spans:
    """Of one file of a plan: row, slot, and begin and end as places, each int64."""

    row: np.ndarray
    slot: np.ndarray
    begins: np.ndarray
    ends: np.ndarray


def plan_faults(
    shards: ShardsInfo,
    name: str,
    documents: dict[str, pa.Table],
    tombstones: list[Tombstones],
    hashed: bool,
    say: Callable[[str], None],
) -> Iterator[str]:
    """documents: of each split, all that are there now."""
    try:
        plan = find_plan(shards, name)
    except BadInput as fault:
        yield str(fault)
        return
    manifest = read_manifest(plan.folder)
    assert manifest is not None
    remedy = anew(plan)
    wrong = dict(file_faults(plan.folder, manifest.files, remedy, hashed, lambda path: say(f"plan/{name}/{path}")))
    yield from wrong.values()
    known = {split: with_forgotten(documents[split], plan, tombstones, split) for split in (TRAIN, VAL)}
    say(f"plan/{name}: rows")
    named = {entry.path: entry for entry in manifest.files}
    if not any(path in wrong for path, _, _ in plan.parts):
        yield from train_faults(plan, manifest, known[TRAIN])
    yield from slice_faults(plan, named, set(wrong), known[VAL])
    if not any(times.knows(name, plan.dataset_hash) for times in tombstones) and set(plan.slices) != set(shards.slices):
        yield f"{plan.folder}: its slices are not those of the shards; {remedy}"


def anew(plan: PlanInfo) -> str:
    manifest = read_manifest(plan.folder)
    assert manifest is not None
    return f"make the plan anew with `{command_of(plan.folder.rsplit('/', 2)[0], settings_in(manifest))}`"


def with_forgotten(table: pa.Table, plan: PlanInfo, tombstones: list[Tombstones], split: str) -> pa.Table:
    """What the plan was made of: documents that are there, and those that were forgotten after it was made."""
    later = [times.of(split) for times in tombstones if times.knows(plan.name, plan.dataset_hash)]
    return pa.concat_tables([table, *(gone.select(table.schema.names).cast(table.schema) for gone in later)])


def train_faults(plan: PlanInfo, manifest: Manifest, table: pa.Table) -> Iterator[str]:
    """Faults of the plan's rows. table: documents that it was made of."""
    parts: list[Spans] = []
    for path, first, rows in plan.parts:
        try:
            parts.append(read_spans(join(plan.folder, path)))
        except (OSError, pa.ArrowException) as error:
            yield f"{join(plan.folder, path)} can't be read ({error}); {anew(plan)}"
            return
        last = first + rows == plan.rows
        if (fault := row_fault(parts[-1], first, rows, plan.row_tokens, plan.packing != CONCAT or last)) is not None:
            yield f"{join(plan.folder, path)}: {fault}; {anew(plan)}"
    try:
        copies = copies_in(manifest, table)
    except BadInput as fault:
        yield f"{plan.folder}: {fault}; {anew(plan)}"
        return
    begins, ends = (np.concatenate([getattr(part, name) for part in parts]) for name in ("begins", "ends"))
    yield from coverage_faults(plan, manifest, table, copies, begins, ends)


def read_spans(path: str) -> Spans:
    filesystem, name = locate(path)
    columns = ["row", "slot", "shard", "start", "length"]
    table = pq.read_table(name, columns=columns, filesystem=filesystem, partitioning=NO_FOLDERS)
    row, slot, shard, start, length = (column.to_numpy().astype(np.int64) for column in table.itercolumns())
    begins = (shard << SHARD_BITS) + start
    return Spans(row, slot, begins, begins + length)


def row_fault(spans: Spans, first: int, rows: int, size: int, short_last: bool) -> str | None:
    """What is wrong with rows `first` up to first + rows. short_last: whether the last may be shorter."""
    heads = np.flatnonzero(np.diff(spans.row, prepend=first - 1))
    if not np.array_equal(spans.row[heads], np.arange(first, first + rows)):
        return f"it does not hold its rows {first:,} to {first + rows - 1:,}, each once and in order"
    if not np.array_equal(spans.slot, slots(spans.row)):
        return "the spans of a row are not numbered 0, 1, …"
    lengths = spans.ends - spans.begins
    tokens = np.add.reduceat(lengths, heads) if rows else np.zeros(0, np.int64)
    if (lengths <= 0).any() or (tokens > size).any():
        return f"a row has a span without tokens, or more than {size:,} tokens"
    full = tokens[:-1] if short_last else tokens
    if short := int((full < size).sum()):
        return f"{short} rows have fewer than {size:,} tokens"
    return None


def copies_in(manifest: Manifest, table: pa.Table) -> np.ndarray:
    """How often the plan's settings put each document into its rows, int64. Raises BadInput if they can't."""
    settings = settings_in(manifest)
    copies = settings.copies(tally(table))
    job = PlanJob("", settings.seed, settings.context + 1, settings.packing, copies, settings.by, 1)
    found, _ = shuffle_keys(table.column("key").to_numpy(), copies_of(job, table), settings.seed)
    return np.bincount(found, minlength=len(table)).astype(np.int64)


def coverage_faults(
    plan: PlanInfo, manifest: Manifest, table: pa.Table, copies: np.ndarray, begins: np.ndarray, ends: np.ndarray
) -> Iterator[str]:
    """Every token in as many rows as copies of its document; with best fit some in fewer, as many as the plan says."""
    documents = stretches_of(table, copies)
    found = coverage(Stretches(begins, ends, np.ones(len(begins), np.int64)), documents, plan.packing == CONCAT)
    if found.wrong is not None:
        yield f"{plan.folder}: {found.wrong}; {anew(plan)}"
        return
    tokens = int((ends - begins).sum())
    counted = {"documents": int(copies.sum()), "tokens": tokens, "cut": found.missing, "rows": plan.rows}
    if different := [name for name, value in counted.items() if manifest.counts[name] != value]:
        yield f"{plan.folder}: {', '.join(different)} in its manifest are not what its rows add up to; {anew(plan)}"
    if plan.packing != CONCAT and len(strange := np.setdiff1d(begins, documents.begins)):
        yield f"{plan.folder}: {len(strange)} spans do not begin with a document; {anew(plan)}"


def stretches_of(table: pa.Table, copies: np.ndarray) -> Stretches:
    """Documents by where they lie."""
    shard, start, length = (table.column(name).to_numpy().astype(np.int64) for name in ("shard", "start", "length"))
    begins = (shard << SHARD_BITS) + start
    return Stretches(begins, begins + length, copies)


def slice_faults(plan: PlanInfo, named: dict[str, FileEntry], wrong: set[str], table: pa.Table) -> Iterator[str]:
    """Every slice of val/ holds each of its documents once. wrong: files known to be faulty."""
    for name, rows in plan.slices.items():
        if (path := f"val/{name}.parquet") in wrong:
            continue
        if path not in named:
            yield f"{join(plan.folder, path)} is not in the plan's manifest; {anew(plan)}"
            continue
        for fault in slice_file_faults(plan, join(plan.folder, path), rows, in_slice(table, name)):
            yield f"{join(plan.folder, path)}: {fault}; {anew(plan)}"


def slice_file_faults(plan: PlanInfo, path: str, rows: int, members: pa.Table) -> Iterator[str]:
    try:
        spans = read_spans(path)
    except (OSError, pa.ArrowException) as error:
        yield f"it can't be read ({error})"
        return
    if (fault := row_fault(spans, 0, rows, plan.row_tokens, True)) is not None:
        yield fault
    held = Stretches(spans.begins, spans.ends, np.ones(len(spans.begins), np.int64))
    found = coverage(held, stretches_of(members, np.ones(len(members), np.int64)), exact=True)
    if found.wrong is not None:
        yield found.wrong
