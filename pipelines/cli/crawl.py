"""`bateia crawls`, `select`, `estimate`: what Common Crawl has, which of its pages are wanted, what they cost."""

from __future__ import annotations

import argparse
import json

from pipelines.cli.command import Command
from pipelines.cli.options import RECIPE, add_fetch_options, add_sources, columns_of, fetch_of, write_file
from pipelines.cli.settings import add_settings, given, number, positive


def add_crawls(parser: argparse.ArgumentParser) -> None:
    add_fetch_options(parser)


def run_crawls(args: argparse.Namespace) -> int:
    from pipelines.crawls.names import crawl_root, read_crawls

    rows = read_crawls(fetch_of(args))
    print(f"{len(rows)} crawls of {crawl_root()}, the newest first")
    for row in rows:
        dates = " to ".join(str(row[name])[:10] for name in ("from", "to") if row.get(name))
        text = f"  {row['id']}  {dates}".rstrip()
        print("".join(char if char.isprintable() else "\ufffd" for char in text))
    print("--input takes their names: CC-MAIN-2024-33[:2] are the first two WARC files of one")
    return 0


def add_select(parser: argparse.ArgumentParser) -> None:
    from pipelines.crawls.question import Question
    from pipelines.crawls.selecting import INDEXES

    parser.add_argument("crawl", metavar="CRAWL", help="name of a crawl, as `bateia crawls` lists it")
    parser.add_argument("--output", required=True, metavar="FILE", help="Parquet file to write, which --input takes")
    add_settings(parser, Question)
    parser.add_argument("--urls", metavar="FILE", help="only these addresses, one a line")
    index = "which index answers: auto is cdx where hosts or addresses are named, else columnar"
    parser.add_argument("--index", choices=INDEXES, default="auto", help=index)
    add_fetch_options(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress line")


def run_select(args: argparse.Namespace) -> int:
    from pipelines.crawls.question import Question
    from pipelines.crawls.selecting import Selecting
    from pipelines.engine.terminal import StatusLine

    line = StatusLine()
    show = line.write if line.replaces and not args.quiet else lambda _: None
    question = Question(**given(args, Question))
    selecting = Selecting(args.crawl, question, args.output, fetch_of(args), args.urls, args.index, show)
    try:
        lines = selecting.run()
    finally:
        line.clear()
    print("\n".join(lines))
    return 0


def add_estimate(parser: argparse.ArgumentParser) -> None:
    recipe = parser.add_mutually_exclusive_group(required=True)
    recipe.add_argument("recipe", nargs="?", default=argparse.SUPPRESS, metavar="RECIPE", help=RECIPE)
    recipe.add_argument("--recipe", metavar="RECIPE", help="the same, as `bateia curate` has it")
    parser.add_argument("--input", required=True, nargs="+", metavar="WARC", help="as of `bateia run`")
    parser.add_argument(
        "--pieces", type=positive, default=3, metavar="N", help="units of a kind that are tried, 8 MB of each"
    )
    parser.add_argument("--workers", type=positive, default=1, metavar="N", help="processes of the run to be estimated")
    parser.add_argument("--price", type=number, metavar="X", help="dollars of a core hour (default deploy/rates.json)")
    parser.add_argument("--no-blocklist", action="store_true", help="without the recipe's URL block list")
    parser.add_argument("--paths-root", metavar="DIR", help="what paths in a list are relative to")
    save = "write it, for `bateia run` and `curate` to compare with by --estimate FILE"
    parser.add_argument("--save", metavar="FILE", help=save)
    add_sources(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress line")


def run_estimate(args: argparse.Namespace) -> int:
    from pipelines.analysis.estimate import estimate, lines_of
    from pipelines.engine.terminal import StatusLine
    from pipelines.recipes import find_recipe
    from pipelines.reports.render import encode
    from pipelines.stages.curate.plan import CurateOptions, plan_curate

    options = CurateOptions(no_blocklist=args.no_blocklist, paths_root=args.paths_root)
    run = plan_curate(find_recipe(args.recipe), args.input, "estimate", options, columns_of(args), fetch_of(args))
    line = StatusLine()
    show = line.write if line.replaces and not args.quiet else lambda _: None
    try:
        made = estimate(run, args.pieces, args.workers, show)
    finally:
        line.clear()
    print("\n".join(lines_of(made, run, args.price)))
    if args.save:
        write_file(args.save, json.dumps(encode(made), indent=1) + "\n")
        print(f"`bateia run` with --estimate {args.save} compares what the run comes to")
    return 0


COMMANDS = (
    Command(
        name="crawls",
        group="data",
        about="List the crawls of Common Crawl ($BATEIA_COMMONCRAWL: an https or s3 address, or a mirror's folder)",
        example="bateia crawls",
        options=add_crawls,
        run=run_crawls,
    ),
    Command(
        name="select",
        group="data",
        about="Choose pages of a crawl by its index, so that --input fetches their records alone",
        example="bateia select CC-MAIN-2024-33 --languages por --hosts '*.gov.br' --limit 10000 --output pt.parquet",
        options=add_select,
        run=run_select,
    ),
    Command(
        name="estimate",
        group="data",
        about="Try a few pieces of an input, and say what the whole of it would cost and give",
        example="bateia estimate fineweb --input 'warc/*.warc.gz' --workers 8 --no-blocklist",
        options=add_estimate,
        run=run_estimate,
    ),
)
