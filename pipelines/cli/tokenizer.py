"""`bateia tokenizer train`, `tokenizer report`, `tokens`: tokenizers trained, compared, and looked at."""

from __future__ import annotations

import argparse
import sys

from pipelines.cli.command import Command
from pipelines.cli.options import TOKENIZER, add_outputs, read_text, write_outputs, write_page
from pipelines.cli.settings import given, positive
from pipelines.cli.shards import DOCUMENTS, add_tokenizer_options


def add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", required=True, nargs="+", metavar="DIR", help=DOCUMENTS)
    parser.add_argument("--output", required=True, metavar="DIR", help="folder to write")
    add_tokenizer_options(parser)
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="draws the sample")
    parser.add_argument("--overwrite", action="store_true", help="replace what an earlier run wrote")
    parser.add_argument("--quiet", action="store_true", help="no progress line")


def run_train(args: argparse.Namespace) -> int:
    from pipelines.engine.run import Execution, run_stage
    from pipelines.stages.tokenizers.training import plan_tokenizer
    from transforms.steps.tokens.settings import TrainTokenizer

    recipe = TrainTokenizer(**given(args, TrainTokenizer), seed=args.seed)
    run = plan_tokenizer(args.output, args.input, recipe)
    return run_stage(run, Execution(overwrite=args.overwrite, quiet=args.quiet))


def add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", required=True, nargs="+", metavar="DIR", help=DOCUMENTS)
    parser.add_argument("--tokenizer", required=True, nargs="+", metavar="PATH", help=TOKENIZER)
    parser.add_argument("--sample-mb", type=positive, default=10, metavar="MB", help="millions of characters")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="draws the sample")
    add_outputs(parser)
    parser.add_argument("--output", dest="html", metavar="F.html", help=argparse.SUPPRESS, default=argparse.SUPPRESS)


def run_report(args: argparse.Namespace) -> int:
    from pipelines.analysis.tokenizers import compare, to_json, to_text
    from pipelines.reports.tokenizers import render_page

    entries = compare(args.input, args.tokenizer, args.seed, args.sample_mb)
    print(to_text(entries))
    write_outputs(args, to_json(entries, args.seed, args.sample_mb), lambda: render_page(entries))
    return 0


def add_tokens(parser: argparse.ArgumentParser) -> None:
    text = "the text; - reads standard input; with --html it may be missing"
    parser.add_argument("text", nargs="?", metavar="TEXT", help=text)
    twice = f"{TOKENIZER}; a second one with --html"
    parser.add_argument("--tokenizer", required=True, action="append", metavar="PATH", help=twice)
    parser.add_argument("--html", metavar="F.html", help="write a page that shows the tokens of what one types")


def run_tokens(args: argparse.Namespace) -> int:
    from schemas.faults import BadInput

    text = read_text("-") if args.text == "-" else args.text
    if args.html:
        from pipelines.reports.tokens import render_page

        write_page(args.html, render_page(args.tokenizer, text or ""))
        return 0
    if text is None:
        raise BadInput("there is no TEXT; give one, - for standard input, or --html F.html for a page to type in")
    if len(args.tokenizer) > 1:
        raise BadInput("a terminal shows one --tokenizer; give one, or --html F.html for two side by side")
    from pipelines.engine.terminal import has_colours
    from pipelines.reports.terminal import tokens_view
    from transforms.steps.tokens.tokenizer import load_tokenizer

    try:
        print(tokens_view(load_tokenizer(args.tokenizer[0]), text, colour=has_colours(sys.stdout)))
    except ValueError as error:
        raise BadInput(str(error)) from error
    return 0


COMMANDS = (
    Command(
        name="tokenizer train",
        group="shards",
        about="Train a tokenizer on documents, with the proof that all its formats agree",
        example="bateia tokenizer train --input out/corpus --output out/tokenizer --vocab-size 32768",
        options=add_train,
        run=run_train,
        reads=("input",),
    ),
    Command(
        name="tokenizer report",
        group="shards",
        about="Compare tokenizers on the same documents, language by language",
        example="bateia tokenizer report --input out/corpus --tokenizer out/shards/tokenizer --html r.html",
        options=add_report,
        run=run_report,
        reads=("input",),
    ),
    Command(
        name="tokens",
        group="look",
        about="Show a text in its tokens, with their numbers and bytes",
        example='bateia tokens "Olá, 🌍" --tokenizer out/shards/tokenizer',
        options=add_tokens,
        run=run_tokens,
    ),
)
