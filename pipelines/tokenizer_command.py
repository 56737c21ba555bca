"""`bateia tokenizer`: its options and what it tells."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pipelines.training_options import add_training_options, training_settings


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


def add_tokens(commands: Any) -> None:
    command = commands.add_parser("tokens", help="a text in its tokens, with numbers and bytes", allow_abbrev=False)
    command.add_argument("text", metavar="TEXT", help="- reads standard input")
    tokenizer = "folder, tokenizer.json or SentencePiece *.model"
    command.add_argument("--tokenizer", required=True, metavar="PATH", help=tokenizer)
    command.set_defaults(run=run_tokens)


def run_tokens(args: argparse.Namespace) -> int:
    from pipelines.faults import BadInput
    from pipelines.tokens_view import view
    from transforms.steps.tokenizer import load_tokenizer

    try:
        tokenizer = load_tokenizer(args.tokenizer)
        text = sys.stdin.buffer.read().decode() if args.text == "-" else args.text
    except UnicodeDecodeError as error:
        raise BadInput(f"standard input is no UTF-8 (byte {error.start}); convert it first") from error
    except ValueError as error:
        raise BadInput(str(error)) from error
    print(view(tokenizer, text, colour=sys.stdout.isatty()))
    return 0
