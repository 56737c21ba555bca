"""`bateia run`: every stage that exists, one after the other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from pipelines import curate_command, dedup_command
from pipelines.stage_command import add_curate_options, add_dedup_options, add_run_options, run_stage


def add_run(commands: Any) -> None:
    command = commands.add_parser(
        "run", help="all stages: WARC files to DIR/documents and DIR/corpus", allow_abbrev=False
    )
    command.add_argument("--recipe", required=True, metavar="NAME", help="a recipe, or path/to/file.py:NAME")
    add_curate_options(command)
    add_dedup_options(command)
    add_run_options(command)
    command.set_defaults(run=run_all, takes_beam_args=True)


def run_all(args: argparse.Namespace) -> int:
    from pipelines import curate, dedup
    from pipelines.recipes import find_recipe
    from schemas.storage import join

    recipe = find_recipe(args.recipe)
    documents, corpus = join(args.output, "documents"), join(args.output, "corpus")
    first = curate_command.plan(recipe, args, documents)
    code = stage(
        "1/2 curate", first, args, curate.prepare, curate_command.work_of, lambda: curate_command.how_far(first)
    )
    if code:
        return code
    second = dedup_command.plan(recipe, args, [documents], corpus)
    return stage("2/2 dedup", second, args, dedup.prepare, dedup_command.work_of, lambda: dedup_command.how_far(second))


def stage(
    label: str,
    run: Any,
    args: argparse.Namespace,
    prepare: Callable[[Any, bool], None],
    work_of: Callable[[Any, argparse.Namespace], Callable[[], str]],
    how_far: Callable[[], str],
) -> int:
    """Run one stage, or pass over it if this very run of it is finished. Returns the exit code."""
    if not args.overwrite and run.place.is_finished():
        print(f"[{label}] {run.output} is finished")
        return 0
    prepare(run, args.overwrite)
    if not args.quiet:
        sys.stderr.write(f"[{label}]\n")
    return run_stage(run.output, work_of(run, args), how_far)
