"""`bateia curate`: pages or texts in, a filtered Parquet dataset with FineWeb's columns out, and every page's fate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.engine.run import Phases, Summary, share_of
from pipelines.engine.tasks import TaskSummary, require_all
from pipelines.stages.curate.finish import finish, not_fetched_in
from pipelines.stages.curate.job import CurateJob
from schemas.manifest import MANIFEST, read_manifest
from schemas.storage import is_local, join, remove
from schemas.wording import plural
from transforms.curate import CurateUnit
from transforms.units import write_units


@dataclass(frozen=True)
class CurateRun(CurateJob):
    """One run as asked for, from its beginning to its end."""

    def is_finished(self) -> bool:
        """Whether it is, and nothing is left that might be fetched now."""
        return self.directory.is_finished() and not not_fetched_in(read_manifest(self.output))

    def finished_differences(self) -> list[tuple[str, Any, Any]]:
        return self.directory.finished_differences()

    def prepare(self, overwrite: bool) -> None:
        if not overwrite and self.directory.is_finished() and not_fetched_in(read_manifest(self.output)):
            remove(join(self.output, MANIFEST))  # the run goes on with the units that could not be fetched
        self.directory.prepare(overwrite)
        write_units(self.plan_path, self.units)

    def forget_not_fetched(self, units: Iterable[CurateUnit]) -> None:
        """Have the units done again of which bytes could not be had. A task's own alone: others are at theirs."""
        if any(not is_local(file.root or file.path) for file in self.files):
            self.records.forget_incomplete({unit.name for unit in units})

    def progress_summary(self) -> str:
        return f"{len(self.finished)} of {len(self.units)} units are finished"

    def execute(self, phases: Phases) -> Summary:
        """Run what is left of the run and finish it. Raises BrokenRun."""
        self.forget_not_fetched(self.units)
        resumed = self.finished
        self.run_units(phases, self.list_left(resumed), resumed)
        return self.finish(phases, self.record_sizes(), resumed)

    def execute_task(self, phases: Phases) -> TaskSummary:
        assert phases.execution.task is not None
        self.forget_not_fetched(phases.execution.task.of(self.units))
        self.run_units(phases, self.plan_path, self.finished)
        done = f"{len(self.finished):,} of {plural(len(self.units), 'unit')} are finished in {self.output}"
        done += f"; {self.fetch.shared(share_of(phases.execution)).politeness}" if self.is_remote else ""
        return TaskSummary(f"{done}; when all are, the same command with --finish instead of --part ends the run")

    def execute_finish(self, phases: Phases) -> Summary:
        sizes = self.record_sizes()
        require_all(sizes, [unit.name for unit in self.units], "curated")
        return self.finish(phases, sizes, frozenset(sizes))

    def finish(self, phases: Phases, sizes: Mapping[str, int], resumed: frozenset[str]) -> Summary:
        """What comes after all units. sizes: of their records. resumed: units that were finished before this run."""
        return finish(self, phases, sizes, resumed)
