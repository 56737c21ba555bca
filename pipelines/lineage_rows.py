"""Rows of plans: spans of given rows, and rows that given documents are in. Files are read one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.faults import BadInput
from schemas.manifest import MANIFEST
from schemas.shards import PlanInfo, ShardsInfo, read_plan
from schemas.storage import join, list_files, locate
from transforms.sources import NO_FOLDERS

SHARD_BITS = np.int64(40)  # a token's place is one number: (shard << 40) + where it is in the shard


def plan_names(shards: str) -> list[str]:
    """Plans that are finished."""
    found = [path.rsplit("/", 2) for path in list_files(join(shards, "plan"), MANIFEST)]
    return sorted(parts[1] for parts in found if parts[0] == join(shards, "plan"))


def find_plan(shards: ShardsInfo, name: str) -> PlanInfo:
    """Raises BadInput, naming those there are, if there is no such plan or it is of other shards."""
    if name not in (names := plan_names(shards.folder)):
        there = f"there is {', '.join(names)}" if names else "there is none"
        raise BadInput(f"{shards.folder} has no plan '{name}'; {there}; make one with `bateia plan`")
    try:
        return read_plan(shards, name)
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(str(error)) from error


def sound_plans(shards: ShardsInfo) -> tuple[list[PlanInfo], list[str]]:
    """Plans of these shards, and what is wrong with the others."""
    plans, faults = [], []
    for name in plan_names(shards.folder):
        try:
            plans.append(find_plan(shards, name))
        except BadInput as fault:
            faults.append(str(fault))
    return plans, faults


def spans_of(plan: PlanInfo, rows: Iterable[int]) -> dict[int, list[dict[str, int]]]:
    """Spans of rows of a plan, in their order: slot, shard, start, length. rows: below the plan's."""
    wanted, found = sorted(set(rows)), {}
    for path, first, count in plan.parts:
        mine = [row for row in wanted if first <= row < first + count]
        if not mine:
            continue
        for run in runs_of(mine):
            for span in read_rows(join(plan.folder, path), run[0], run[1]):
                found.setdefault(span["row"], []).append(span)
    return found


def read_rows(path: str, first: int, last: int) -> list[dict[str, int]]:
    """Spans of rows from first to last. Raises BadInput if the file can't be read."""
    import pyarrow.parquet as pq

    filesystem, name = locate(path)
    filters = [("row", ">=", first), ("row", "<=", last)]
    try:
        return pq.read_table(name, filesystem=filesystem, filters=filters, partitioning=NO_FOLDERS).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise BadInput(unreadable(path, error)) from error


def unreadable(path: str, error: Exception) -> str:
    return f"{path} can't be read ({error}); make the plan anew with `bateia plan --overwrite`"


def runs_of(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Sorted numbers as (first, last) of each unbroken run."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


@dataclass(frozen=True)
class Places:
    """Documents of one split by where they lie: begins and ends as places, sorted; order: which document each is."""

    begins: np.ndarray
    ends: np.ndarray
    order: np.ndarray
    shards: tuple[int, ...]

    def overlaps(self, begins: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (span, document) that have tokens in common, as two arrays of indices."""
        first = np.searchsorted(self.ends, begins, "right")
        counts = np.maximum(np.searchsorted(self.begins, ends, "left") - first, 0)
        spans = np.repeat(np.arange(len(begins)), counts)
        within = np.arange(len(spans)) - np.repeat(np.cumsum(counts) - counts, counts)
        return spans, self.order[first[spans] + within]


def places_of(documents: list[dict[str, Any]]) -> Places:
    """documents: their shard, start and length."""
    shard, start, length = (
        np.array([row[name] for row in documents], np.int64) for name in ("shard", "start", "length")
    )
    begins = (shard << SHARD_BITS) + start
    order = np.argsort(begins, kind="stable")
    return Places(begins[order], (begins + length)[order], order, tuple(sorted(set(shard.tolist()))))


def rows_holding(plan: PlanInfo, paths: Iterable[str], documents: list[dict[str, Any]]) -> list[list[int]]:
    """For each document the rows in which some of it stands, sorted. paths: files of the plan's rows."""
    if not documents:
        return []
    places = places_of(documents)
    pairs = [pair for path in paths for pair in held_in(join(plan.folder, path), places)]
    rows, owners = (np.concatenate([pair[at] for pair in pairs] or [np.zeros(0, np.int64)]) for at in (0, 1))
    order = np.lexsort((rows, owners))
    cuts = np.searchsorted(owners[order], np.arange(1, len(documents)))
    return [np.unique(part).tolist() for part in np.split(rows[order], cuts)]


def held_in(path: str, places: Places) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of a file and the documents in them, as two arrays. Raises BadInput if it can't be read."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    filesystem, name = locate(path)
    wanted, columns = pc.field("shard").isin(list(places.shards)), ["row", "shard", "start", "length"]
    try:
        table = pq.read_table(name, columns=columns, filters=wanted, filesystem=filesystem, partitioning=NO_FOLDERS)
    except (OSError, pa.ArrowException) as error:
        raise BadInput(unreadable(path, error)) from error
    row, shard, start, length = (column.to_numpy().astype(np.int64) for column in table.itercolumns())
    begins = (shard << SHARD_BITS) + start
    spans, owners = places.overlaps(begins, begins + length)
    yield row[spans], owners


def told(numbers: list[int]) -> str:
    """1, 2, 3, 7 as "1-3, 7"."""
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs_of(numbers))


def told_rows(rows: list[int], batch_size: int | None) -> str:
    """Rows, and with a batch size the steps that hold them in the plan's first pass."""
    text = f"{'row' if len(rows) == 1 else 'rows'} {told(rows)}"
    if batch_size is None:
        return text
    steps = sorted({row // batch_size for row in rows})
    return f"{text} = {'step' if len(steps) == 1 else 'steps'} {told(steps)} at batch size {batch_size}"
