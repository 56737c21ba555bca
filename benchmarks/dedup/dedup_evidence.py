"""Claim: that shuffles count what they send and receive costs a run of `bateia dedup` some tenths of a CPU second.

    python -m benchmarks.dedup.dedup_evidence --documents 20000 --rounds 3 --scratch DIR --out

The same command on the same made-up documents, with the counts and without, in turns. Without is this module as a
program: it runs the command with what counts replaced by nothing, in a single process. Measured are CPU seconds of the
whole command, and of its phases that shuffle. What is counted grows with files and partitions, not with documents, so
the share shrinks as documents grow: it is below 3 % of the command from some 10,000 documents on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import mean
from typing import Any
from unittest import mock

from benchmarks.dedup.dedup_scale import mixed
from benchmarks.generated.documents import write_documents
from benchmarks.harness import Benchmark, positive, ratio, table, take_turns
from benchmarks.process_cost import measure
from schemas.manifest import read_manifest

WITH, WITHOUT = "with counts", "without"
SHUFFLING = ("match", "clusters", "audit")
TIMES = "BATEIA_PHASE_TIMES"  # file for the CPU seconds of each phase


def run_here(arguments: list[str], counts: bool) -> int:
    """The command in this process, with or without counts, and its phases timed."""
    from pipelines.__main__ import main
    from pipelines.engine.run import Phases

    times: dict[str, float] = {}
    run_locally = Phases.run_locally

    def timed(self: Phases, name: str, *given: Any) -> None:
        started = time.process_time()
        run_locally(self, name, *given)
        times[name] = times.get(name, 0.0) + time.process_time() - started

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(Phases, "run_locally", timed))
        for patch in [] if counts else no_counts():
            stack.enter_context(patch)
        code = main(arguments)
    Path(os.environ[TIMES]).write_text(json.dumps(times))
    return code


def no_counts() -> Iterator[Any]:
    """What replaces all that counts."""
    from pipelines.engine.beam import evidence
    from pipelines.stages import dedup
    from transforms import packed
    from transforms.dedup import audit, components, survivors

    def groups_alone(rows: Any, label: str) -> tuple[Any, Any]:
        return packed.grouped(rows, label), None

    def run_alone(run: Any, phases: Any, name: str, stars: str, step: Any, path: str) -> None:
        import apache_beam as beam

        phases.run(name, run.cluster_partitions, lambda root: root | beam.Create([stars]) | step)

    def own_sums(collections: Any, path: str) -> Any:
        """The audit's verdict is a sum, too."""
        return packed.write_sums([each for each in collections if each is not None], path)

    yield mock.patch.object(evidence, "require_counts", lambda *_: {})
    yield mock.patch.object(dedup, "run_members", run_alone)
    yield mock.patch.object(audit, "write_sums", own_sums)
    for module in (packed, components, survivors):
        for name, instead in (("counted", lambda _: iter(())), ("counted_groups", groups_alone)):
            if hasattr(module, name):
                yield mock.patch.object(module, name, instead)
        if module is not packed:
            yield mock.patch.object(module, "write_sums", lambda *_: None)


def scale(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    write_documents(scratch / "documents", mixed(args.documents))
    turns: dict[str, int] = dict.fromkeys((WITH, WITHOUT), 0)
    shuffling: dict[str, list[float]] = {name: [] for name in turns}
    hashes = set()

    def run(name: str) -> float:
        output, times = scratch / f"{name}-{turns[name]}", scratch / "times.json"
        turns[name] += 1
        command = [sys.executable, "-m", "benchmarks.dedup.dedup_evidence", name, "dedup", "--recipe", "fineweb"]
        command += ["--quiet", "--no-guard", "--input", str(scratch / "documents"), "--output", str(output)]
        cost = measure(command, scratch / "log.txt", {TIMES: str(times)})
        phases = json.loads(times.read_text())
        shuffling[name].append(sum(phases[phase] for phase in SHUFFLING))
        manifest = read_manifest(str(output))
        assert manifest is not None
        hashes.add(manifest.dataset_hash)
        return cost.cpu_s

    measured = take_turns({name: lambda name=name: run(name) for name in turns}, args.rounds)
    assert len(hashes) == 1, hashes
    whole, phases = (ratio(each[WITHOUT], each[WITH]) for each in (measured, shuffling))
    yield f"{args.documents:,} documents, one process; CPU seconds, and with counts ÷ without.\n"
    head = ["", *turns, "best ÷ best", "round by round"]
    rows = [
        [what, *(f"{min(each[name]):.2f}" for name in turns), f"{compared.best:.3f}", compared.by_round]
        for what, each, compared in (("the command", measured, whole), ("phases that shuffle", shuffling, phases))
    ]
    yield table(head, rows)
    more = mean(shuffling[WITH]) - mean(shuffling[WITHOUT])
    share = more / mean(measured[WITHOUT])
    yield f"On average the phases that shuffle took {more:+.2f} s with counts, which is {share:+.1%} of the command."


BENCHMARK = Benchmark(
    __file__,
    "What dedup's counts cost",
    __doc__,
    scale,
    lambda parser: parser.add_argument("--documents", type=positive, default=20_000, help="made up (20,000)"),
    rounds=3,
    quick={"documents": 500},
    packages=("apache-beam", "numpy", "pyarrow"),
)

if __name__ == "__main__":
    if sys.argv[1:2] in ([WITH], [WITHOUT]):
        sys.exit(run_here(sys.argv[2:], sys.argv[1] == WITH))
    BENCHMARK.main()
