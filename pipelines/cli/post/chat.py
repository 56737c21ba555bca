"""`bateia chat`: a talk with a fine-tuned model on the terminal, with tools where they are given.

By itself the model calls a tool when it likes; with --search-when-unsure it answers as likely as it can, and what it is
not sure of is searched.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipelines.cli.command import Command
from pipelines.cli.options import add_model, require_packages
from pipelines.cli.settings import add_settings, given

if TYPE_CHECKING:
    from trainer.post.tools.careful import Answer

RESET, LEAVE = "/reset", ("/exit", "/quit")
SURE = 0.5


def add_chat(parser: argparse.ArgumentParser) -> None:
    from trainer.generate.sampling import Sampling

    add_model(parser)
    parser.add_argument("--system", metavar="TEXT", help="what the system says first")
    parser.add_argument("--say", action="append", default=[], metavar="TEXT", help="a message; without, lines are read")
    parser.add_argument("--tools", nargs="+", default=[], metavar="NAME", help="calculator, search")
    parser.add_argument("--index", metavar="DIR", help="search: output of `bateia search index`")
    when = f"search --index where a token of the likeliest answer is less probable than X (default {SURE})"
    parser.add_argument("--search-when-unsure", type=float, nargs="?", const=SURE, metavar="X", help=when)
    add_settings(parser, Sampling)


def run_chat(args: argparse.Namespace) -> int:
    with require_packages():
        from trainer.generate.generator import load_generator
        from trainer.generate.sampling import Sampling
        from trainer.post.talk import CarefulTalk, Talk
        from trainer.post.tools.find import find_tools

        generator, sampling = load_generator(args.folder, args.backend), Sampling(**given(args, Sampling))
        if args.search_when_unsure is None:
            talk = Talk(generator, sampling, find_tools(args.tools, args.index), args.system)
        else:
            tools = find_tools([*args.tools, "search"], args.index)
            talk = CarefulTalk(generator, tools, sampling.tokens, args.search_when_unsure, args.system)
        for said in args.say or lines():
            if said.strip() in LEAVE:
                break
            if said.strip() == RESET:
                talk.reset()
                continue
            if args.say:
                print(f"> {said}")
            print_answer(talk.answer(said) if isinstance(talk, Talk) else told(talk.answer(said)))
    return 0


def told(answer: Answer) -> Iterator[str]:
    """An answer, and on a line of its own how it came about."""
    if answer.query is None:
        yield f"{answer.text}\n[not looked up: {answer.sure:.2f} sure]"
    elif answer.text:
        yield f'{answer.text}\n[looked up: {answer.query}; {answer.sure:.2f} sure of "{answer.draft}"]'
    else:
        yield f"{answer.draft}\n[{answer.sure:.2f} sure, and no answer came of looking up: {answer.query}]"


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
