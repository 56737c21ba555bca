"""Claim: `bateia dedup` takes a million documents in minutes on two cores, at the cost per document that a tenth of
them has; neither one text a hundred thousand times nor a long chain of near-copies slows it down; verifying every
duplicate costs little, and a Flink cluster makes the same bytes.

    python -m benchmarks.dedup.dedup_scale --documents 1000000 --workers 2 --scratch DIR --out
    python -m benchmarks.dedup.dedup_scale --engine flink --documents 1000000 --generated DIR --scratch DIR --out FILE

Documents are made up, 2 KB each: 85 % stand alone, 10 % are near-copies of similarity .7 to .98 of an earlier one, 5 %
exact copies. Measured are CPU seconds of all processes of the command, start-up and reports included, wall time and
memory. The steady cost of a document takes the run on 1,000 documents away. Needs 10 GB of disk.

With --engine flink the mixed documents are deduplicated on a cluster that `make -C deploy/flink` has built. It starts
and ends with each run, and all its processes count. With --generated the datasets of a run in process are compared.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.generated.documents import DOCUMENT_WORDS, InventedText, distinct_texts, near_copy, write_documents
from benchmarks.harness import Benchmark, note, positive, table
from benchmarks.on_flink import on_flink
from benchmarks.process_cost import Cost, bateia, measure

SMALL = 1_000  # documents of the run that shows the start-up
EXTREME = 100_000  # documents of the runs that are nothing but distinct texts, one text, a chain
CHAIN, CHAIN_STEP = 5_000, 8  # documents; words by which each moves on, so neighbours are .955 alike
REMEMBERED = 5_000  # texts of which near and exact copies are made
LOCAL, FLINK = ENGINES = ("local", "flink")
MIXED, VERIFIED = "mixed", "mixed, verified"
RECIPE = """
from dataclasses import replace
from pipelines.recipes.fineweb import FINEWEB
VERIFIED = FINEWEB.vary(replace(FINEWEB.corpus.dedup, verify="contained"), name="fineweb-verified")
"""


def mixed(count: int, length: int = DOCUMENT_WORDS) -> Iterator[str]:
    """Documents of so many words, some of which are copies of others, near and far in the order of the files."""
    invented, earlier = InventedText(1), []
    for _ in range(count):
        kind = invented.rng.random()
        if kind < 0.85 or not earlier:
            words = invented.words(length)
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


@dataclass(frozen=True)
class Documents:
    """A finished folder of documents. dataset: file with the hash of the corpus that the in-process runner makes."""

    folder: Path
    count: int

    @property
    def dataset(self) -> Path:
        return self.folder.with_suffix(".dataset")


def generate(folder: Path, name: str, make: Callable[[int], Iterator[str]], count: int) -> Documents:
    """Documents that are there already are taken: they depend on name and number alone, and length is in the name."""
    name = name.replace(" ", "-")
    documents = Documents(folder / f"{name}-{count}", count)
    if not (documents.folder / "manifest.json").exists():
        write_documents(documents.folder, make(count), prefix=name)
    note(f"{name}: {count:,} documents are there")
    return documents


def run(
    name: str, documents: Documents, scratch: Path, workers: int, recipe: str = "fineweb", engine: str = LOCAL
) -> Result:
    """Deduplicate documents to a corpus that only its report is kept of."""
    corpus = scratch / "corpus"
    command = bateia("dedup", "--recipe", recipe, "--quiet", "--no-guard", "--input", documents.folder)
    command += ["--output", str(corpus)]
    command = on_flink(command) if engine == FLINK else [*command, "--workers", str(workers)]
    cost = measure(command, scratch / "log.txt")
    report = json.loads((corpus / "report.json").read_text())
    shutil.rmtree(corpus)
    phases = ", ".join(f"{item['phase']} {item['wall_s']:.0f} s" for item in report["throughput"]["phases"])
    note(f"{name}: {cost}; {phases}; dataset {report['dataset_hash'][:16]}")
    return Result(documents.count, cost, report["counts"], phases, report["dataset_hash"])


def runs_table(results: dict[str, Result], starts: dict[str, Result]) -> str:
    """starts: for some results the run whose cost is taken away for the steady one."""
    rows = []
    for name, result in results.items():
        cells = [name, f"{result.documents:,}", f"{result.cost.cpu_s:.1f}", f"{result.cost.wall_s:.0f}"]
        steady = ""
        if (base := starts.get(name)) and base.documents < result.documents:
            spent = result.cost.cpu_s - base.cost.cpu_s
            steady = f"{spent / (result.documents - base.documents) * 1e3:.3f}"
        largest = ", ".join(f"{peak:,.0f}" for peak in result.cost.largest()[:3])
        cells += [f"{result.cpu_ms:.3f}", steady, f"{result.cost.tree_mib:,.0f}", largest]
        counts = (result.counts[key] for key in ("kept", "removed_exact", "removed_near", "clusters"))
        rows.append([*cells, *(f"{count:,}" for count in counts)])
    head = ["", "documents", "CPU s", "wall s", "CPU ms a document", "steady", "peak MiB", "largest processes"]
    return table([*head, "kept", "exact", "near", "clusters"], rows)


def phases_of(results: dict[str, Result]) -> str:
    lines = (f"- {name}: {result.phases}; dataset {result.hash[:16]}\n" for name, result in results.items())
    return "\nWall time of the phases:\n\n" + "".join(lines)


def report(results: dict[str, Result], workers: int) -> Iterator[str]:
    yield f"{workers} workers of the in-process runner.\n"
    yield runs_table(results, dict.fromkeys(results, results["start-up"]))
    large, tenth, plain = results[MIXED], results["a tenth of it"], results["distinct"]
    dearer = large.cpu_ms / tenth.cpu_ms
    yield f"- CPU of a document of {large.documents:,} against {tenth.documents:,}: {dearer:.2f} ×"
    verified = results[VERIFIED].cost
    cpu, memory = verified.cpu_s / large.cost.cpu_s, verified.tree_mib / large.cost.tree_mib
    yield f"- every duplicate verified against none: {cpu:.2f} × CPU, {memory:.2f} × memory"
    for name in ("equal", "chain"):
        cpu, wall = results[name].cpu_ms / plain.cpu_ms, results[name].cost.wall_s / plain.cost.wall_s
        yield f"- {name} against distinct: {cpu:.2f} × CPU, {wall:.2f} × wall"
    yield phases_of(results)


def scale(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    extreme, recipes, folder = min(EXTREME, args.documents), scratch / "recipes.py", args.generated or scratch
    if args.engine == FLINK:
        yield from on_flink_too(folder, scratch, args.documents, args.words, args.workers)
        return
    recipes.write_text(RECIPE)
    texts: dict[str, tuple[Callable[[int], Iterator[str]], int]] = {
        "start-up": (mixed, min(SMALL, args.documents // 20)),
        "a tenth of it": (mixed, args.documents // 10),
        MIXED: (mixed, args.documents),
        "distinct": (distinct_texts, extreme),
        "equal": (equal, extreme),
        "chain": (chained, extreme),
    }
    results: dict[str, Result] = {}
    for name, (make, count) in texts.items():
        documents = generate(folder, name, make, count)
        results[name] = run(name, documents, scratch, args.workers)
        documents.dataset.write_text(results[name].hash)
        if name == MIXED:
            results[VERIFIED] = run(VERIFIED, documents, scratch, args.workers, f"{recipes}:VERIFIED")
    yield from report(results, args.workers)


def on_flink_too(folder: Path, scratch: Path, count: int, words: int, workers: int) -> Iterator[str]:
    """On Flink, and in process if no run with these documents has told the dataset."""
    name = MIXED if words == DOCUMENT_WORDS else f"{MIXED} {words} words"
    documents, results = generate(folder, name, partial(mixed, length=words), count), {}
    results["on Flink"] = run("on Flink", documents, scratch, workers, engine=FLINK)
    if not documents.dataset.exists():
        results["in process"] = run("in process", documents, scratch, workers)
        documents.dataset.write_text(results["in process"].hash)
    here, there = documents.dataset.read_text(), results["on Flink"].hash
    yield "Flink with two TaskManagers of one slot, its start and its end counted.\n"
    yield runs_table(results, {})
    verdict = "the same" if here == there else "ANOTHER ONE"
    yield f"- dataset on Flink {there[:16]}, in process {here[:16]}: {verdict}"
    yield phases_of(results)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--documents", type=positive, default=1_000_000, help="of the largest run (1,000,000)")
    parser.add_argument("--workers", type=positive, default=2, help="processes (2)")
    parser.add_argument("--engine", choices=ENGINES, default=LOCAL, help="flink: beside the in-process runner (local)")
    words = "of each document on Flink: with few, texts cost little, and as much is shuffled (%(default)s)"
    parser.add_argument("--words", type=positive, default=DOCUMENT_WORDS, help=words)
    generated = "where documents are made once for several runs (in the scratch folder, for one)"
    parser.add_argument("--generated", type=Path, metavar="DIR", help=generated)


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
