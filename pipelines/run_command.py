"""`bateia run`: every stage of the data, one after the other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from pipelines import curate_command, dedup_command, shard_command
from pipelines.shard_command import add_split_options
from pipelines.stage_command import add_curate_options, add_dedup_options, add_run_options, run_stage

STAGES = ("documents", "corpus", "shards")


def add_run(commands: Any) -> None:
    command = commands.add_parser(
        "run", help="all stages: WARC files to DIR/documents, DIR/corpus, DIR/shards", allow_abbrev=False
    )
    command.add_argument("--recipe", required=True, metavar="NAME", help="a recipe, or path/to/file.py:NAME")
    add_curate_options(command)
    add_dedup_options(command)
    command.add_argument("--until", choices=STAGES, default=STAGES[-1], help="last stage to run (default shards)")
    add_split_options(command)
    add_run_options(command)
    command.set_defaults(run=run_all, takes_beam_args=True)


def run_all(args: argparse.Namespace) -> int:
    from pipelines import curate, dedup, shard
    from pipelines.recipes import find_recipe
    from schemas.storage import join

    recipe = find_recipe(args.recipe)
    documents, corpus = join(args.output, "documents"), join(args.output, "corpus")
    last = STAGES.index(args.until) + 1
    first = curate_command.plan(recipe, args, documents)
    code = stage(
        f"1/{last} curate", first, args, curate.prepare, curate_command.work_of, lambda: curate_command.how_far(first)
    )
    if code or last == 1:
        return code
    second = dedup_command.plan(recipe, args, [documents], corpus)
    code = stage(
        f"2/{last} dedup", second, args, dedup.prepare, dedup_command.work_of, lambda: dedup_command.how_far(second)
    )
    if code or last == 2:
        return code
    third = shard_command.plan(args, [corpus], join(args.output, "shards"))
    return stage("3/3 shard", third, args, shard.prepare, shard_command.work_of, lambda: shard_command.how_far(third))


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
