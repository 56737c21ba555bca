"""`bateia dedup`: its options and what it tells."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from pipelines.stage_command import add_dedup_options, add_run_options, run_stage


def add_dedup(commands: Any) -> None:
    command = commands.add_parser(
        "dedup", help="documents to a corpus without duplicates and personal data", allow_abbrev=False
    )
    command.add_argument(
        "--recipe", metavar="NAME", help="a recipe, or path/to/file.py:NAME; default: the documents' own"
    )
    command.add_argument("--input", required=True, nargs="+", metavar="DIR", help="outputs of `bateia curate`")
    add_dedup_options(command)
    add_run_options(command)
    command.set_defaults(run=run_dedup, takes_beam_args=True)


def run_dedup(args: argparse.Namespace) -> int:
    from pipelines.dedup import prepare

    run = plan(recipe_of(args.recipe, args.input), args, args.input, args.output)
    prepare(run, args.overwrite)
    return run_stage(run.output, work_of(run, args), lambda: how_far(run))


def recipe_of(name: str | None, inputs: list[str]) -> Any:
    """The recipe named, or the one that the inputs were made by. Raises BadInput if they don't tell one."""
    from pipelines.corpus_plan import READABLE, finished
    from pipelines.faults import BadInput
    from pipelines.recipes import RECIPES, find_recipe

    if name is not None:
        return find_recipe(name)
    names = sorted({finished(path, READABLE).settings["recipe"]["name"] for path in inputs})
    if len(names) > 1 or names[0] not in RECIPES:
        raise BadInput(f"the documents were made by {' and '.join(names)}; say what to do with --recipe")
    return RECIPES[names[0]]


def plan(recipe: Any, args: argparse.Namespace, inputs: list[str], output: str) -> Any:
    from pipelines.dedup import plan_dedup

    run = plan_dedup(output, recipe.name, recipe.corpus, inputs, args.against, args.tokenizer)
    if run.recipe != recipe.corpus:
        sys.stderr.write(
            f"bateia: note: recipe '{recipe.name}' compares documents of one dump; with --against all are compared\n"
        )
    return run


def work_of(run: Any, args: argparse.Namespace) -> Callable[[], str]:
    from pipelines.dedup import execute
    from pipelines.phase_line import PhaseLine

    def work() -> str:
        with PhaseLine(run, shown=not args.quiet) as line:
            report = execute(run, args.workers, args.beam_args, guard=not args.no_guard, begin=line.begin)
        return summary(run.output, report)

    return work


def how_far(run: Any) -> str:
    from schemas.storage import size_of
    from transforms.corpus_parts import is_finished

    signed = sum(size_of(run.workplace.signatures(part.name)) is not None for part in run.parts)
    written = sum(is_finished(run.output, part.name) for part in run.parts)
    return f"of {len(run.parts)} parts {signed} are signed and {written} written"


def summary(output: str, report: dict[str, Any]) -> str:
    counts, pace = report["counts"], report["throughput"]
    exact, near, earlier = (counts[f"removed_{name}"] for name in ("exact", "near", "earlier"))
    of_earlier = f", {earlier:,} of these for an earlier corpus" if earlier else ""
    share = counts["kept"] / counts["read"] if counts["read"] else 0.0
    rate = f"{pace['documents_per_s']:,.0f} documents/s, {pace['wall_s']:.0f} s"
    return "\n".join(
        [
            f"{counts['read']:,} documents read = {counts['kept']:,} kept ({share:.1%}) + {exact:,} exact "
            f"+ {near:,} near duplicates in {counts['clusters']:,} clusters{of_earlier}; {rate}",
            f"dataset {report['dataset_hash'][:16]}…  data: {output}/data  duplicates: {output}/clusters",
            f"look at {output}/report.html and at the dataset card {output}/README.md",
        ]
    )
