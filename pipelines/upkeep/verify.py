"""`bateia shards verify`: whether shards and plans are what their manifests say, file by file and token by token."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pipelines.engine.progress import Progress
from pipelines.engine.run import EXIT_INTERRUPTED, Execution, Phases, handle_signals
from pipelines.lineage.plans import find_plan, plan_names
from pipelines.stages.tokenizers.given import json_sha256
from pipelines.upkeep.verify_documents import ShardCounts, count_faults, is_of_shard, unknown_files
from pipelines.upkeep.verify_files import VerifyRun, open_run
from pipelines.upkeep.verify_plan import Covered, PlanCheck, copies_asked, cover_faults, open_check
from pipelines.upkeep.verify_units import (
    COVER,
    FILE,
    ROWS,
    SHARD,
    SLICES,
    Groups,
    VerifyUnit,
    VerifyUnits,
    cover_units,
    first_units,
    groups_of,
)
from schemas.faults import BadInput
from schemas.manifest import MANIFEST, hash_dataset
from schemas.shards.layout import RERUN_SHARDS, SPLITS, TRAIN, open_shards
from schemas.shards.tombstones import is_pending
from schemas.storage import join
from schemas.wording import plural
from transforms.units import Records, Work, run_here, write_units


@dataclass(frozen=True)
class Verified:
    """What a verification found.

    faults: one line each.
    summary: one line of what was looked at, true if there are no faults.
    """

    faults: list[str]
    summary: str


def verify(
    folder: str,
    plan: str | None,
    hashed: bool,
    execution: Execution = Execution(quiet=True),  # noqa: B008 - frozen
    on_unit: Callable[[str], None] = lambda name: None,
) -> Verified:
    """Look at every file, number and row.

    plan: the only one to look at; default: all.
    hashed: whether to compare sha256.
    execution: with one worker and no engine, units are looked at in this process; else in two phases of others.
    on_unit: is called with the name of each unit that this process looks at.

    Raises BadInput if there are no finished shards, or no such plan.
    """
    shards, _ = open_shards(folder)
    if plan is not None and plan not in plan_names(shards.folder):
        find_plan(shards, plan)
    names = plan_names(shards.folder) if plan is None else [plan]
    if is_pending(shards.folder):
        return Verified([f"{shards.folder}: a `bateia forget` was interrupted; repeat its command to finish it"], "")
    try:
        run = open_run(folder, hashed)
    except BadInput as fault:
        return Verified([str(fault)], "")
    with working_folder(execution, on_unit) as workers:
        return Verified(Verification(run, names, workers).faults(), summary(run, names))


# --- Who does the units -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Workers:
    """Does units of work, in this process or by phases, and reads their records.

    folder: where they are done.
    phases: None for this process.
    """

    folder: str
    phases: Phases | None
    on_unit: Callable[[str], None]

    def run(self, name: str, work: Work, units: Sequence[VerifyUnit]) -> dict[str, dict[str, Any]]:
        """Tallies by the units' names, in their order. name: of the phase."""
        if self.phases is None:
            return run_here(work, self.folder, units, lambda unit: self.on_unit(unit.path or unit.name))
        records, listed = Records(self.folder, f"records-{name}"), join(self.folder, f"{name}.jsonl")
        write_units(listed, units)
        self.phases.run_units(name, listed, work, records, [(unit.name, unit.size) for unit in units], "row")
        return {unit.name: records.read(unit.name)["tally"] for unit in units}


@contextmanager
def working_folder(execution: Execution, on_unit: Callable[[str], None]) -> Iterator[Workers]:
    """A folder for the units, which is removed whatever happens."""
    folder = tempfile.mkdtemp(prefix="bateia-verify-")
    try:
        if execution.workers == 1 and not execution.beam_args:
            yield Workers(folder, None, on_unit)
            return
        from pipelines.engine.runner import exit_now

        def stop(*_: object) -> None:
            shutil.rmtree(folder, ignore_errors=True)
            sys.stderr.write("\nbateia: stopped; nothing was changed, and nothing is known of what was not looked at\n")
            exit_now(EXIT_INTERRUPTED)

        handle_signals(stop)
        with Progress(shown=not execution.quiet) as progress:
            yield Workers(folder, Phases(execution, progress, folder), on_unit)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- What is verified -------------------------------------------------------------------------------------------------


@dataclass
class Verification:
    """Shards and plans, looked at in two phases: each thing by itself, then plans over the shards.

    plans: those that say what they are, by name.
    refused: what is wrong with the others.
    """

    run: VerifyRun
    names: list[str]
    workers: Workers
    plans: dict[str, PlanCheck] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def faults(self) -> list[str]:
        """What is wrong, a line each: shards first, as a plan over damaged ones says nothing; then plans."""
        run = self.run
        for name in self.names:
            try:
                self.plans[name] = open_check(run, name)
            except BadInput as fault:
                self.refused[name] = str(fault)
        groups = {name: groups_of(check) for name, check in self.plans.items()}
        units = list(first_units(run, self.plans))
        work = VerifyUnits(run.shards.folder, run.hashed, self.workers.folder, groups)
        tallies = self.workers.run("verify", work, units)
        faults, counts = self._of_shards(units, tallies)
        if counts.shards * 2 != sum(is_of_shard(path) for path in run.entries):
            missing = (
                f"{run.shards.folder}: plans {', '.join(self.names)} were not looked at, for documents are missing"
            )
            return faults + ([missing] if self.names else [])
        faults += count_faults(run.shards, counts)
        return faults + self._of_plans(groups, tallies, counts)

    def _of_shards(self, units: list[VerifyUnit], tallies: dict[str, dict[str, Any]]) -> tuple[list[str], ShardCounts]:
        """What is wrong with files, and counts of the shards whose tables can be read."""
        run, faults = self.run, []
        if hash_dataset(run.manifest.files) != run.manifest.dataset_hash:
            path = join(run.shards.folder, MANIFEST)
            faults.append(f"{path} was changed: its hash of all files is another; {RERUN_SHARDS}")
        others = {unit.path: tallies[unit.name]["faults"] for unit in units if unit.kind == FILE}
        faults += [fault for of_file in others.values() for fault in of_file]
        folder = join(run.shards.folder, "tokenizer")
        sound = not any(wrong for path, wrong in others.items() if path.startswith("tokenizer/"))
        if sound and json_sha256(folder) != run.shards.tokenizer_sha256:
            faults.append(f"{folder} is not the tokenizer that the tokens are of; {RERUN_SHARDS}")
        faults += unknown_files(run)
        counts = ShardCounts.for_slices(list(run.shards.slices))
        for unit in units:
            if unit.kind == SHARD:
                counts.add(unit.split, tallies[unit.name])
                faults += tallies[unit.name]["faults"]
        return faults, counts

    def _of_plans(
        self, groups: dict[str, Groups], tallies: dict[str, dict[str, Any]], counts: ShardCounts
    ) -> list[str]:
        """What is wrong with plans, in the order of their names. counts: of all shards."""
        rows = {
            name: [tally for unit, tally in tallies.items() if unit.startswith(f"{ROWS}/{name}/")]
            for name in self.plans
        }
        copies, unasked = {}, {}
        for name, check in self.plans.items():
            try:
                if all(tally["file"] is None for tally in rows[name]):
                    copies[name] = copies_asked(check, counts.splits[TRAIN])
            except BadInput as fault:
                unasked[name] = f"{check.plan.folder}: {fault}; {check.remedy}"
        units = [unit for name in copies for unit in cover_units(self.run, name, groups[name])]
        units += [VerifyUnit(f"{SLICES}/{name}", SLICES, 0, plan=name) for name in self.plans]
        work = VerifyUnits(self.run.shards.folder, self.run.hashed, self.workers.folder, groups, copies)
        covered = self.workers.run("cover", work, units)
        faults = []
        for name in self.names:
            if name in self.refused:
                faults.append(self.refused[name])
                continue
            check = self.plans[name]
            faults += [fault for tally in rows[name] for fault in (tally["file"], tally["rows"]) if fault is not None]
            faults += [unasked[name]] if name in unasked else []
            if name in copies:
                parts = [Covered.from_json(covered[u.name]) for u in units if u.kind == COVER and u.plan == name]
                tokens = sum(tally["tokens"] for tally in rows[name])
                told = cover_faults(check, sum(parts, Covered()), tokens)
                faults += [f"{check.plan.folder}: {fault}; {check.remedy}" for fault in told]
            faults += covered[f"{SLICES}/{name}"]["faults"]
            if not check.later and set(check.plan.slices) != set(self.run.shards.slices):
                faults.append(f"{check.plan.folder}: its slices are not those of the shards; {check.remedy}")
        return faults


def summary(run: VerifyRun, names: list[str]) -> str:
    counts = [run.shards.counts[split] for split in SPLITS]
    forgotten = sum(len(item.table) for item in run.tombstones)
    return (
        f"{run.shards.folder} is sound: {plural(sum(item['documents'] for item in counts), 'document')}, "
        f"{plural(sum(item['tokens'] for item in counts), 'token')}, "
        + (f"{plural(forgotten, 'document')} forgotten, " if forgotten else "")
        + f"plans {', '.join(names) or 'none'}"
    )
