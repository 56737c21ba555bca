"""The options that say how a tokenizer is trained, for `bateia tokenizer train` and `bateia shard`."""

from __future__ import annotations

import argparse
from typing import Any

from pipelines.stage_command import positive


def add_training_options(command: Any) -> None:
    command.add_argument(
        "--vocab-size", type=positive, metavar="N", help="tokens (default 32768, less for small input)"
    )
    command.add_argument(
        "--algorithm", default="sentencepiece", metavar="NAME", help="sentencepiece (default) or bpe-gpt4"
    )
    sample = "millions of characters to learn from (default 100)"
    command.add_argument("--sample-mb", type=positive, default=100, metavar="MB", help=sample)
    command.add_argument(
        "--language-weights", type=weight, nargs="+", metavar="LANG=W", help="parts of the sample, such as en=3 pt=1"
    )


def weight(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no name and number, such as pt=1") from None


def training_settings(args: argparse.Namespace) -> dict[str, Any]:
    """What a TokenizerRun is told beside its output and input."""
    return {
        "algorithm": args.algorithm,
        "vocab_size": args.vocab_size,
        "seed": args.seed,
        "sample_mb": args.sample_mb,
        "weights": dict(args.language_weights) if args.language_weights else None,
    }
