"""Claim: `bateia dedup` takes a million documents in minutes on two cores, at the cost per document that a tenth of
them has; neither one text a hundred thousand times nor a long chain of near-copies slows it down.

    python -m benchmarks.dedup_scale [--documents 1000000] [--workers 2] [--out FILE]

Documents are made up (benchmarks/generated_documents.py), 2 KB each: 85 % stand alone, 10 % are near-copies of
similarity .7 to .98 of an earlier one, 5 % exact copies. CPU time is that of every process of the command, start-up and
reports included; memory is the sum over all processes with shared pages counted once, sampled four times a second.
Steady cost takes the run on 1,000 documents away.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.generated_documents import Writer, near_copy, write_documents
from benchmarks.process_cost import Cost, machine, measure

WORDS = 350  # about 2 KB
SMALL = 1_000  # documents of the run that shows the start-up
CHAIN, CHAIN_STEP = 5_000, 8  # documents; words by which each moves on, so neighbours are .955 alike
EQUAL = 100_000
REMEMBERED = 5_000  # texts of which near and exact copies are made


def mixed(count: int) -> Iterator[str]:
    """Documents of which some are copies of others, near and far in the order of the files."""
    writer, earlier = Writer(1), []
    for _ in range(count):
        kind = writer.draw.random()
        if kind < 0.85 or not earlier:
            words = writer.words(WORDS)
            earlier.append(words)
            if len(earlier) > REMEMBERED:
                earlier[int(writer.draw.integers(REMEMBERED))] = earlier.pop()
        else:
            words = earlier[int(writer.draw.integers(len(earlier)))]
            words = near_copy(writer, words, float(writer.draw.uniform(0.7, 0.98))) if kind < 0.95 else words
        yield writer.text(words)


def distinct(count: int) -> Iterator[str]:
    writer = Writer(2)
    for _ in range(count):
        yield writer.text(writer.words(WORDS))


def equal(count: int) -> Iterator[str]:
    writer = Writer(3)
    text = writer.text(writer.words(WORDS))
    for _ in range(count):
        yield text


def chained(count: int) -> Iterator[str]:
    """CHAIN documents, each a window of one long text a little further on, shuffled among distinct ones."""
    writer = Writer(4)
    long = writer.words(WORDS + CHAIN * CHAIN_STEP)
    places = {int(place): link for link, place in enumerate(writer.draw.permutation(count)[:CHAIN])}
    for number in range(count):
        link = places.get(number)
        start = None if link is None else link * CHAIN_STEP
        yield writer.text(writer.words(WORDS) if start is None else long[start : start + WORDS])


@dataclass
class Result:
    documents: int
    cost: Cost
    counts: dict[str, int]
    phases: str
    hash: str

    @property
    def cpu_ms(self) -> float:
        return self.cost.cpu_s / self.documents * 1e3


def run(folder: Path, name: str, texts: Callable[[int], Iterator[str]], count: int, workers: int) -> Result:
    documents, corpus = folder / f"{name}-documents", folder / f"{name}-corpus"
    write_documents(documents, texts(count), prefix=name)
    print(f"{name}: {count:,} documents written", file=sys.stderr)
    command = [sys.executable, "-m", "pipelines", "dedup", "--recipe", "fineweb", "--quiet", "--no-guard"]
    command += ["--workers", str(workers), "--input", str(documents), "--output", str(corpus)]
    cost = measure(command, folder / "log.txt")
    report = json.loads((corpus / "report.json").read_text())
    phases = ", ".join(f"{item['phase']} {item['wall_s']:.0f} s" for item in report["throughput"]["phases"])
    print(f"{name}: {cost.cpu_s:.0f} CPU s, {cost.wall_s:.0f} s, {cost.tree_mb:.0f} MiB; {phases}", file=sys.stderr)
    return Result(count, cost, report["counts"], phases, report["dataset_hash"])


def report(results: dict[str, Result], workers: int) -> Iterator[str]:
    yield f"# `bateia dedup` on generated documents, {date.today()}\n"
    yield f"{machine()}; {workers} workers of the in-process runner.\n"
    heads = ["documents", "", "CPU s", "wall s", "CPU ms a document", "steady", "peak MiB"]
    yield f"| {' | '.join([*heads, 'kept', 'exact', 'near', 'clusters'])} |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    base = results["start-up"]
    for name, result in results.items():
        steady = (result.cost.cpu_s - base.cost.cpu_s) / max(result.documents - base.documents, 1) * 1e3
        counts = [result.counts[key] for key in ("kept", "removed_exact", "removed_near", "clusters")]
        cells = [f"{result.cost.cpu_s:.1f}", f"{result.cost.wall_s:.0f}", f"{result.cpu_ms:.3f}"]
        cells += [f"{steady:.3f}" if result is not base else "", f"{result.cost.tree_mb:.0f}", *map(str, counts)]
        yield f"| {result.documents:,} | {name} | {' | '.join(cells)} |"
    yield ""
    large, tenth = results["mixed"], results["a tenth of it"]
    dearer = large.cpu_ms / tenth.cpu_ms
    yield f"- CPU of a document of {large.documents:,} against {tenth.documents:,}: {dearer:.2f} ×"
    plain = results["distinct"]
    for name in ("equal", "chain"):
        cpu, wall = results[name].cpu_ms / plain.cpu_ms, results[name].cost.wall_s / plain.cost.wall_s
        yield f"- {name} against distinct: {cpu:.2f} × CPU, {wall:.2f} × wall"
    yield "\nWall time of the phases:\n"
    yield from (f"- {name}: {result.phases}; dataset {result.hash[:16]}" for name, result in results.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="Markdown file to write; default: standard output")
    args = parser.parse_args()
    sizes = {
        "start-up": (mixed, SMALL),
        "a tenth of it": (mixed, args.documents // 10),
        "mixed": (mixed, args.documents),
    }
    sizes |= {name: (texts, EQUAL) for name, texts in (("distinct", distinct), ("equal", equal), ("chain", chained))}
    results = {}
    with tempfile.TemporaryDirectory() as name:
        for what, (texts, count) in sizes.items():
            results[what] = run(Path(name), what.replace(" ", "-"), texts, count, args.workers)
    text = "\n".join(report(results, args.workers)) + "\n"
    if args.out:
        args.out.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
