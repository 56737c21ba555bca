"""What the commands that run a stage have in common: options, Ctrl-C, faults, exit codes."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from typing import Any


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number above 0")
    return int(text)


def add_run_options(command: Any) -> None:
    command.add_argument("--output", required=True, metavar="DIR", help="directory to write, local or s3:// or gs://")
    command.add_argument("--workers", type=positive, default=1, metavar="N", help="processes of the in-process runner")
    command.add_argument("--overwrite", action="store_true", help="replace what an earlier run wrote")
    command.add_argument("--no-guard", action="store_true", help="accept a step that drops nearly everything")
    command.add_argument("--quiet", action="store_true", help="no progress line")


def add_curate_options(command: Any) -> None:
    command.add_argument("--input", required=True, nargs="+", metavar="WARC", help="files, globs or *.paths(.gz) lists")
    command.add_argument("--keep-dropped", action="store_true", help="keep dropped documents' text in the ledger")
    command.add_argument("--no-blocklist", action="store_true", help="run without the recipe's URL block list")
    command.add_argument(
        "--dump", metavar="NAME", help="name of the crawl; default: from the path or the warcinfo record"
    )
    command.add_argument(
        "--paths-root", metavar="DIR", help="what paths in a list are relative to; default: its folder"
    )
    command.add_argument(
        "--unit-mb", type=positive, default=64, metavar="MB", help="size of a unit of work (default 64)"
    )


def add_dedup_options(command: Any) -> None:
    against = "earlier corpora whose documents count as seen"
    command.add_argument("--against", nargs="+", action="extend", default=[], metavar="CORPUS", help=against)
    command.add_argument(
        "--tokenizer", metavar="FILE", help="tokenizer.json or SentencePiece *.model that fills token_count"
    )


def run_stage(output: str, work: Callable[[], str], how_far: Callable[[], str]) -> int:
    """Do the work and print its summary; tell where it stopped and how to go on. Returns the exit code.

    how_far: what is finished so far, such as "3 of 8 units are finished".
    """
    from pipelines.faults import BadInput
    from pipelines.runner import leave_now
    from pipelines.stage_output import BrokenRun
    from schemas.storage import join

    def tell_stopped(what: str) -> None:
        sys.stderr.write(f"bateia: {what}; {how_far()} in {output}. The same command goes on from there.\n")

    def stop(*_: object) -> None:
        # Unwinding would tear workers down in the middle of a page, with a traceback for each. Nothing needs unwinding:
        # what is unfinished lies under temporary names, and workers leave with their parent.
        sys.stderr.write("\n")
        tell_stopped("stopped")
        leave_now(130)

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        told = work()
    except BadInput:
        raise
    except BrokenRun as fault:
        sys.stderr.write(f"bateia: {fault}\n")
        return 1
    except Exception as fault:  # whatever a step raised; what is finished stays so
        log = join(output, "failure.log")
        sys.stderr.write(f"bateia: {last_line(fault)}\n")
        write_traceback(log)
        tell_stopped(f"the run failed (details in {log})")
        leave_now(1)
    print(told)
    return 0


def last_line(fault: BaseException) -> str:
    """What went wrong, without the traceback that a worker process sends along."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    if not isinstance(fault, (RuntimeError, OSError)):  # a step's own; a KeyError's text is but the key
        return f"{type(fault).__name__}: {' '.join(lines)}"[:500]
    return next((line for line in reversed(lines) if ": " in line), lines[-1] if lines else type(fault).__name__)[:500]


def write_traceback(path: str) -> None:
    import traceback

    from schemas.storage import write_whole

    try:
        with write_whole(path) as file:
            file.write(traceback.format_exc().encode("utf-8", "replace"))
    except OSError:  # a full disk may be the very reason
        traceback.print_exc()
