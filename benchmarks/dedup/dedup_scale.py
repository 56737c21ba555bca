"""Claim: `bateia dedup` takes a million documents in minutes on two cores, at the cost per document that a tenth of
them has; neither one text a hundred thousand times nor a long chain of near-copies slows it down.

    python -m benchmarks.dedup.dedup_scale --documents 1000000 --workers 2 --scratch DIR --out

Documents are made up, 2 KB each: 85 % stand alone, 10 % are near-copies of similarity .7 to .98 of an earlier one, 5 %
exact copies. Measured are CPU seconds of all processes of the command, start-up and reports included, wall time and
memory. The steady cost of a document takes the run on 1,000 documents away. Needs 10 GB of disk.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generated.documents import DOCUMENT_WORDS, InventedText, distinct_texts, near_copy, write_documents
from benchmarks.harness import Benchmark, note, positive, table
from benchmarks.process_cost import Cost, bateia, measure

SMALL = 1_000  # documents of the run that shows the start-up
EXTREME = 100_000  # documents of the runs that are nothing but distinct texts, one text, a chain
CHAIN, CHAIN_STEP = 5_000, 8  # documents; words by which each moves on, so neighbours are .955 alike
REMEMBERED = 5_000  # texts of which near and exact copies are made


def mixed(count: int) -> Iterator[str]:
    """Documents of which some are copies of others, near and far in the order of the files."""
    invented, earlier = InventedText(1), []
    for _ in range(count):
        kind = invented.rng.random()
        if kind < 0.85 or not earlier:
            words = invented.words(DOCUMENT_WORDS)
            earlier.append(words)
            if len(earlier) > REMEMBERED:
                earlier[int(invented.rng.integers(REMEMBERED))] = earlier.pop()
        else:
            words = earlier[int(invented.rng.integers(len(earlier)))]
            words = near_copy(invented, words, float(invented.rng.uniform(0.7, 0.98))) if kind < 0.95 else words
        yield invented.text(words)


def equal(count: int) -> Iterator[str]:
    invented = InventedText(3)
    text = invented.text(invented.words(DOCUMENT_WORDS))
    for _ in range(count):
        yield text


def chained(count: int) -> Iterator[str]:
    """A twentieth are a chain, each a window of one long text a little further on, shuffled among distinct ones."""
    invented, links = InventedText(4), min(CHAIN, count // 20)
    long = invented.words(DOCUMENT_WORDS + links * CHAIN_STEP)
    link_of = {int(document): link for link, document in enumerate(invented.rng.permutation(count)[:links])}
    for document in range(count):
        link = link_of.get(document)
        if link is None:
            yield invented.text(invented.words(DOCUMENT_WORDS))
        else:
            yield invented.text(long[link * CHAIN_STEP :][:DOCUMENT_WORDS])


@dataclass
class Result:
    """One run. counts, phases, hash: what its report says."""

    documents: int
    cost: Cost
    counts: dict[str, int]
    phases: str
    hash: str

    @property
    def cpu_ms(self) -> float:
        """Of a document."""
        return self.cost.cpu_s / self.documents * 1e3


def run(folder: Path, name: str, texts: Iterator[str], workers: int) -> Result:
    documents, corpus = folder / f"{name}-documents", folder / f"{name}-corpus"
    count = write_documents(documents, texts, prefix=name)
    note(f"{name}: {count:,} documents written")
    command = bateia("dedup", "--recipe", "fineweb", "--quiet", "--no-guard", "--workers", workers)
    cost = measure([*command, "--input", str(documents), "--output", str(corpus)], folder / "log.txt")
    report = json.loads((corpus / "report.json").read_text())
    phases = ", ".join(f"{item['phase']} {item['wall_s']:.0f} s" for item in report["throughput"]["phases"])
    note(f"{name}: {cost}; {phases}")
    return Result(count, cost, report["counts"], phases, report["dataset_hash"])


def report(results: dict[str, Result], workers: int) -> Iterator[str]:
    base, rows = results["start-up"], []
    for name, result in results.items():
        steady = (result.cost.cpu_s - base.cost.cpu_s) / max(result.documents - base.documents, 1) * 1e3
        cells = [name, f"{result.documents:,}", f"{result.cost.cpu_s:.1f}", f"{result.cost.wall_s:.0f}"]
        cells += [f"{result.cpu_ms:.3f}", f"{steady:.3f}" if result is not base else "", f"{result.cost.tree_mib:,.0f}"]
        counts = (result.counts[key] for key in ("kept", "removed_exact", "removed_near", "clusters"))
        rows.append([*cells, *(f"{count:,}" for count in counts)])
    yield f"{workers} workers of the in-process runner.\n"
    head = ["", "documents", "CPU s", "wall s", "CPU ms a document", "steady", "peak MiB"]
    yield table([*head, "kept", "exact", "near", "clusters"], rows)
    large, tenth, plain = results["mixed"], results["a tenth of it"], results["distinct"]
    dearer = large.cpu_ms / tenth.cpu_ms
    yield f"- CPU of a document of {large.documents:,} against {tenth.documents:,}: {dearer:.2f} ×"
    for name in ("equal", "chain"):
        cpu, wall = results[name].cpu_ms / plain.cpu_ms, results[name].cost.wall_s / plain.cost.wall_s
        yield f"- {name} against distinct: {cpu:.2f} × CPU, {wall:.2f} × wall"
    yield "\nWall time of the phases:\n"
    yield "".join(f"- {name}: {result.phases}; dataset {result.hash[:16]}\n" for name, result in results.items())


def scale(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    extreme = min(EXTREME, args.documents)
    texts: dict[str, tuple[Callable[[int], Iterator[str]], int]] = {
        "start-up": (mixed, min(SMALL, args.documents // 20)),
        "a tenth of it": (mixed, args.documents // 10),
        "mixed": (mixed, args.documents),
        "distinct": (distinct_texts, extreme),
        "equal": (equal, extreme),
        "chain": (chained, extreme),
    }
    results = {
        name: run(scratch, name.replace(" ", "-"), make(count), args.workers) for name, (make, count) in texts.items()
    }
    yield from report(results, args.workers)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--documents", type=positive, default=1_000_000, help="of the largest run (1,000,000)")
    parser.add_argument("--workers", type=positive, default=2, help="processes (2)")


BENCHMARK = Benchmark(
    __file__,
    "`bateia dedup` on generated documents",
    __doc__,
    scale,
    add_options,
    quick={"documents": 1000},
    packages=("apache-beam", "numpy", "pyarrow", "spacy"),
)

if __name__ == "__main__":
    BENCHMARK.main()
