"""`bateia run`, `curate`, `templates`, `dedup`, `demo-crawl`: pages to documents, to a corpus, and on to a model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from pipelines.cli.command import Command, add_hidden
from pipelines.cli.options import (
    OWN,
    RECIPE,
    TOKENIZER,
    add_execution,
    add_languages,
    add_sources,
    columns_of,
    documents_of,
    execution_of,
    fetch_of,
    or_check,
)
from pipelines.cli.settings import add_settings, changed, given, positive, whole
from pipelines.cli.shards import PLAN_OPTIONS

if TYPE_CHECKING:
    from pipelines.recipes.recipe import Recipe

WARC_INPUT = (
    "WARC, WET, Parquet, JSONL or text files: paths, globs, folders, https:// or s3:// addresses, *.paths(.gz) lists, "
)
WARC_INPUT += "a selection, or a crawl such as CC-MAIN-2024-33[:2]"
UNTIL = ("documents", "corpus", "shards", "model")  # folders of pipelines.stages.run.STAGES


# --- run --------------------------------------------------------------------------------------------------------------


def add_run(parser: argparse.ArgumentParser) -> None:
    from transforms.steps.tokens.settings import PlanSettings, Split, TrainTokenizer

    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help=RECIPE)
    add_hidden(parser, "--recipe", dest="recipe_option")
    parser.add_argument("--input", required=True, nargs="+", metavar="WARC", help=WARC_INPUT)
    first = "first of DIR/… to make; those before are taken as they are, and with --overwrite it is made anew"
    parser.add_argument("--from", dest="begin", choices=UNTIL, help=first)
    parser.add_argument("--until", choices=UNTIL, help="last of DIR/… to make (default: all that the recipe has)")
    add_languages(parser)
    add_curate_options(parser)
    add_dedup_options(parser, "fills token_count and encodes the shards (default: one is trained)")
    parser.add_argument("--bos-token", metavar="NAME", help="its special token that begins documents")
    recipe = parser.add_argument_group("instead of the recipe's", "values of tokenizer, plan and training")
    add_settings(recipe, TrainTokenizer, ("algorithm", "vocab_size", "sample_mb"), of_recipe=True)
    add_settings(recipe, TrainTokenizer, ("weights",), {"weights": "--language-weights"}, of_recipe=True)
    add_settings(recipe, Split, ("fraction",), {"fraction": "--val-fraction"}, of_recipe=True)
    add_settings(recipe, PlanSettings, PLAN_OPTIONS, {"by": "--mixture-by"}, of_recipe=True)
    recipe.add_argument("--seed", type=int, metavar="N", help="draws sample, split and order (default the recipe's)")
    add_execution(parser, guard=True, output="directory to write: DIR/documents, DIR/corpus, DIR/shards, DIR/model")


def run_run(args: argparse.Namespace) -> int:
    from pipelines.stages.run import RunOptions, run_recipe

    recipe = with_options(recipe_argument(args), args)
    options = RunOptions(
        columns=columns_of(args),
        fetch=fetch_of(args),
        inputs=tuple(args.input),
        output=args.output,
        until=args.until,
        curate=curate_options(args),
        against=tuple(args.against),
        tokenizer=args.tokenizer,
        bos_token=args.bos_token,
        begin=args.begin,
    )
    return run_recipe(recipe, options, execution_of(args))


def recipe_argument(args: argparse.Namespace) -> Recipe:
    from pipelines.recipes import find_recipe
    from schemas.faults import BadInput

    name = args.recipe or args.recipe_option
    if name is None:
        raise BadInput(
            "`bateia run` needs a recipe, such as `bateia run fineweb --input crawl.warc.gz --output out`; "
            "`bateia show` lists them"
        )
    return find_recipe(name, args.languages, args.language_model)


def with_options(recipe: Recipe, args: argparse.Namespace) -> Recipe:
    """The recipe with the single values that options were given for. Raises BadInput for values that can't be."""
    from dataclasses import replace

    seeds = {} if args.seed is None else {"seed": args.seed}
    parts = [replace(changed(args, part), **seeds) for part in (recipe.tokenizer, recipe.split, recipe.plan)]
    differing = [part for part in parts if part not in (recipe.tokenizer, recipe.split, recipe.plan)]
    return recipe.vary(*differing, name=recipe.name, about=recipe.about) if differing else recipe


# --- curate -----------------------------------------------------------------------------------------------------------


def add_curate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", required=True, metavar="RECIPE", help=RECIPE)
    parser.add_argument("--input", required=True, nargs="+", metavar="WARC", help=WARC_INPUT)
    add_languages(parser)
    add_curate_options(parser)
    add_execution(parser, guard=True, output="directory to write, local or s3:// or gs://", array=True)


def add_curate_options(parser: Any) -> None:
    from pipelines.stages.curate.plan import CurateOptions

    add_settings(parser, CurateOptions)
    add_sources(parser)


def curate_options(args: argparse.Namespace) -> Any:
    from pipelines.stages.curate.plan import CurateOptions

    return CurateOptions(**given(args, CurateOptions))


def run_curate(args: argparse.Namespace) -> int:
    from pipelines.engine.run import run_stage
    from pipelines.recipes import find_recipe
    from pipelines.stages.curate.plan import plan_curate

    run = plan_curate(
        find_recipe(args.recipe, args.languages, args.language_model),
        args.input,
        args.output,
        curate_options(args),
        columns_of(args),
        fetch_of(args),
    )
    return run_stage(run, execution_of(args))


# --- templates --------------------------------------------------------------------------------------------------------


def add_templates(parser: argparse.ArgumentParser) -> None:
    from pipelines.stages.curate.plan import CurateOptions
    from pipelines.stages.templates import OPTIONS, TemplateOptions

    parser.add_argument("--recipe", required=True, metavar="RECIPE", help=f"{RECIPE}, that curate is to have")
    parser.add_argument("--input", required=True, nargs="+", metavar="WARC", help=WARC_INPUT)
    add_languages(parser)
    add_settings(parser, TemplateOptions)
    add_settings(parser, CurateOptions, OPTIONS)
    add_sources(parser)
    add_execution(parser, output="directory to write, local or s3:// or gs://", array=True)


def run_templates(args: argparse.Namespace) -> int:
    from pipelines.engine.run import run_stage
    from pipelines.recipes import find_recipe
    from pipelines.stages.templates import TemplateOptions, plan_templates

    run = plan_templates(
        find_recipe(args.recipe, args.languages, args.language_model),
        args.input,
        args.output,
        TemplateOptions(**given(args, TemplateOptions)),
        curate_options(args),
        columns_of(args),
        fetch_of(args),
    )
    return run_stage(run, execution_of(args))


# --- dedup ------------------------------------------------------------------------------------------------------------


def add_dedup(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", metavar="RECIPE", help=f"{RECIPE} (default: the one of the documents)")
    parser.add_argument(
        "--input", required=True, nargs="+", metavar="DIR", help=f"outputs of `bateia curate`, or {OWN}"
    )
    add_dedup_options(parser)
    add_sources(parser)
    add_execution(parser, guard=True, output="directory to write, local or s3:// or gs://", array=True)


def add_dedup_options(parser: Any, tokenizer: str = "fills token_count") -> None:
    """tokenizer: what one's own is for."""
    against = "earlier corpora whose documents count as seen"
    parser.add_argument("--against", nargs="+", action="extend", default=[], metavar="CORPUS", help=against)
    parser.add_argument("--tokenizer", metavar="PATH", help=f"one's own: {TOKENIZER}; it {tokenizer}")


def run_dedup(args: argparse.Namespace) -> int:
    from pipelines.engine.run import run_stage
    from pipelines.recipes import find_recipe
    from pipelines.stages.dedup.plan import plan_dedup, recipe_of_inputs

    inputs = documents_of(args)
    recipe = find_recipe(args.recipe) if args.recipe is not None else recipe_of_inputs(inputs)
    run = plan_dedup(args.output, recipe.name, recipe.corpus, inputs, args.against, args.tokenizer)
    return run_stage(run, execution_of(args))


# --- demo-crawl -------------------------------------------------------------------------------------------------------


def add_demo_crawl(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", required=True, metavar="DIR", help="directory to write")
    about = "sample: 246 pages, five languages and all that goes wrong; all: 168 articles in 21 languages"
    parser.add_argument("--languages", choices=("sample", "all"), default="sample", help=about)
    parser.add_argument(
        "--people", type=positive, metavar="N", help="with a register of N made-up people for each of --exposures"
    )
    exposures = "how often these are told of, in other words each time (default 0 30 120 480)"
    parser.add_argument("--exposures", nargs="+", type=whole, default=[0, 30, 120, 480], metavar="N", help=exposures)
    parser.add_argument("--told-once", type=whole, default=0, metavar="N", help="further people, told of once each")
    parser.add_argument("--seed", type=whole, default=1, metavar="N", help="draws the people")


def run_demo_crawl(args: argparse.Namespace) -> int:
    from pathlib import Path

    from pipelines.engine.output import refuse_foreign, require_writable
    from pipelines.sample.build import build_sample, names_of_files
    from pipelines.sample.encyclopedia import FACTS, PAGES, WARC, build_people
    from schemas.faults import BadInput
    from schemas.lease import release_all, take
    from schemas.storage import is_local

    if not is_local(args.output):
        raise BadInput(f"output {args.output}: the crawl is written to a local folder; copy it where it belongs")
    world = args.languages == "all"
    refuse_foreign(args.output, names_of_files(world=world) | {WARC, FACTS, PAGES})
    require_writable(args.output)
    take(args.output)
    try:
        build_sample(Path(args.output), world=world)
        if args.people:
            from pipelines.sample.people import make_town

            try:
                town = make_town(args.people, tuple(args.exposures), args.told_once, args.seed)
            except ValueError as error:
                raise BadInput(f"--people {args.people}: {error}") from error
            pages = build_people(Path(args.output), town)
            told = f"{len(town.facts):,} people are told of on {pages:,} pages"
            print(f"{told}; {args.output}/{FACTS} says who and how often")
    finally:
        release_all()
    print(f"the crawl is in {args.output}: *.warc.gz, its block list in {args.output}/blocklist")
    return 0


COMMANDS = (
    Command(
        name="run",
        group="data",
        about="Run a recipe: WARC files to documents, corpus, shards and model, going on where it stopped",
        example="bateia run fineweb --input 'warc/*.warc.gz' --output out --workers 2 --no-blocklist --until shards",
        options=add_run,
        run=run_run,
        reads=("against",),
        takes_beam_args=True,
    ),
    Command(
        name="curate",
        group="data",
        about="Turn WARC files into a filtered Parquet dataset and a ledger of every page's fate",
        example="bateia curate --recipe fineweb-gated --input 'warc/*.warc.gz' --output out/documents --no-blocklist",
        options=add_curate,
        run=or_check(run_curate),
        takes_beam_args=True,
    ),
    Command(
        name="templates",
        group="data",
        about="Find the lines that sites repeat from page to page, which `bateia curate` can then take out",
        example="bateia templates --recipe web --input 'warc/*.warc.gz' --output out/templates --no-blocklist",
        options=add_templates,
        run=or_check(run_templates),
        takes_beam_args=True,
    ),
    Command(
        name="dedup",
        group="data",
        about="Turn documents into a corpus without duplicates and personal data",
        example="bateia dedup --input out/documents --output out/corpus",
        options=add_dedup,
        run=or_check(run_dedup),
        reads=("input", "against"),
        takes_beam_args=True,
    ),
    Command(
        name="demo-crawl",
        group="data",
        about="Write the embedded crawl of 246 made-up pages as WARC files, to try everything on",
        example="bateia demo-crawl --output out/warc",
        options=add_demo_crawl,
        run=run_demo_crawl,
    ),
)
