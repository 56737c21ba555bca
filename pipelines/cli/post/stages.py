"""`bateia sft`, `rl`: the stages of training after the first."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pipelines.cli.command import Command
from pipelines.cli.options import require_packages
from pipelines.cli.settings import add_settings, given
from pipelines.cli.train import HOW

OF_STAGE = (
    *("steps", "batch_size", "accumulate", "optimizer", "lr", "schedule", "warmup", "decay"),
    *("weight_decay", "clip", "dtype", "remat"),
)


def add_training(parser: argparse.ArgumentParser, rate: str) -> None:
    """Options of a stage that begins with a run's weights."""
    from trainer.run.job import TrainJob
    from trainer.settings import TrainRecipe

    parser.add_argument("--run", dest="folder", required=True, metavar="DIR", help="run, or RUN@STEP, to begin with")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder to write, or to resume in")
    model: Any = parser.add_argument_group(
        "the training", f"a run is resumed with the same; the rate is by default {rate}"
    )
    add_settings(model, TrainRecipe, OF_STAGE)
    how: Any = parser.add_argument_group("how it is trained", "may differ when a run is resumed")
    add_settings(how, TrainJob, HOW)
    how.add_argument("--no-compile", action="store_true", help="torch: start at once, and train slower")


def add_sft(parser: argparse.ArgumentParser) -> None:
    from trainer.post.sft import Replay

    add_training(parser, "0.2 of the pretraining's default, if --lr gives no other")
    parser.add_argument("--conversations", required=True, metavar="DIR", help="output of `bateia converse shard`")
    add_settings(parser, Replay)
    only: Any = parser.add_mutually_exclusive_group()
    row = "train nothing but the output row of the token that {}, without weight decay".format
    only.add_argument("--only-refusal", action="store_true", help=row('says "I don\'t know"'))
    only.add_argument("--only-call", action="store_true", help=row("begins a tool's call"))


def run_sft(args: argparse.Namespace) -> int:
    from pipelines.engine.output import refuse_inside_dataset
    from trainer.run.job import TrainJob
    from trainer.settings import TrainRecipe

    refuse_inside_dataset(args.output)
    options = given(args, TrainJob)
    with require_packages(backend := options.get("backend", "jax")):
        from pipelines.stages.train import TextSamples, train
        from trainer.backend.make import make_group
        from trainer.post.sft import Replay, open_base, plan_sft

        group = make_group(backend)
        try:
            recipe, replay = TrainRecipe(**given(args, TrainRecipe)), Replay(**given(args, Replay))
            options |= {"output": args.output, "compiled": not args.no_compile}
            base = open_base(args.folder)
            row = base.chat().refusal if args.only_refusal else base.chat().call if args.only_call else None
            job, source = plan_sft(base, args.conversations, recipe, replay, row, **options)
            return train(job, TextSamples(0), group, source)
        finally:
            group.close()


# --- rl ---------------------------------------------------------------------------------------------------------------


def add_rl(parser: argparse.ArgumentParser) -> None:
    from trainer.post.rl import RlRecipe
    from trainer.run.job import TrainJob

    parser.add_argument("--run", dest="folder", required=True, metavar="DIR", help="run, or RUN@STEP, to begin with")
    parser.add_argument("--output", metavar="DIR", help="folder to write, or to resume in; none with --dry-run")
    add_settings(parser, RlRecipe)
    parser.add_argument("--dry-run", action="store_true", help="only say if there is anything for a reward to find")
    parser.add_argument("--anyway", action="store_true", help="train even if there is not")
    how: Any = parser.add_argument_group("how it is trained", "may differ when a run is resumed")
    add_settings(how, TrainJob, HOW)
    how.add_argument("--no-compile", action="store_true", help="torch: start at once, and train slower")


def run_rl(args: argparse.Namespace) -> int:
    from pipelines.engine.output import refuse_inside_dataset
    from schemas.faults import BadInput
    from trainer.run.job import TrainJob

    output: str = args.output or ""
    if not output and not args.dry_run:
        raise BadInput("give --output for the run, or --dry-run")
    options = given(args, TrainJob)
    with require_packages(backend := options.get("backend", "jax")):
        from pathlib import Path

        from pipelines.stages.train import TextSamples, train
        from trainer.backend.protocol import SingleProcess
        from trainer.generate.generator import make_decoder
        from trainer.post.rl import RlRecipe, look_at_gate, plan_rl
        from trainer.post.sft import open_base

        recipe, base = RlRecipe(**given(args, RlRecipe)), open_base(args.folder)
        if args.dry_run or not (Path(output) / "checkpoints").is_dir():  # a run that goes on has passed it
            gate = look_at_gate(base, recipe, make_decoder(backend, base.checkpoint.weights(), base.model))
            print(gate_text(gate), file=sys.stderr)
            if args.dry_run:
                return 0
            if gate.faults and not args.anyway:
                raise BadInput(f"a reward finds nothing here: {'; '.join(gate.faults)}; train it longer, or --anyway")
        refuse_inside_dataset(output)
        job, answers = plan_rl(base, recipe, output=output, compiled=not args.no_compile, **options)
        return train(job, TextSamples(0), SingleProcess(), answers, (answers,))


def gate_text(gate: Any) -> str:
    gap = "none to tell" if gate.gap is None else f"{gate.gap:+.2f}"
    return (
        f"better way {gate.better_rate:.1%} of the answers, its accuracy {gap} to the direct one, rewards differ in "
        f"{gate.live_groups:.0%} of the groups"
    )


COMMANDS = (
    Command(
        name="rl",
        group="assistant",
        about="Reinforce a fine-tuned model by a reward that can be verified, as a calculator's or a sum's",
        example="bateia rl --run out/sft --task multiply --steps 40 --output out/rl",
        options=add_rl,
        run=run_rl,
        reads=("folder",),
        huge_pages=True,
    ),
    Command(
        name="sft",
        group="assistant",
        about="Fine-tune a trained model on conversations, with rows of its pretraining among them",
        example="bateia sft --run out/model --conversations out/conversations --steps 200 --output out/sft",
        options=add_sft,
        run=run_sft,
        reads=("folder", "conversations"),
        huge_pages=True,
    ),
)
