"""`bateia train`, `export`: shards to a model, and a model to a folder for others."""

from __future__ import annotations

import argparse
from typing import Any

from pipelines.cli.command import Command
from pipelines.cli.options import require_packages
from pipelines.cli.settings import add_settings, given, number, whole

HOW = ("backend", "save_every", "keep", "keep_every", "eval_every", "eval_rows", "devices", "overwrite", "quiet")


def add_train(parser: argparse.ArgumentParser) -> None:
    from trainer.run.job import TrainJob
    from trainer.settings import TrainRecipe

    parser.add_argument("--shards", required=True, metavar="DIR", help="output of `bateia shard`")
    parser.add_argument("--plan", default="main", metavar="NAME", help="plan of the shards")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder to write, or to resume in")
    model: Any = parser.add_argument_group("the model", "what its numbers depend on: a run is resumed with the same")
    add_settings(model, TrainRecipe)
    for action in parser._actions:
        if "--steps" in action.option_strings:
            action.required = False
    per_parameter = "train for so many tokens for each parameter instead of --steps; about 20 is Chinchilla's choice"
    model.add_argument("--tokens-per-parameter", type=number, metavar="X", help=per_parameter)
    how: Any = parser.add_argument_group("how it is trained", "may differ when a run is resumed")
    add_settings(how, TrainJob, HOW)
    how.add_argument("--no-compile", action="store_true", help="torch: start at once, and train slower")
    how.add_argument("--sample-tokens", type=whole, default=64, metavar="N", help="length of sampled texts; 0: none")
    how.add_argument(
        "--prompt", action="append", default=[], metavar="TEXT", help="text to continue at each evaluation"
    )


def run_train(args: argparse.Namespace) -> int:
    from pipelines.engine.output import refuse_inside_dataset
    from trainer.run.job import TrainJob
    from trainer.settings import TrainRecipe
    from transforms.lean_beam import leave_pandas_out

    refuse_inside_dataset(args.output)
    leave_pandas_out()
    options = given(args, TrainJob)
    backend = options.get("backend", "jax")
    with require_packages(backend):
        from pipelines.stages.train import TextSamples, plan_training, train
        from trainer.backend.make import make_group

        group = make_group(backend)
        try:
            recipe = TrainRecipe(**with_steps(args, given(args, TrainRecipe)))
            job = plan_training(
                args.shards, args.plan, recipe, output=args.output, compiled=not args.no_compile, **options
            )
            return train(job, TextSamples(args.sample_tokens, tuple(args.prompt)), group)
        finally:
            group.close()


def with_steps(args: argparse.Namespace, asked: dict[str, Any]) -> dict[str, Any]:
    """The recipe's options, the steps worked out where tokens for each parameter are asked for.

    Raises BadInput if both or neither of the two are given.
    """
    from schemas.faults import BadInput
    from trainer.forecast import steps_for
    from trainer.run.job import read_data
    from trainer.settings import TrainRecipe

    if ("steps" in asked) == (args.tokens_per_parameter is not None):
        raise BadInput("give either --steps or --tokens-per-parameter")
    if "steps" in asked:
        return asked
    recipe = TrainRecipe(**asked, steps=1)
    shards, plan = read_data(args.shards, args.plan)
    settings = recipe.settings_for(shards.vocab_size, plan.context)
    return {**asked, "steps": steps_for(settings, args.tokens_per_parameter)}


def add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", dest="folder", required=True, metavar="DIR", help="output of `bateia train`")
    parser.add_argument("--format", default="hf", metavar="NAME", help="hf: for Hugging Face transformers")
    parser.add_argument("--output", metavar="DIR", help="folder to write (default RUN/hf)")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier export")


def refuse_output(output: str, run: str) -> None:
    """Raises BadInput for an export's folder that is in a bucket, or in another run's or stage's folder."""
    from pipelines.engine.output import refuse_inside_dataset
    from schemas.faults import BadInput

    if "://" in output:
        raise BadInput(f"output {output}: an export is written to a local folder; copy it where it belongs afterwards")
    refuse_inside_dataset(output, but=run)


def run_export(args: argparse.Namespace) -> int:
    from pathlib import Path

    from schemas.faults import BadInput

    with require_packages():
        from trainer.export import FORMATS, export_hf

        if args.format not in FORMATS:
            raise BadInput(f"no format is called '{args.format}'; known: {', '.join(FORMATS)}")
        if args.output is not None:
            refuse_output(args.output, args.folder)
        output = Path(args.output or f"{args.folder.rstrip('/')}/{args.format}")
        files = export_hf(Path(args.folder), output, args.overwrite)
    print(f"{output}: {', '.join(files)}; transformers.AutoModelForCausalLM.from_pretrained('{output}') loads it")
    return 0


COMMANDS = (
    Command(
        name="train",
        group="model",
        about="Train a language model on shards, in JAX or PyTorch, going on where it stopped",
        example="bateia train --shards out/shards --model nano --steps 500 --output out/model",
        options=add_train,
        run=run_train,
        reads=("shards",),
        huge_pages=True,
    ),
    Command(
        name="export",
        group="model",
        about="Write a trained model as a folder that Hugging Face transformers loads",
        example="bateia export --run out/model",
        options=add_export,
        run=run_export,
        reads=("folder",),
    ),
)
