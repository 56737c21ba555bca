"""`bateia tokenizer`: its options and what it tells."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pipelines.stage_command import positive
from pipelines.training_options import add_training_options, training_settings

TOKENIZER = "folder, tokenizer.json or SentencePiece *.model"


def add_tokenizer(commands: Any) -> None:
    command = commands.add_parser("tokenizer", help="train a tokenizer on a corpus", allow_abbrev=False)
    kinds = command.add_subparsers(metavar="COMMAND", required=True)
    train = kinds.add_parser("train", help="a corpus to a folder with tokenizer.json", allow_abbrev=False)
    train.add_argument("--input", required=True, nargs="+", metavar="DIR", help="outputs of `bateia dedup` or `curate`")
    train.add_argument("--output", required=True, metavar="DIR", help="folder to write")
    add_training_options(train)
    train.add_argument("--seed", type=int, default=1, metavar="N", help="draws the sample (default 1)")
    train.add_argument("--overwrite", action="store_true", help="replace what an earlier run wrote")
    train.set_defaults(run=run_train)
    add_report(kinds)


def run_train(args: argparse.Namespace) -> int:
    from pipelines.stage_output import BrokenRun
    from pipelines.tokenizer import plan_tokenizer, train

    run = plan_tokenizer(args.output, args.input, **training_settings(args))
    run.place.prepare(args.overwrite)
    try:
        counts = train(run)
    except BrokenRun as fault:
        sys.stderr.write(f"bateia: {fault}\n")
        return 1
    print(f"{counts['vocabulary']:,} tokens ({run.algorithm}) in {run.output}")
    print("  language  documents  characters  bytes/token  tokens/word")
    for name, row in counts["languages"].items():
        numbers = f"{row['documents']:>9,}  {row['characters']:>10,}"
        print(f"  {name:<8}  {numbers}  {row['bytes_per_token'] or 0:>11.2f}  {row['tokens_per_word'] or 0:>11.2f}")
    return 0


def add_report(kinds: Any) -> None:
    report = kinds.add_parser("report", help="tokenizers compared on a corpus, by language", allow_abbrev=False)
    report.add_argument(
        "--input", required=True, nargs="+", metavar="DIR", help="outputs of `bateia dedup` or `curate`"
    )
    report.add_argument("--tokenizer", required=True, nargs="+", metavar="PATH", help=TOKENIZER)
    report.add_argument(
        "--sample-mb", type=positive, default=10, metavar="MB", help="millions of characters (default 10)"
    )
    report.add_argument("--seed", type=int, default=1, metavar="N", help="draws the sample (default 1)")
    report.add_argument("--output", metavar="F.html", help="write a picture of it")
    report.add_argument("--json", metavar="F.json", help="write its numbers")
    report.set_defaults(run=run_report)


def run_report(args: argparse.Namespace) -> int:
    import json

    from pipelines.tokenizer_report import compare, to_json, to_text
    from pipelines.tokenizer_report_page import render

    entries = compare(args.input, args.tokenizer, args.seed, args.sample_mb)
    print(to_text(entries))
    if args.output:
        write_file(args.output, render(entries))
    if args.json:
        told = json.dumps(to_json(entries, args.seed, args.sample_mb), indent=1, ensure_ascii=False)
        write_file(args.json, told + "\n")
    return 0


def write_file(path: str, text: str) -> None:
    """Raises BadInput if no file can be written at `path`."""
    from pipelines.faults import BadInput

    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} can't be written ({error.strerror}); choose another file") from error


def add_tokens(commands: Any) -> None:
    command = commands.add_parser("tokens", help="a text in its tokens, with numbers and bytes", allow_abbrev=False)
    command.add_argument(
        "text", nargs="?", metavar="TEXT", help="- reads standard input; with --html it may be missing"
    )
    command.add_argument(
        "--tokenizer", required=True, action="append", metavar="PATH", help=f"{TOKENIZER}; a second one with --html"
    )
    command.add_argument("--html", metavar="F.html", help="write a page that shows the tokens of what one types")
    command.set_defaults(run=run_tokens)


def run_tokens(args: argparse.Namespace) -> int:
    from pipelines.faults import BadInput

    text = given(args.text)
    if args.html:
        return write_page(args.html, args.tokenizer, text or "")
    if text is None:
        raise BadInput("there is no TEXT; give one, - for standard input, or --html F.html for a page to type in")
    if len(args.tokenizer) > 1:
        raise BadInput("a terminal shows one --tokenizer; give one, or --html F.html for two side by side")
    from pipelines.tokens_view import view
    from transforms.steps.tokenizer import load_tokenizer

    try:
        print(view(load_tokenizer(args.tokenizer[0]), text, colour=sys.stdout.isatty()))
    except ValueError as error:
        raise BadInput(str(error)) from error
    return 0


def given(text: str | None) -> str | None:
    """The text, from standard input for `-`."""
    from pipelines.faults import BadInput

    if text != "-":
        return text
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"standard input is no UTF-8 (byte {error.start}); convert it first") from error


def write_page(path: str, tokenizers: list[str], text: str) -> int:
    from pipelines.tokens_page import render

    write_file(path, render(tokenizers, text))
    print(f"open {path} in a browser; it needs no network")
    return 0
