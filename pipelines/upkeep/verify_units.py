"""What is verified, cut into units of work: a shard, a file of a plan's rows, a group of shards under a plan.

A unit's record holds its faults and what it counts. Units lie in a folder of their own that is removed at the end: what
is verified is not written to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipelines.upkeep.verify_documents import check_shard, is_of_shard, numbers_of
from pipelines.upkeep.verify_files import VerifyRun, file_fault, open_run
from pipelines.upkeep.verify_plan import STRETCH, PlanCheck, check_part, cover, job_of, open_check, slice_faults
from schemas.shards.layout import RERUN_SHARDS, TRAIN, docs_path
from schemas.shards.plans import positions
from schemas.storage import join
from transforms.sorted_files import as_ranges, read_range
from transforms.units import Heartbeat, UnitFiles, UnitResult

STRETCHES_PER_GROUP = 1_000_000  # spans that one worker holds, 12 bytes each, before it looks at a shard of them
SHARD, FILE, ROWS, COVER, SLICES = "shard", "file", "rows", "cover", "slices"  # kinds of units


@dataclass(frozen=True)
class VerifyUnit:
    """A piece of a verification.

    name: of its record, `kind/…`.
    kind: one of those above.
    size: rows that it reads.
    split, number: of a shard; number also of a plan's file, or of a group of shards.
    plan: its name.
    path: of another file, as the manifest has it.
    """

    name: str
    kind: str
    size: int
    split: str = ""
    number: int = 0
    plan: str = ""
    path: str = ""


@dataclass(frozen=True)
class Groups:
    """Shards that train in groups, each looked at together.

    first: the number of each group's first shard, but for the first group's, which begins at 0.
    """

    first: tuple[int, ...]

    @property
    def bounds(self) -> np.ndarray:
        """Positions at which groups begin, but for the first."""
        return positions(np.array(self.first, np.int64), np.zeros(len(self.first)))

    def shards(self, run: VerifyRun, number: int) -> list[int]:
        """Shards of a group that there are."""
        begin, end = (0, *self.first)[number], (*self.first, None)[number]
        numbers = [shard for split, shard in numbers_of(run) if split == TRAIN]
        return [shard for shard in numbers if begin <= shard and (end is None or shard < end)]


def groups_of(check: PlanCheck) -> Groups:
    """Groups of neighbouring shards with up to STRETCHES_PER_GROUP spans of the plan each, if each has its share."""
    rows = {
        number: entry.rows
        for split, number in numbers_of(check.run)
        if split == TRAIN and (entry := check.run.entries.get(docs_path("", split, number).lstrip("/"))) is not None
    }
    spans = int(check.manifest.counts.get("documents", 0)) + check.plan.rows
    most = max(STRETCHES_PER_GROUP * sum(rows.values()) // max(spans, 1), 1)  # documents of a group
    first, held = [], 0
    for number, count in sorted(rows.items()):
        if held and held + count > most:
            first.append(number)
            held = 0
        held += count
    return Groups(tuple(first))


def first_units(run: VerifyRun, plans: dict[str, PlanCheck]) -> Iterator[VerifyUnit]:
    """Everything that is looked at by itself: shards, other files, files of plans' rows."""
    for split, number in numbers_of(run):
        entry = run.entries.get(docs_path("", split, number).lstrip("/"))
        size = entry.rows if entry is not None else 0
        yield VerifyUnit(f"{SHARD}/{split}-{number:05}", SHARD, size, split=split, number=number)
    others = [path for path in run.entries if not is_of_shard(path)]
    yield from (VerifyUnit(f"{FILE}/{number:05}", FILE, 0, path=path) for number, path in enumerate(others))
    for plan, check in plans.items():
        for number, (_, _, rows) in enumerate(check.plan.parts):
            yield VerifyUnit(f"{ROWS}/{plan}/{number:05}", ROWS, rows, number=number, plan=plan)


def cover_units(run: VerifyRun, plan: str, groups: Groups) -> Iterator[VerifyUnit]:
    rows = {number: run.entries[docs_path("", split, number).lstrip("/")].rows for split, number in numbers_of(run)}
    for number in range(len(groups.first) + 1):
        size = sum(rows[shard] for shard in groups.shards(run, number))
        yield VerifyUnit(f"{COVER}/{plan}/{number:05}", COVER, size, number=number, plan=plan)


class VerifyUnits:
    """Does a unit of any kind. It reads manifests itself, so that they travel to no worker."""

    def __init__(
        self,
        folder: str,
        hashed: bool,
        work: str,
        groups: dict[str, Groups],
        copies: dict[str, dict[str, float] | float] | None = None,
    ) -> None:
        """folder: of the shards. work: where units write. groups: of each plan.

        copies: how often each plan sees documents, once that is known.
        """
        self._folder, self._hashed, self._work, self._groups, self._copies = folder, hashed, work, groups, copies or {}

    def setup(self) -> None:
        self._run = open_run(self._folder, self._hashed)
        self._plans: dict[str, PlanCheck] = {}

    def parse(self, line: dict[str, Any]) -> VerifyUnit:
        return VerifyUnit(**line)

    def run(self, unit: VerifyUnit, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        def looked() -> None:
            heartbeat(0)

        if unit.kind == SHARD:
            return UnitResult(check_shard(self._run, unit.split, unit.number, looked))
        if unit.kind == FILE:
            return UnitResult({"faults": self._file(unit)})
        if unit.kind == ROWS:
            return UnitResult(self._rows(unit, files))
        if unit.kind == COVER:
            return UnitResult(self._cover(unit))
        return UnitResult({"faults": list(slice_faults(self._check(unit.plan), looked))})

    def close(self) -> None:
        return

    def _check(self, plan: str) -> PlanCheck:
        if plan not in self._plans:
            self._plans = {plan: open_check(self._run, plan)}  # one at a time: a plan's manifest may be large
        return self._plans[plan]

    def _file(self, unit: VerifyUnit) -> list[str]:
        fault = file_fault(self._run.shards.folder, self._run.entries[unit.path], RERUN_SHARDS, self._hashed)
        return [fault] if fault is not None else []

    def _rows(self, unit: VerifyUnit, files: UnitFiles) -> dict[str, Any]:
        tally, stretches = check_part(self._check(unit.plan), unit.number)
        bounds = self._groups[unit.plan].bounds
        files.raw(stretches_name(unit.plan, unit.number)).add(as_ranges(stretches, stretches["begin"], bounds))
        return tally

    def _cover(self, unit: VerifyUnit) -> dict[str, Any]:
        check, groups = self._check(unit.plan), self._groups[unit.plan]
        parts = range(len(check.plan.parts))
        paths = [join(self._work, stretches_name(unit.plan, part)) for part in parts]
        stretches = read_range(paths, unit.number, len(groups.first) + 1, STRETCH)
        job = job_of(check, self._copies[unit.plan])
        return asdict(cover(check, job, groups.shards(self._run, unit.number), stretches))


def stretches_name(plan: str, part: int) -> str:
    return f"stretches/{plan}/{part:05}.bin"
