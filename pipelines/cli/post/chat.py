"""`bateia chat`: a talk with a fine-tuned model on the terminal, with tools where they are given."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from pipelines.cli.command import Command
from pipelines.cli.options import add_model, require_packages
from pipelines.cli.settings import add_settings, given

RESET, LEAVE = "/reset", ("/exit", "/quit")


def add_chat(parser: argparse.ArgumentParser) -> None:
    from trainer.generate.sampling import Sampling

    add_model(parser)
    parser.add_argument("--system", metavar="TEXT", help="what the system says first")
    parser.add_argument("--say", action="append", default=[], metavar="TEXT", help="a message; without, lines are read")
    parser.add_argument("--tools", nargs="+", default=[], metavar="NAME", help="calculator, search")
    parser.add_argument("--index", metavar="DIR", help="search: output of `bateia search index`")
    add_settings(parser, Sampling)


def run_chat(args: argparse.Namespace) -> int:
    with require_packages():
        from trainer.generate.generator import load_generator
        from trainer.generate.sampling import Sampling
        from trainer.post.talk import Talk
        from trainer.post.tools.find import find_tools

        generator = load_generator(args.folder, args.backend)
        tools = find_tools(args.tools, args.index)
        talk = Talk(generator, Sampling(**given(args, Sampling)), tools, args.system)
        for said in args.say or lines():
            if said.strip() in LEAVE:
                break
            if said.strip() == RESET:
                talk.reset()
                continue
            if args.say:
                print(f"> {said}")
            print_answer(talk.answer(said))
    return 0


def lines() -> Iterator[str]:
    """What a person types, until the end of input."""
    prompt = "> " if sys.stdin.isatty() else ""
    while True:
        try:
            yield input(prompt)
        except EOFError:
            return


def print_answer(pieces: Iterator[Any]) -> None:
    from trainer.generate.text import harmless

    for piece in pieces:
        sys.stdout.write(harmless(piece))
        sys.stdout.flush()
    sys.stdout.write("\n")


COMMANDS = (
    Command(
        name="chat",
        group="assistant",
        about=f"Talk with a fine-tuned model; {RESET} begins anew, {LEAVE[0]} ends",
        example='bateia chat --run out/sft --say "What is the first word of: the river carries gold"',
        options=add_chat,
        run=run_chat,
        reads=("folder",),
    ),
)
