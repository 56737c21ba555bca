"""Question: does a worker's memory grow with the pages it has read?

    python -m benchmarks.curate.memory_over_pages --corpus WARCS --pages 20000 --out

The corpus' WARC files are copied under as many names as it takes, and curated with the recipe `fineweb-gated` (without
a block list) in worker processes. Measured is every worker's resident memory in MiB once a second: its median around
each quarter of the run, and its slope in the second half, when every word splitter and model is loaded; and
the most that a worker and its extraction child hold together. A chart shows the workers over time. Needs Linux.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.harness import Benchmark, Part, positive, table
from benchmarks.inputs import add_corpus_options, repeated, warc_files
from benchmarks.plot import Chart
from benchmarks.process_cost import bateia, measure, memory_mib, parent_of

EVERY_S = 1.0
ROLES = {"pipelines.engine.worker": "worker", "transforms.steps.extract.child": "extraction child"}  # by module
QUARTERS = (0.25, 0.5, 0.75, 1.0)
NEAR = 0.02  # of the run, around a moment


@dataclass
class Memory:
    """A process over time. samples: (seconds since the start, MiB resident)."""

    role: str = ""
    samples: list[tuple[float, float]] = field(default_factory=list)

    def around(self, share: float, wall_s: float) -> float:
        """Median MiB around a moment of the run, which is a share of its time; of the last samples for the end."""
        moment = min(share, 1 - NEAR) * wall_s
        near = [mib for second, mib in self.samples if abs(second - moment) <= NEAR * wall_s + EVERY_S]
        return float(np.median(near)) if near else float("nan")

    def slope(self, wall_s: float, pages: int) -> float:
        """MiB for 1,000 pages of the whole run, by a straight line through its second half."""
        late = np.array([sample for sample in self.samples if sample[0] > wall_s / 2])
        if len(late) < 2:
            return float("nan")
        return float(np.polyfit(late[:, 0], late[:, 1], 1)[0]) * wall_s / pages * 1000


class MemoryByProcess(defaultdict[int, Memory]):
    """Notes the memory of every process that has a role, by its id.

    most_together: MiB of a worker and its extraction child, shared pages counted in parts (Pss), at their most.
    """

    most_together = 0.0

    def observe(self, second: float, pids: list[int]) -> None:
        together: dict[int, float] = defaultdict(float)  # by the worker's id
        for pid in pids:
            if (role := role_of(pid)) is not None and (mib := memory_mib(pid, "status", "VmRSS:")):
                self[pid].role = role
                self[pid].samples.append((second, mib))
                together[pid if role == "worker" else parent_of(pid)] += memory_mib(pid, "smaps_rollup", "Pss:")
        self.most_together = max([self.most_together, *together.values()])

    def of_role(self, role: str) -> list[Memory]:
        return [memory for memory in self.values() if memory.role == role]


def role_of(pid: int) -> str | None:
    """What a process does, by its command line; None for any other one."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:  # it ended meanwhile
        return None
    return next((role for module, role in ROLES.items() if module in command), None)


def watch(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    output = scratch / "documents"
    # Copies: the same file under two names would be read once.
    files = repeated(warc_files(args, scratch), -(-args.pages // args.corpus_pages), scratch / "repeated")
    command = bateia("curate", "--recipe", "fineweb-gated", "--no-blocklist", "--no-guard", "--quiet")
    command += ["--workers", str(args.workers), "--output", str(output), "--input", *map(str, files)]
    memories = MemoryByProcess(Memory)
    quiet = {"PYTHONWARNINGS": "ignore"}
    cost = measure(command, scratch / "log.txt", quiet, EVERY_S, memories.observe)
    counts = json.loads((output / "manifest.json").read_text("utf-8"))["counts"]
    workers, children = memories.of_role("worker"), memories.of_role("extraction child")

    yield f"{counts['read']:,} pages read ({counts['kept']:,} kept) by {len(workers)} workers in {cost.wall_s:.0f} s.\n"
    rows = [
        [
            f"worker {number}",
            *(f"{memory.around(share, cost.wall_s):.0f}" for share in QUARTERS),
            f"{memory.slope(cost.wall_s, counts['read']):+.2f}",
        ]
        for number, memory in enumerate(workers, 1)
    ]
    head = ["RSS, MiB, at", *(f"{share:.0%}" for share in QUARTERS), "slope in the second half, MiB for 1,000 pages"]
    yield table(head, rows)
    yield f"A worker and its extraction child together: {memories.most_together:.0f} MiB at most (Pss).\n"
    largest = max((mib for child in children for _, mib in child.samples), default=0.0)
    yield f"Extraction children, of 2,000 pages each: {len(children)}; the largest held {largest:.0f} MiB.\n"
    if workers:
        lines = {f"worker {number}": memory.samples for number, memory in enumerate(workers, 1)}
        yield Chart("Resident memory of each worker", "seconds since the start", "MiB", lines)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_corpus_options(parser)
    parser.add_argument("--corpus-pages", type=positive, default=1994, help="pages in the corpus, about (1,994)")
    parser.add_argument("--pages", type=positive, default=20_000, help="least number of pages to read (20,000)")
    parser.add_argument("--workers", type=positive, default=2, help="processes (2); with one there is nothing to watch")


BENCHMARK = Benchmark(
    __file__,
    "A worker's memory over the pages it has read",
    __doc__,
    watch,
    add_options,
    quick={"files": 1, "pages": 1},
    packages=("trafilatura", "lxml", "spacy", "apache-beam"),
)

if __name__ == "__main__":
    BENCHMARK.main()
