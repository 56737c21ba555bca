"""`bateia course`: from the embedded crawl to an assistant, a page for each section."""

from __future__ import annotations

import argparse
import sys
import time

from pipelines.cli.command import Command
from pipelines.cli.options import codes, require_packages
from pipelines.cli.settings import positive
from schemas.wording import plural

LOG_S = 30.0  # between lines where one can't replace another


def add_course(parser: argparse.ArgumentParser) -> None:
    from pipelines.course.pace import LANGUAGES

    parser.add_argument("--output", required=True, metavar="DIR", help="folder to write, or to go on in")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the pages")
    sections = "only these and what they are made from, such as tokens,thinking (default: all)"
    parser.add_argument("--sections", type=codes, default=(), metavar="NAME", help=sections)
    parser.add_argument(
        "--quick", action="store_true", help="a few steps of each training: all runs, nothing is learned"
    )
    parser.add_argument("--backend", choices=("jax", "torch"), default="jax", help="what trains")
    parser.add_argument("--workers", type=positive, default=2, metavar="N", help="processes for the data")


def run_course(args: argparse.Namespace) -> int:
    from pipelines.engine.output import refuse_inside_dataset
    from pipelines.engine.run import EXIT_BROKEN, EXIT_INTERRUPTED, Stopped
    from pipelines.engine.terminal import StatusLine
    from schemas.faults import BrokenRun
    from schemas.lease import release_all

    refuse_inside_dataset(args.output)
    line, last = StatusLine(), -LOG_S

    def show(text: str) -> None:
        nonlocal last
        if line.replaces or time.monotonic() - last >= LOG_S:
            line.write(text)
            last = time.monotonic()

    with require_packages(args.backend):
        from pipelines.course.book import Book
        from pipelines.course.pace import FULL, QUICK
        from pipelines.course.sections.order import SECTIONS
        from trainer.run.job import versions

        book = Book(args.output, SECTIONS, QUICK if args.quick else FULL, args.backend, args.workers, show)
        try:
            made = book.make(args.sections)
            line.clear()
            page = book.write_pages(args.language, versions())
        except (Stopped, KeyboardInterrupt) as stopped:
            line.clear()
            sys.stderr.write("bateia: what is made stays. The same command goes on from there.\n")
            return stopped.code if isinstance(stopped, Stopped) else EXIT_INTERRUPTED
        except BrokenRun as fault:
            line.clear()
            sys.stderr.write(f"bateia: {fault}\n")
            return EXIT_BROKEN
        finally:
            release_all()
    print(f"{plural(len(made), 'section')} made; open {page} in a browser; it needs no network")
    return 0


COMMANDS = (
    Command(
        name="course",
        group="assistant",
        about="Make the whole course from the embedded crawl: data, model, assistant, with a page for each section",
        example="bateia course --output out/course",
        options=add_course,
        run=run_course,
        huge_pages=True,
    ),
)
