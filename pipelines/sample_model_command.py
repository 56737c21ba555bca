"""`bateia sample --run`: a trained model continues a prompt, on the terminal."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pipelines.stage_command import positive
from pipelines.voice_options import add_backend

SHARE_WIDTH = 20  # characters of a bar


def add_sampling(command: Any) -> None:
    """Options of --run; sampling without a prompt begins a document."""
    command.add_argument("--run", dest="folder", metavar="DIR", help="output of `bateia train`: let its model write")
    command.add_argument("--prompt", default="", metavar="TEXT", help="what to continue; default: a new document")
    command.add_argument("--tokens", type=int, default=200, metavar="N", help="at most (default 200)")
    command.add_argument("--temperature", type=float, default=0.8, metavar="X", help="0: the likeliest (default 0.8)")
    command.add_argument("--top-k", type=int, default=50, metavar="N", help="of so many; 0: of all (default 50)")
    command.add_argument("--top-p", type=float, default=0.95, metavar="P", help="of this probability (default 0.95)")
    command.add_argument("--seed", type=int, default=1, metavar="N", help="of the drawing (default 1)")
    command.add_argument(
        "--count", type=positive, default=1, metavar="N", help="texts, each of the next seed (default 1)"
    )
    command.add_argument("--show-distribution", action="store_true", help="for each token what else might stand there")
    command.add_argument("--html", metavar="F.html", help="write the texts as a page")
    add_backend(command)


def run_sampling(args: argparse.Namespace) -> int:
    from pipelines.faults import BadInput
    from pipelines.voice_options import in_one_line

    if args.html and args.show_distribution:
        raise BadInput("--show-distribution is for a terminal; leave it out, or --html")
    with in_one_line():
        from trainer.sampling import Sampling
        from trainer.speech import load_voice

        settings = (args.tokens, args.temperature, args.top_k, args.top_p)
        drawings = [Sampling(*settings, seed=args.seed + at) for at in range(args.count)]
        voice = load_voice(args.folder, args.backend)
        if args.html:
            return write_dreams(args, voice, drawings)
        for at, sampling in enumerate(drawings):
            if at:
                print("\n" + "─" * 20)
            speak(voice, args.prompt, sampling, args.show_distribution)
    return 0


def write_dreams(args: argparse.Namespace, voice: Any, drawings: list[Any]) -> int:
    """A page instead of the terminal."""
    from pipelines.dreams_page import render
    from pipelines.voice_options import write_page

    texts = [(sampling, voice.write(args.prompt, sampling)) for sampling in drawings]
    write_page(args.html, render(args.folder, voice.step, args.prompt, texts))
    return 0


def speak(voice: Any, prompt: str, sampling: Any, show_distribution: bool) -> None:
    """Print prompt and text as they come, harmless to the terminal."""
    from trainer.text import harmless

    if show_distribution:
        for piece, rivals in voice.choices(prompt, sampling):
            print(table(piece, rivals), flush=True)
        return
    sys.stdout.write(harmless(prompt))
    for piece in voice.say(prompt, sampling):
        sys.stdout.write(harmless(piece))
        sys.stdout.flush()
    sys.stdout.write("\n")


def table(piece: str, rivals: list[tuple[str, float, float]]) -> str:
    """What was drawn, and below it the likeliest tokens: the model's probability, and the one it was drawn by."""
    lines = [f"{shown(piece)}"]
    for text, by_model, drawn in rivals:
        bar = "█" * round(by_model * SHARE_WIDTH)
        lines.append(f"  {by_model:6.1%} {drawn:6.1%}  {bar:<{SHARE_WIDTH}}  {shown(text)}")
    return "\n".join(lines)


def shown(piece: str) -> str:
    """A token's text on one line."""
    from trainer.text import harmless

    return harmless(piece).replace("\n", "⏎").replace("\t", "⇥").replace(" ", "·")
