"""Every command's options, and what it calls. Heavy imports happen in the command that needs them."""

from __future__ import annotations

import argparse
from typing import Any

from pipelines.curate_command import add_curate
from pipelines.dedup_command import add_dedup
from pipelines.forget_command import add_forget
from pipelines.kshot_command import add_kshot
from pipelines.lineage_command import add_explain, add_explain_batch
from pipelines.memorize_command import add_memorize
from pipelines.plan_command import add_plan
from pipelines.run_command import add_run
from pipelines.sample_model_command import add_sampling, run_sampling
from pipelines.shard_command import add_shard
from pipelines.shards_command import add_shards
from pipelines.surprise_command import add_surprise
from pipelines.tokenizer_command import add_tokenizer, add_tokens
from pipelines.train_command import add_export, add_train


def add_commands(commands: Any) -> None:
    add_run(commands)
    add_curate(commands)
    add_dedup(commands)
    add_shard(commands)
    add_plan(commands)
    add_shards(commands)
    add_forget(commands)
    add_train(commands)
    add_export(commands)
    add_surprise(commands)
    add_kshot(commands)
    add_memorize(commands)
    add_tokenizer(commands)
    add_tokens(commands)
    add_show(commands)
    add_try(commands)
    add_explain(commands)
    add_explain_batch(commands)
    add_sample(commands)
    add_assets(commands)


def add_show(commands: Any) -> None:
    command = commands.add_parser("show", help="a recipe's steps, thresholds and their sources", allow_abbrev=False)
    command.add_argument("recipe", metavar="RECIPE")
    command.set_defaults(run=run_show)


def run_show(args: argparse.Namespace) -> int:
    from pipelines.describe import show
    from pipelines.recipes import find_recipe

    print(show(find_recipe(args.recipe)))
    return 0


def add_try(commands: Any) -> None:
    command = commands.add_parser("try", help="one page through a recipe, every rule's verdict", allow_abbrev=False)
    command.add_argument("recipe", metavar="RECIPE")
    command.add_argument("page", nargs="?", metavar="PAGE.html", help="an HTML file")
    command.add_argument("--warc", metavar="FILE", help="take the page from a WARC file")
    command.add_argument("--offset", type=int, metavar="N", help="byte offset of its record")
    command.add_argument("--url", metavar="URL", help="with --warc: its URL; with an HTML file: the URL to judge")
    command.add_argument("--no-blocklist", action="store_true", help="without the recipe's URL block list")
    command.set_defaults(run=run_try)


def run_try(args: argparse.Namespace) -> int:
    from pipelines.bind import bind
    from pipelines.recipes import find_recipe
    from pipelines.trial import find_response, try_response

    recipe = find_recipe(args.recipe)
    response = find_response(args.page, args.warc, args.offset, args.url, recipe.read)
    print(try_response(bind(recipe, args.no_blocklist).recipe, response, args.warc or args.page or ""))
    return 0


def add_sample(commands: Any) -> None:
    command = commands.add_parser(
        "sample",
        help="let a trained model write (--run), or write the embedded sample as WARC files (--output)",
        allow_abbrev=False,
    )
    command.add_argument("--output", metavar="DIR", help="write the embedded sample there as WARC files")
    add_sampling(command)
    command.set_defaults(run=run_sample)


def run_sample(args: argparse.Namespace) -> int:
    from pipelines.faults import BadInput

    if (args.output is None) == (args.folder is None):
        raise BadInput("give --run DIR for a model's text, or --output DIR for the embedded sample, and not both")
    if args.folder is not None:
        return run_sampling(args)
    return write_sample(args.output)


def write_sample(output: str) -> int:
    from pathlib import Path

    from pipelines.inputs import writable
    from pipelines.sample.build import build_sample

    writable(output)
    build_sample(Path(output))
    print(f"the sample is in {output}: *.warc.gz, its block list in {output}/blocklist")
    return 0


def add_assets(commands: Any) -> None:
    from pipelines.assets import add_assets_parser

    add_assets_parser(commands)
