"""`bateia show`, `languages`, `try`, `explain`, `journey`, `explain-batch`: recipes, pages, URLs, steps, looked at."""

from __future__ import annotations

import argparse
import json

from pipelines.cli.command import Command
from pipelines.cli.options import RECIPE, add_languages, require_packages, write_file, write_page
from pipelines.cli.settings import positive, whole
from pipelines.streams import writes_unicode


def add_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help=f"{RECIPE}; without it all are listed")
    add_languages(parser)


def run_show(args: argparse.Namespace) -> int:
    from pipelines.recipes import RECIPES, find_recipe
    from pipelines.recipes.describe import list_recipes, show

    if args.recipe is None:
        print(list_recipes(RECIPES.values()))
    else:
        print(show(find_recipe(args.recipe, args.languages, args.language_model)))
    return 0


def add_language_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text", nargs="?", metavar="FILE", help="a text; - for standard input; without it all are listed"
    )
    parser.add_argument("--in", dest="folder", metavar="DIR", help="documents or a corpus: the languages in it")
    parser.add_argument("--language-model", metavar="FILE", help="fastText model (default lid.176.ftz)")


def run_languages(args: argparse.Namespace) -> int:
    from pipelines.analysis.languages import describe_documents, describe_text, list_languages
    from schemas.faults import BadInput

    if args.text is not None and args.folder is not None:
        raise BadInput(f"give a text ({args.text}) or a folder (--in {args.folder}), not both")
    if args.folder is not None:
        lines = describe_documents(args.folder, args.language_model)
    elif args.text is not None:
        lines = describe_text(read_text(args.text), args.language_model)
    else:
        lines = list_languages(args.language_model)
    print("\n".join(lines))
    return 0


def read_text(path: str) -> str:
    """A file's text, or standard input's. Raises BadInput."""
    import sys
    from pathlib import Path

    from schemas.faults import BadInput, reason

    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"text {path} can't be read: {reason(error)}; check the path") from error
    return data.decode("utf-8", "replace")


def add_try(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE", help=RECIPE)
    parser.add_argument("page", nargs="?", metavar="PAGE.html", help="an HTML file")
    parser.add_argument("--warc", metavar="FILE", help="take the page from a WARC file")
    parser.add_argument("--offset", type=whole, metavar="N", help="byte offset of its record")
    parser.add_argument("--url", metavar="URL", help="with --warc: its URL; with an HTML file: the URL to judge")
    parser.add_argument("--no-blocklist", action="store_true", help="without the recipe's URL block list")
    add_languages(parser)


def run_try(args: argparse.Namespace) -> int:
    from pipelines.analysis.trial import find_response, try_response
    from pipelines.assets.bind import bind
    from pipelines.recipes import find_recipe

    recipe = find_recipe(args.recipe, args.languages, args.language_model)
    response = find_response(args.page, args.warc, args.offset, args.url, recipe.curate.read)
    bound = bind(recipe, args.no_blocklist).recipe
    print(try_response(bound.curate, response, args.warc or args.page or "", bound.corpus))
    return 0


def add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="the page's address, as it is in the ledger")
    parser.add_argument("--in", dest="folder", required=True, metavar="DIR", help="a finished output of any stage")
    of_shards = "of shards: also say which steps of this many rows see the page"
    parser.add_argument("--batch-size", type=positive, metavar="B", help=of_shards)


def run_explain(args: argparse.Namespace) -> int:
    from pipelines.lineage.explain import explain

    print(explain(args.url, args.folder, args.batch_size))
    return 0


def add_journey(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="the page's address, as it is in the ledger")
    parser.add_argument("--in", dest="folder", required=True, metavar="DIR", help="output of `bateia shard`")
    parser.add_argument("--run", metavar="DIR", help="a model trained on them, which reads the page")
    parser.add_argument("--backend", metavar="NAME", help="jax or torch (default: what the model was trained by)")
    parser.add_argument("--html", required=True, metavar="F.html", help="the page to write")


def run_journey(args: argparse.Namespace) -> int:
    with require_packages():
        from pipelines.analysis.journey import follow
        from pipelines.reports.journey import render_page
        from schemas.manifest import versions

        report = follow(args.url, args.folder, args.run, args.backend)
        write_page(args.html, render_page(report, versions(("bateia", "trafilatura", "pyarrow", "jax", "torch"))))
    return 0


def add_explain_batch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shards", required=True, metavar="DIR", help="output of `bateia shard`")
    parser.add_argument("--plan", default="main", metavar="NAME", help="plan of the training")
    parser.add_argument("--step", type=whole, required=True, metavar="K", help="counted from 0")
    parser.add_argument("--batch-size", type=positive, required=True, metavar="B", help="rows of a step")
    as_json = "write it as JSON instead, to a file or, without a name, to standard output"
    parser.add_argument("--json", nargs="?", const="-", metavar="F.json", help=as_json)


def run_explain_batch(args: argparse.Namespace) -> int:
    from pipelines.lineage.batch import batch_text, explain_batch

    batch = explain_batch(args.shards, args.plan, args.step, args.batch_size)
    if args.json is None:
        print(batch_text(batch))
        return 0
    if args.json == "-":
        print(json.dumps(batch, ensure_ascii=not writes_unicode(), indent=1))
    else:
        write_file(args.json, json.dumps(batch, ensure_ascii=False, indent=1) + "\n")
    return 0


COMMANDS = (
    Command(
        name="show",
        group="look",
        about="Show a recipe: every step and setting of the whole run, with its meaning and source",
        example="bateia show fineweb",
        options=add_show,
        run=run_show,
        at_once=True,
    ),
    Command(
        name="languages",
        group="look",
        about="Say which languages are supported, and which one a text or a folder of documents is in",
        example="bateia languages --in out/corpus",
        options=add_language_list,
        run=run_languages,
        reads=("folder",),
        at_once=True,
    ),
    Command(
        name="try",
        group="look",
        about="Take one page through a recipe and show every rule's measured value and verdict",
        example="bateia try fineweb page.html --no-blocklist",
        options=add_try,
        run=run_try,
    ),
    Command(
        name="explain",
        group="look",
        about="Say what became of a URL: dropped by which rule, duplicate of what, in which training rows",
        example="bateia explain https://example.org/page --in out/shards",
        options=add_explain,
        run=run_explain,
        reads=("folder",),
    ),
    Command(
        name="journey",
        group="look",
        about="Write a page that follows a URL: HTML, every rule, nearest neighbour, tokens, rows, each token's loss",
        example="bateia journey https://example.org/page --in out/shards --run out/model --html journey.html",
        options=add_journey,
        run=run_journey,
        reads=("folder",),
    ),
    Command(
        name="explain-batch",
        group="look",
        about="List the pages that a training step saw",
        example="bateia explain-batch --shards out/shards --step 17 --batch-size 16",
        options=add_explain_batch,
        run=run_explain_batch,
        reads=("shards",),
    ),
)
