"""`bateia shard`, `plan`: a corpus to token shards, and which training row holds what."""

from __future__ import annotations

import argparse

from pipelines.cli.command import Command
from pipelines.cli.options import OWN, TOKENIZER, add_execution, add_sources, documents_of, execution_of, or_check
from pipelines.cli.settings import add_settings, given
from transforms.lean_beam import load_beam

PLAN_OPTIONS = ("context", "packing", "epochs", "tokens", "mixture", "by")
DOCUMENTS = f"outputs of `bateia dedup` or `curate`, or {OWN}"


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    from transforms.steps.tokens.settings import PlanSettings

    parser.add_argument("--seed", type=int, default=1, metavar="N", help="draws the order, and what else is drawn")
    add_settings(parser, PlanSettings, PLAN_OPTIONS, {"by": "--mixture-by"})


def add_shard(parser: argparse.ArgumentParser) -> None:
    from transforms.steps.tokens.settings import Split

    parser.add_argument("--input", required=True, nargs="+", metavar="DIR", help=DOCUMENTS)
    parser.add_argument("--tokenizer", metavar="PATH", help=f"one's own: {TOKENIZER} (default: one is trained)")
    parser.add_argument("--bos-token", metavar="NAME", help="its special token that begins documents")
    add_tokenizer_options(parser)
    add_settings(parser, Split, ("fraction",), {"fraction": "--val-fraction"})
    add_plan_options(parser)
    add_sources(parser)
    add_execution(parser, array=True)


def add_tokenizer_options(parser: argparse.ArgumentParser) -> None:
    from transforms.steps.tokens.settings import TrainTokenizer

    names = ("algorithm", "vocab_size", "sample_mb", "weights")
    add_settings(parser, TrainTokenizer, names, {"weights": "--language-weights"})


def run_shard(args: argparse.Namespace) -> int:
    load_beam()  # as lean as the stage's modules would not
    from pipelines.engine.run import run_stage
    from pipelines.stages.shard import plan_shards
    from transforms.steps.tokens.settings import PlanSettings, Split, TrainTokenizer

    training = TrainTokenizer(**given(args, TrainTokenizer), seed=args.seed)
    split = Split(**given(args, Split), seed=args.seed)
    plan = PlanSettings(**given(args, PlanSettings), seed=args.seed)
    run = plan_shards(args.output, documents_of(args), training, split, plan, args.tokenizer, args.bos_token)
    return run_stage(run, execution_of(args))


def add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shards", required=True, metavar="DIR", help="output of `bateia shard`")
    parser.add_argument("--name", required=True, metavar="NAME", help="of the plan: DIR/plan/NAME")
    add_plan_options(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace a plan of this name")
    add_execution(parser, output=None)


def run_plan(args: argparse.Namespace) -> int:
    load_beam()
    from pipelines.engine.run import run_stage
    from pipelines.stages.plan import plan_plan
    from transforms.steps.tokens.settings import PlanSettings

    settings = PlanSettings(**given(args, PlanSettings), name=args.name, seed=args.seed)
    run = plan_plan(args.shards, settings)
    if run.is_finished() and not args.overwrite:
        print(f"plan {run.output} is finished")
        return 0
    return run_stage(run, execution_of(args))


COMMANDS = (
    Command(
        name="shard",
        group="shards",
        about="Turn documents into token shards, with a tokenizer and a first plan of training rows",
        example="bateia shard --input out/corpus --output out/shards --context 1024",
        options=add_shard,
        run=or_check(run_shard),
        reads=("input",),
        takes_beam_args=True,
    ),
    Command(
        name="plan",
        group="shards",
        about="Make another plan over the same shards: context, seed, packing, mixture",
        example="bateia plan --shards out/shards --name long --context 4096 --packing bos_bestfit",
        options=add_plan,
        run=run_plan,
        reads=("shards",),
        takes_beam_args=True,
    ),
)
