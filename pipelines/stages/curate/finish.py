"""The end of a curation: units added up, numbers held against each other, card, report and manifest written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.engine.inputs import changed_files
from pipelines.engine.run import Phases, share_of
from pipelines.stages.curate.job import STAGE, VERSIONED, CurateJob
from pipelines.stages.curate.totals import add_up, forget_damaged, throughput_of
from schemas.faults import BadInput, BrokenRun
from schemas.manifest import FileEntry, Manifest, hash_dataset, sorted_files, versions, write_manifest
from schemas.storage import join, remove, remove_folder, remove_temporary, write_whole
from schemas.tally import Tally, funnel
from schemas.wording import plural
from transforms.steps.recipe import CurateRecipe
from transforms.steps.sources.selection import NOT_FETCHED
from transforms.steps.text.dictionaries import splitters_of
from transforms.steps.warc.reader import kinds_text
from transforms.units import PROGRESS

if TYPE_CHECKING:
    from pipelines.reports.curate import CurateReport


FOLDERS = ("data", "ledger")  # of its tables
GUARDED_FROM = 200  # documents reaching a stage before its drop rate means anything
# A foreign crawl, a bad neighbourhood, or a list of one's own is no broken run.
UNGUARDED = {"read", "excluded", "robots_txt", "reserved", "rights", "url", "language_gate", "language"}


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


def not_fetched_of(tally: Tally) -> int:
    return tally.reasons[("read", NOT_FETCHED, "unreadable")]


def not_fetched_in(manifest: Manifest | None) -> int:
    """Records and units of a finished run that could not be fetched, and may be there another time."""
    return int(manifest.counts.get(NOT_FETCHED, 0)) if manifest is not None else 0


def finish(run: CurateJob, phases: Phases, sizes: Mapping[str, int], resumed: frozenset[str]) -> CurateSummary:
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


def check_inputs(run: CurateJob) -> None:
    """Raise BrokenRun if a file is not the one that was planned: what was read of it may be of either."""
    if changed := changed_files(run.files):
        raise BrokenRun(
            f"input {changed[0]} was changed or removed while it was read; run with --overwrite, or restore the file"
        )


def check(run: CurateJob, tally: Tally, files: Iterable[FileEntry], guard: bool) -> None:
    """Raise BrokenRun if numbers don't add up or, with the guard, if a stage dropped an absurd share."""
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
