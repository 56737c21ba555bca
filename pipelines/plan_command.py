"""`bateia plan`: its options and what it tells."""

from __future__ import annotations

import argparse
import math
from typing import Any

from pipelines.stage_command import positive, run_stage
from pipelines.training_options import weight
from schemas.shards import CONCAT, PACKINGS


def add_plan_options(command: Any) -> None:
    """What a plan is made by, for `bateia plan` and `bateia shard`."""
    command.add_argument(
        "--context", type=positive, default=1024, metavar="N", help="tokens that the model sees at once (default 1024)"
    )
    command.add_argument("--seed", type=int, default=1, metavar="N", help="of shuffle, split and sample (default 1)")
    packing = "concat (default): nothing is lost; bos_bestfit: every row begins with a document"
    command.add_argument("--packing", choices=PACKINGS, default=CONCAT, help=packing)
    amount = command.add_mutually_exclusive_group()
    amount.add_argument("--epochs", type=above_zero, metavar="E", help="how often documents are seen (default 1)")
    amount.add_argument("--tokens", type=positive, metavar="N", help="tokens in all, repeated or left out as needed")
    mixture = "shares of the tokens, such as en=3 pt=1; others are left out"
    command.add_argument("--mixture", type=share, nargs="+", metavar="NAME=W", help=mixture)
    command.add_argument(
        "--mixture-by", choices=("language", "dump"), default="language", help="what the names are (default language)"
    )


def above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is no number above 0")
    return value


def share(text: str) -> tuple[str, float]:
    name, value = weight(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}': a share is a number above 0; leave out what is not to be seen")
    return name, value


def settings_of(args: argparse.Namespace, name: str) -> Any:
    from pipelines.plan import PlanSettings

    return PlanSettings(
        name=name,
        context=args.context,
        seed=args.seed,
        packing=args.packing,
        epochs=args.epochs,
        tokens=args.tokens,
        mixture=tuple(sorted(dict(args.mixture).items())) if args.mixture else None,
        by=args.mixture_by,
    )


def add_plan(commands: Any) -> None:
    command = commands.add_parser(
        "plan", help="another plan over the same shards: context, seed, packing, mixture", allow_abbrev=False
    )
    command.add_argument("--shards", required=True, metavar="DIR", help="output of `bateia shard`")
    command.add_argument("--name", required=True, metavar="NAME", help="of the plan: DIR/plan/NAME")
    add_plan_options(command)
    command.add_argument("--workers", type=positive, default=1, metavar="N", help="processes of the in-process runner")
    command.add_argument("--overwrite", action="store_true", help="replace a plan of this name")
    command.set_defaults(run=run_plan, takes_beam_args=True)


def run_plan(args: argparse.Namespace) -> int:
    from pipelines.faults import BadInput
    from pipelines.phases import Phases
    from pipelines.plan import make_plan, plan_place, plan_settings_fit, shards_and_docs
    from schemas.manifest import MANIFEST
    from schemas.storage import join, size_of

    settings = settings_of(args, args.name)
    shards, docs = shards_and_docs(args.shards)
    plan_settings_fit(shards, settings)
    place = plan_place(shards, settings)
    if place.is_finished() and not args.overwrite:
        print(f"plan {place.output} is finished")
        return 0
    if not args.overwrite and size_of(join(place.output, MANIFEST)) is not None:
        raise BadInput(f"plan {place.output} exists with other settings; choose another --name, or --overwrite it")
    place.prepare(args.overwrite)
    phases = Phases(args.workers, args.beam_args, begin=lambda name: None)

    def work() -> str:
        return told(args.name, make_plan(shards, docs, settings, phases), args.context)

    return run_stage(place.output, work, lambda: f"nothing of the plan in {join(place.output, 'manifest.json')} yet")


def told(name: str, counts: dict[str, Any], context: int) -> str:
    cut = f", {counts['cut']:,} tokens cut" if counts["cut"] else ""
    return (
        f"plan {name}: {counts['documents']:,} documents, {counts['tokens']:,} tokens in {counts['rows']:,} rows of "
        f"{context:,} + 1{cut}; {len(counts['slices'])} validation slices"
    )
