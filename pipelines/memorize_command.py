"""`bateia memorize`: its options and what it tells."""

from __future__ import annotations

import argparse
from typing import Any

from pipelines.stage_command import positive
from pipelines.voice_options import add_outputs, add_voice, in_one_line, write_outputs

LONGEST = 20  # passages that are told in full
SHOWN = 8  # of these, on a terminal
PASSAGE_CHARS = 160
# What was asked: texts that were trained on from where rows of the training begin, and from anywhere; and others.
ASKED = {"rows": "trained on, from a row's start", "trained": "trained on, from anywhere", "held_out": "held out"}


def add_memorize(commands: Any) -> None:
    command = commands.add_parser("memorize", help="how far a model repeats its training text", allow_abbrev=False)
    add_voice(command)
    command.add_argument("--shards", required=True, metavar="DIR", help="shards that it was trained on")
    some = "documents to prompt from, of each split (default 100)"
    command.add_argument("--documents", type=positive, default=100, metavar="N", help=some)
    command.add_argument("--url", metavar="URL", help="prompt all along this page instead")
    command.add_argument("--prefix", type=positive, default=32, metavar="N", help="tokens of a prompt (default 32)")
    command.add_argument("--tokens", type=positive, default=64, metavar="N", help="to continue at most (default 64)")
    command.add_argument("--seed", type=int, default=1, metavar="N", help="draws documents and places (default 1)")
    add_outputs(command)
    command.set_defaults(run=run_memorize)


def run_memorize(args: argparse.Namespace) -> int:
    with in_one_line():
        from pipelines.memorize_report import measured

        told = measured(args)
    print(to_text(told))
    from pipelines.memorize_page import render

    write_outputs(args, told, render)
    return 0


def to_text(told: dict[str, Any]) -> str:
    from trainer.text import harmless

    lines = [line(name, summary, told["extractable"]) for name, summary in told["asked"].items()]
    for passage in told["longest"][:SHOWN]:
        place = f"{passage['url']} ({passage['warc_file']}, offset {passage['warc_offset']}), token {passage['begin']}"
        place, text = (harmless(" ".join(value.split())) for value in (place, passage["text"]))
        cut = text if len(text) <= PASSAGE_CHARS else text[:PASSAGE_CHARS] + "…"
        lines.append(f"\n{passage['tokens']} tokens, {passage['bytes']} bytes of {place}\n  {cut}")
    return "\n".join(lines)


def line(name: str, summary: dict[str, Any], extractable: int) -> str:
    said = f"{ASKED[name]:<30}"
    if not summary["prompts"]:
        return f"{said}  nothing there is long enough"
    error = f" ± {summary['share_se']:.1%}" if summary["share_se"] else ""
    share = f"{summary['extracted']:,} of {summary['prompts']:,} prompts ({summary['share']:.1%}{error})"
    rest = f"mean {summary['mean']:.1f}, median {summary['median']:g}, longest {summary['longest']}"
    return f"{said}  {share} go on verbatim for {extractable} tokens; {rest}"
