"""`bateia templates`: which lines a site repeats on its pages. It reads what curate is to read, before it.

How often a line stands on a site is known only when all its pages are extracted, so this is a run of its own: the
recipe's pages and extraction, and of what they give hashes alone. Curate then looks them up page by page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.lib import format as npy

from pipelines.assets.bind import bind
from pipelines.engine.run import Phases
from pipelines.recipes.recipe import Recipe
from pipelines.stages.curate.finish import check_inputs, not_fetched_line, not_fetched_of
from pipelines.stages.curate.job import VERSIONED
from pipelines.stages.curate.plan import CurateOptions, curate_run, excluding, inputs_of
from pipelines.stages.curate.run import CurateRun
from pipelines.stages.curate.totals import add_up
from schemas.faults import BadInput, BrokenRun
from schemas.manifest import FileEntry, Manifest, hash_dataset, versions, write_manifest
from schemas.setting import setting
from schemas.storage import absolute, join, open_read, remove, remove_folder, write_whole
from schemas.tally import Tally
from schemas.wording import plural
from transforms.dedup.site_lines import RANGES, CountLines, FindLines, KeyRange
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.sources.columns import Columns
from transforms.steps.sources.read import SELECTION
from transforms.steps.sources.selection import NOT_FETCHED
from transforms.steps.templates.remove import KEYS, STAGE, RemoveTemplateLines
from transforms.steps.warc.reader import kinds_text
from transforms.units import PROGRESS, Records, write_units

RANGE_BYTES = 512 << 20  # of input for a range of keys: some 10 MB of lines out of WARC files, 100 out of plain texts
RECORD_BYTES = 25 << 10  # of a record that a selection names
MAX_RANGES = 1024  # each is a reading of every unit's file
OPTIONS = ("no_blocklist", "exclude_hosts", "paths_root", "unit_mb")  # those of CurateOptions that matter here


@dataclass(frozen=True)
class TemplateOptions:
    """What counts as a site's template. Raises BadInput."""

    min_pages: int = setting(
        3,
        "pages of a site, of different text, on which a line of its template stands",
        "ours, benchmarks/curate/site_templates.py",
    )

    def __post_init__(self) -> None:
        if self.min_pages < 2:
            raise BadInput(f"--min-pages {self.min_pages}: what stands on one page is no template; give 2 or more")


@dataclass(frozen=True)
class TemplatesSummary:
    """The result of a run.

    pages, texts: that were read, and those of them that gave text.
    seen, found: different lines of sites, and those that are template.
    not_fetched: what could not be had, in a sentence; empty if nothing.
    """

    output: str
    pages: int
    texts: int
    seen: int
    found: int
    not_fetched: str = ""

    def lines(self) -> list[str]:
        share = self.found / self.seen if self.seen else 0.0
        return [
            f"{plural(self.pages, 'page')} read, {self.texts:,} with text",
            f"{self.found:,} of {plural(self.seen, 'line')} of sites ({share:.1%}) are template",
            *([self.not_fetched] if self.not_fetched else []),
            f"take them out with: bateia curate --templates {self.output} …",
        ]


@dataclass(frozen=True)
class TemplatesRun(CurateRun):
    """One run as asked for: curate's units, another work on them, and what is counted when all are done."""

    stage: ClassVar[str] = STAGE
    folders: ClassVar[tuple[str, ...]] = ("units", "work", PROGRESS)
    written: ClassVar[tuple[str, ...]] = (KEYS, "plan.jsonl", "failure.log")

    @property
    def min_pages(self) -> int:
        return self.settings["min_pages"]

    @property
    def ranges(self) -> int:
        """How many ranges the keys are cut into, which changes no byte of the result."""
        sizes = {file.path: file.size for file in self.files}
        for unit in self.units:
            if unit.kind == SELECTION:
                sizes[f"{unit.name} "] = (unit.end - unit.start) * RECORD_BYTES
        return min(MAX_RANGES, 1 + sum(sizes.values()) // RANGE_BYTES)

    def work(self, fetch: FetchSettings) -> FindLines:
        return FindLines(*self.given(fetch), ranges=self.ranges, min_pages=self.min_pages)

    def finish(self, phases: Phases, sizes: Mapping[str, int], resumed: frozenset[str]) -> TemplatesSummary:
        """Count what all units have found and write the keys and, last, the manifest.

        Raises BadInput, with nothing left behind, if there was no page to read, and BrokenRun if numbers don't add up.
        """
        check_inputs(self)
        totals = add_up(self.records, sizes, phases)
        self.directory.refuse_damaged(self.records, totals.files, self.directory.sizes(("work",)))
        tally = totals.tally
        if not tally.read:
            self.directory.clear()
            names = ", ".join(file.path for file in self.files[:3])
            raise BadInput(f"{names}: no HTTP response, {kinds_text(tally.skipped)}; give WARC files with responses")
        if not tally.adds_up():
            raise BrokenRun(f"the pages of {self.output} do not add up: {tally.to_json()}; this is a defect")
        seen, found, entry = self._count(phases)
        write_manifest(self.output, self._manifest(tally, seen, found, entry))
        missing = not_fetched_line(tally)
        for folder in (PROGRESS, RANGES if missing else "work"):  # lines are counted again with those that come yet
            remove_folder(join(self.output, folder))
        remove(join(self.output, "failure.log"))
        return TemplatesSummary(self.output, tally.read, tally.kept, seen, found, missing)

    def _count(self, phases: Phases) -> tuple[int, int, FileEntry]:
        """Lines seen, lines of templates, and the file of their keys."""
        ranges = [KeyRange(f"{number:04}", number) for number in range(self.ranges)]
        listed, counted = join(self.output, "work", "ranges.jsonl"), Records(self.output, RANGES)
        remove_folder(join(self.output, RANGES))  # an earlier run's may be of units that were done again
        write_units(listed, ranges)
        work = CountLines(absolute(self.output), absolute(self.plan_path), len(ranges), self.min_pages)
        phases.run_units("count", listed, work, counted, [(unit.name, 1) for unit in ranges], "range")
        tallies = [counted.read(unit.name)["tally"] for unit in ranges]
        seen, found = (sum(tally[name] for tally in tallies) for name in ("lines", "templates"))
        header = {"descr": npy.dtype_to_descr(np.dtype("<u8")), "fortran_order": False, "shape": (found,)}
        with write_whole(join(self.output, KEYS)) as file:
            npy.write_array_header_1_0(file, header)  # pyright: ignore[reportArgumentType] - it has `write`
            for unit in ranges:
                with open_read(join(self.output, RANGES, f"{unit.name}.bin")) as keys:
                    file.write(keys.read())
        return seen, found, FileEntry(KEYS, found, file.bytes, file.sha256)

    def _manifest(self, tally: Tally, seen: int, found: int, entry: FileEntry) -> Manifest:
        missing = not_fetched_of(tally)
        return Manifest(
            stage=self.stage,
            settings=self.settings,
            versions=versions((*VERSIONED, *RemoveTemplateLines.distributions)),
            source=self.source,
            counts={"read": tally.read, "texts": tally.kept, "lines": seen, "templates": found}
            | ({NOT_FETCHED: missing} if missing else {}),
            files=(entry,),
            dataset_hash=hash_dataset([entry]),
        )


def plan_templates(
    recipe: Recipe,
    inputs: list[str],
    output: str,
    asked: TemplateOptions,
    options: CurateOptions,
    columns: Columns = Columns(),  # noqa: B008  frozen
    fetch: FetchSettings = FetchSettings(),  # noqa: B008  frozen
) -> TemplatesRun:
    """A run of a recipe's pages and extraction on files, crawls and lists of them. Raises BadInput.

    No step on documents is applied: which pages a rule drops says nothing of what their site repeats.
    """
    if options.exclude_hosts is not None:
        recipe = excluding(recipe, options.exclude_hosts)
    bound = bind(replace(recipe, curate=replace(recipe.curate, documents=())), options.no_blocklist)
    run = curate_run(output, bound, inputs_of(inputs, options, columns, fetch), options, columns, fetch)
    settings = run.settings | {"min_pages": asked.min_pages}
    return TemplatesRun(output, bound, run.files, run.units, settings, columns, fetch)
