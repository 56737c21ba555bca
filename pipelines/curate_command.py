"""`bateia curate`: its options and what it tells."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from pipelines.stage_command import add_curate_options, add_run_options, run_stage


def add_curate(commands: Any) -> None:
    command = commands.add_parser(
        "curate", help="WARC files to a filtered Parquet dataset and a ledger of every page", allow_abbrev=False
    )
    command.add_argument("--recipe", required=True, metavar="NAME", help="a recipe, or path/to/file.py:NAME")
    add_curate_options(command)
    add_run_options(command)
    command.set_defaults(run=run_curate, takes_beam_args=True)


def run_curate(args: argparse.Namespace) -> int:
    from pipelines.curate import prepare
    from pipelines.recipes import find_recipe

    run = plan(find_recipe(args.recipe), args, args.output)
    prepare(run, args.overwrite)
    return run_stage(run.output, work_of(run, args), lambda: how_far(run))


def plan(recipe: Any, args: argparse.Namespace, output: str) -> Any:
    """The run that the options describe. Raises BadInput."""
    from pipelines.bind import bind
    from pipelines.curate import plan_run
    from pipelines.inputs import find_inputs

    files = find_inputs(args.input, args.paths_root)
    for file in files:
        if file.problem:
            sys.stderr.write(f"bateia: warning: {file.path} {file.problem}; it is left out\n")
    bound = bind(recipe, args.no_blocklist)
    return plan_run(output, bound, files, args.unit_mb, args.dump, args.keep_dropped)


def work_of(run: Any, args: argparse.Namespace) -> Callable[[], str]:
    from pipelines.curate import execute

    def work() -> str:
        report = execute(run, args.workers, args.beam_args, guard=not args.no_guard, show_progress=not args.quiet)
        return summary(run.output, report)

    return work


def how_far(run: Any) -> str:
    from pipelines.curate import finished_units

    return f"{len(finished_units(run))} of {len(run.units)} units are finished"


def summary(output: str, report: dict[str, Any]) -> str:
    counts, pace = report["counts"], report["throughput"]
    share = counts["kept"] / counts["read"] if counts["read"] else 0.0
    lines = [
        f"{counts['read']:,} pages read = {counts['kept']:,} kept ({share:.1%}) + {counts['dropped']:,} dropped "
        f"+ {counts['unreadable']:,} unreadable; {pace['cpu_ms_per_page']:.1f} CPU ms a page, {pace['wall_s']:.0f} s"
    ]
    width = max(len(row["stage"]) for row in report["funnel"])
    for row in report["funnel"]:
        lines.append(f"  {row['stage']:<{width}}  {row['reached']:>9,}  −{row['dropped']:,}")
    lines.append(f"dataset {report['dataset_hash'][:16]}…  data: {output}/data  fates: {output}/ledger")
    lines.append(f"look at {output}/report.html")
    return "\n".join(lines)
