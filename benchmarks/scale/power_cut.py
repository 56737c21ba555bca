"""Claim: after a power cut, a fault of the disk or a signal at any moment a stage's command comes to the same bytes.

    python -m benchmarks.scale.power_cut --out
    python -m benchmarks.scale.power_cut --stages dedup shard --what cuts faults --out

The trials are the tests' own (tests/test_power_cut.py, tests/test_stopped_anywhere.py), of which `make test` draws a
sample: each stage at its smallest, two units. Measured is what each trial came to: the bytes of an undisturbed run, one
message and an exit code, or something wrong, which is listed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import Benchmark, note, positive, table

ROOT = Path(__file__).parents[2]
STAGES = ("curate", "dedup", "shard", "tokenizer", "train")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
CUTS = """## Power cuts

Every file and folder that a run makes, writes, renames, removes or flushes is logged. Power is cut after each one,
once with all and once with nothing kept that was not flushed, and many times anywhere, with what was not flushed kept,
lost, cut short or nought as dice draw. Folders that differ in temporary files alone are of one kind; the command is
repeated once on each kind.
"""
FAULTS = """## Faults

One reading, writing, flush, renaming, listing or removal fails (EIO, EACCES, ENOSPC; a full disk stays full), each in
turn; the run has to end with one message and exit code 1 or 2, or to pass without harm. On each kind of folder that is
left the same command is repeated without a fault.
"""
STOPS = """## Signals

Sent some time after a flush or renaming that dice draw. No process may be left, at most one line be said, and the same
command comes to the same bytes.
"""


def measure(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    sys.path.insert(0, str(ROOT / "tests"))
    from support.stages import make_inputs, quick_children

    small = make_inputs(scratch / "small")
    tables = {"cuts": cuts, "faults": faults, "signals": signals}
    with quick_children():
        for what in args.what:
            wrong: list[str] = []
            yield from tables[what](args, small, scratch, wrong)
            yield "\n" + "\n".join(f"- {fault[:600]}" for fault in wrong or ["nothing was wrong"]) + "\n"


def cuts(args: argparse.Namespace, small: Any, scratch: Path, wrong: list[str]) -> Iterator[str]:
    from support.cutting import cut_everywhere

    head = ("stage", "operations", "cuts", "kinds of folders", "gone on from", "to the same bytes", "wrong", "CPU s")
    yield CUTS + "\n" + table(head, []).rstrip()
    for stage in args.stages:
        started = time.process_time()
        found = cut_everywhere(small, stage, scratch, args.reorderings, args.most, args.seed)
        bad = [*found.failed, *(f"{stage}: refused {times} times: {said}" for said, times in found.refused.items())]
        wrong += noted(bad)
        gone_on = found.same + found.refused.total() + len(found.failed)
        failed = found.refused.total() + len(found.failed)
        counts = found.operations, f"{found.disks:,}", found.kinds, gone_on, found.same, failed
        yield row(stage, *counts, cpu_since(started))


def faults(args: argparse.Namespace, small: Any, scratch: Path, wrong: list[str]) -> Iterator[str]:
    from support.cutting import fail_everywhere

    head = ("stage", "asked for", "failed", "passed without harm", "told", "wrong", "CPU s")
    yield "\n" + FAULTS + "\n" + table(head, []).rstrip()
    for stage in args.stages:
        started = time.process_time()
        found = fail_everywhere(small, stage, scratch, args.most, args.seed)
        wrong += noted(found.wrong)
        counts = found.asked.total(), found.tried, found.passed, found.said.total(), len(found.wrong)
        yield row(stage, *counts, cpu_since(started))


def signals(args: argparse.Namespace, small: Any, scratch: Path, wrong: list[str]) -> Iterator[str]:
    from support.cutting import stop_anywhere
    from support.forked import run_forked

    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what a shell starts behind itself
    run_forked("--version", log=scratch / "log")  # what forks lives on, and has no trial's mark
    yield (
        "\n" + STOPS + "\n" + table(("stage", "signal", "exit codes", "sent", "had finished", "wrong"), [], 3).rstrip()
    )
    for stage in args.stages:
        for number in SIGNALS:
            found = stop_anywhere(small, stage, number, scratch, args.signals)
            wrong += noted(found.wrong)
            ends = ", ".join(f"{code} ({times})" for code, times in sorted(found.ends.items()))
            yield row(stage, number.name, ends, found.ends.total(), found.whole, len(found.wrong))


def cpu_since(started: float) -> str:
    return f"{time.process_time() - started:,.0f}"


def noted(wrong: list[str]) -> list[str]:
    """Told at once, as it may take an hour until the result is written."""
    for fault in wrong:
        note(fault)
    return wrong


def row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES, help="default: all")
    kinds = ("cuts", "faults", "signals")
    parser.add_argument("--what", nargs="+", choices=kinds, default=kinds, help="default: all")
    parser.add_argument("--reorderings", type=positive, default=1000, help="cuts that dice draw (default: %(default)s)")
    parser.add_argument(
        "--signals", type=positive, default=20, help="of each kind to each stage (default: %(default)s)"
    )
    parser.add_argument("--most", type=positive, help="kinds of folders, and faults, that are tried (default: all)")
    parser.add_argument("--seed", type=int, default=7)


BENCHMARK = Benchmark(
    file=__file__,
    title="Power cuts, faults of the file system and signals, stage by stage",
    about=__doc__,
    measure=measure,
    add_options=add_options,
    quick={"stages": ("curate",), "reorderings": 20, "signals": 1, "most": 2},
    packages=("apache-beam",),
)

if __name__ == "__main__":
    BENCHMARK.main()
