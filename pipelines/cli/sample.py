"""`bateia sample`, `look`, `base`: a trained model writes, shows what it computes, and what a base model is."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import Any

from pipelines.cli.command import Command
from pipelines.cli.options import add_model, require_packages, write_page
from pipelines.cli.settings import add_settings, given, positive

SHARE_WIDTH = 20  # characters of a bar
HEADING = (
    f"token drawn\n  {'model':>6} {'drawn':>6}  {'share by the model':<{SHARE_WIDTH}}  what else might stand there"
)


def add_sample(parser: argparse.ArgumentParser) -> None:
    from trainer.generate.sampling import Sampling

    add_model(parser)
    parser.add_argument("--prompt", default="", metavar="TEXT", help="what to continue (default: a new document)")
    add_settings(parser, Sampling)
    parser.add_argument("--count", type=positive, default=1, metavar="N", help="texts, each of the next seed")
    parser.add_argument("--show-distribution", action="store_true", help="for each token what else might stand there")
    parser.add_argument("--html", metavar="F.html", help="write the texts as a page")


def run_sample(args: argparse.Namespace) -> int:
    from schemas.faults import BadInput

    if args.html and args.show_distribution:
        raise BadInput("--show-distribution is for a terminal; leave it out, or --html")
    with require_packages():
        from trainer.generate.generator import load_generator
        from trainer.generate.sampling import Sampling

        first = Sampling(**given(args, Sampling))
        drawings = [replace(first, seed=first.seed + number) for number in range(args.count)]
        generator = load_generator(args.folder, args.backend)
        if args.html:
            return write_samples(args, generator, drawings)
        for number, sampling in enumerate(drawings):
            if number:
                print("\n" + "─" * 20)
            stream(generator, args.prompt, sampling, args.show_distribution)
    return 0


def write_samples(args: argparse.Namespace, generator: Any, drawings: list[Any]) -> int:
    """A page instead of the terminal."""
    from pipelines.reports.model.samples import Sample, SamplesReport, render_page
    from trainer.run.job import versions

    samples = []
    for drawing in drawings:
        written = generator.write(args.prompt, drawing)
        samples.append(Sample(drawing.seed, drawing.temperature, written.text, written.tokens, written.ended))
    report = SamplesReport(args.folder, generator.step, args.prompt, tuple(samples))
    write_page(args.html, render_page(report, versions()))
    return 0


def stream(generator: Any, prompt: str, sampling: Any, show_distribution: bool) -> None:
    """Print prompt and text as they come, harmless to the terminal."""
    from trainer.generate.text import harmless

    if show_distribution:
        print(HEADING)
        for piece, candidates in generator.choices(prompt, sampling):
            print(table(piece, candidates), flush=True)
        return
    sys.stdout.write(harmless(prompt))
    for piece in generator.stream(prompt, sampling):
        sys.stdout.write(harmless(piece))
        sys.stdout.flush()
    sys.stdout.write("\n")


def table(piece: str, candidates: list[tuple[str, float, float]]) -> str:
    """What was drawn, and below it the likeliest tokens: the model's probability, and the one it was drawn by."""
    lines = [f"{shown(piece)}"]
    for text, by_model, drawn in candidates:
        bar = "█" * round(by_model * SHARE_WIDTH)
        lines.append(f"  {by_model:6.1%} {drawn:6.1%}  {bar:<{SHARE_WIDTH}}  {shown(text)}")
    return "\n".join(lines)


def shown(piece: str) -> str:
    """A token's text on one line."""
    from trainer.generate.text import harmless

    return harmless(piece).replace("\n", "⏎").replace("\t", "⇥").replace(" ", "·")


# --- look -------------------------------------------------------------------------------------------------------------


def add_look(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", dest="folder", required=True, metavar="DIR", help="output of `bateia train`")
    parser.add_argument(
        "--text", default="", metavar="TEXT", help="what the page begins with (default: a new document)"
    )
    parser.add_argument("--html", required=True, metavar="F.html", help="the page to write")


def run_look(args: argparse.Namespace) -> int:
    with require_packages():
        from pipelines.analysis.look import look_into
        from pipelines.reports.model.look import render_page
        from trainer.run.job import versions

        write_page(args.html, render_page(look_into(args.folder, args.text), versions()))
    return 0


# --- base -------------------------------------------------------------------------------------------------------------


def add_base(parser: argparse.ArgumentParser) -> None:
    from pipelines.analysis.base import BaseSettings

    add_model(parser)
    parser.add_argument("--shards", required=True, metavar="DIR", help="shards that it was trained on")
    add_settings(parser, BaseSettings)
    parser.add_argument("--html", required=True, metavar="F.html", help="the page to write")


def run_base(args: argparse.Namespace) -> int:
    from pipelines.engine.terminal import StatusLine

    line = StatusLine()

    def show_progress(what: str) -> None:
        if line.replaces:
            line.write(f"{what} …")

    with require_packages():
        from pipelines.analysis.base import BaseSettings, show_base
        from pipelines.reports.model.base import render_page
        from trainer.run.job import versions

        settings = BaseSettings(**given(args, BaseSettings))
        report = show_base(args.folder, args.shards, settings, args.backend, show_progress)
    line.clear()
    write_page(args.html, render_page(report, versions()))
    return 0


COMMANDS = (
    Command(
        name="sample",
        group="model",
        about="Let a trained model continue a prompt, or write a new document",
        example='bateia sample --run out/model --prompt "The history of"',
        options=add_sample,
        run=run_sample,
        reads=("folder",),
    ),
    Command(
        name="look",
        group="model",
        about="Write a page with the model in it: attention, activations and the next token, computed as one types",
        example='bateia look --run out/model --text "The history of" --html look.html',
        options=add_look,
        run=run_look,
        reads=("folder",),
    ),
    Command(
        name="base",
        group="model",
        about="Write a page on what a base model is: its dreams, what it recites from which pages, what it invents",
        example="bateia base --run out/model --shards out/shards --html base.html",
        options=add_base,
        run=run_base,
        reads=("folder", "shards"),
    ),
)
