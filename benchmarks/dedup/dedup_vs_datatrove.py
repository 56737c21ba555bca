"""Claim: `bateia dedup` finds the clusters that datatrove's four MinHash stages find, at a fraction of the CPU time.

    python -m benchmarks.dedup.dedup_vs_datatrove --documents DIR --datatrove datatrove/bin/python --out

Every English document of DIR, an output of `bateia curate`, is varied: families that share few 5-grams (three words in
ten are other ones of the same documents), and in each family copies that are equal, or differ in up to 1 % of their
words, a twentieth of them in 2 to 8 %. Both sides have the same settings (14 bands of 8 hashes, word 5-grams, English
words), one worker and the same Parquet files, and write what they keep; ours also says whose duplicate each is, and
checks itself. Measured are CPU seconds of all processes, start-up included, and memory. `dedup alone` leaves out the
scrubbing of personal data, which datatrove's stages do not do. Words repeat more than on the web, as texts are varied
copies, and ours remembers what it has met, equal texts too: dedup_scale shows it on other texts.

Clusters are compared by the adjusted Rand index. Both sides draw their own hash functions, so at similarities where a
link is a matter of luck they may differ: where one side splits the other's cluster, the largest exact similarity across
the split is reported.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count, pairwise
from math import comb
from pathlib import Path

import pyarrow.dataset as ds

from benchmarks.generated.documents import all_words, replace_words, write_documents
from benchmarks.harness import Benchmark, cost_table, positive, table, take_turns
from benchmarks.inputs import add_documents_option, documents_folder, texts
from benchmarks.peers.installed import DATATROVE
from benchmarks.process_cost import Cost, bateia, measure
from transforms.steps.dedup.shingles import WordHashes, shingles

PEER = Path(__file__).parents[1] / "peers" / "datatrove_minhash.py"
ALONE = """
from dataclasses import replace
from pipelines.recipes.fineweb import FINEWEB
ALONE = FINEWEB.vary(replace(FINEWEB.corpus, pii=None), name="alone")
"""
FAMILY = (1, 2, 3, 4, 5, 8)  # documents in one
BORDERLINE, EQUAL = 0.05, 0.3  # shares of copies
SPLITS = 200  # clusters of one side that the other splits, looked at pair by pair
SIMILARITIES = (0.0, 0.5, 0.7, 0.8, 0.9, 1.01)


def families(sources: list[str], copies: int, rng: random.Random) -> Iterator[str]:
    """So many documents of each source, in families of near-copies."""
    words = all_words(sources)
    for source in sources:
        left = copies
        while left > 0:
            first = replace_words(source, 0.3, words, rng)
            size = min(rng.choice(FAMILY), left)
            left -= size
            yield first
            for _ in range(size - 1):
                kind = rng.random()
                if kind < EQUAL:
                    yield first
                else:
                    share = rng.uniform(0.02, 0.08) if kind > 1 - BORDERLINE else rng.uniform(0.0, 0.01)
                    yield replace_words(first, share, words, rng)


def adjusted_rand(one: list[int], other: list[int]) -> float:
    """Agreement of two partitions, 1 if they are the same and 0 by chance (Hubert and Arabie 1985)."""
    pairs = sum(comb(count, 2) for count in Counter(zip(one, other, strict=True)).values())
    ours, theirs = (sum(comb(count, 2) for count in Counter(labels).values()) for labels in (one, other))
    by_chance = ours * theirs / comb(len(one), 2)
    return (pairs - by_chance) / ((ours + theirs) / 2 - by_chance)


@dataclass
class Run:
    """One finished run. clusters: by document id, of those that have duplicates."""

    output: Path
    cost: Cost
    theirs: bool

    def __str__(self) -> str:
        return f"{self.cost}; {self.kept:,} kept"

    @cached_property
    def clusters(self) -> dict[str, str]:
        if self.theirs:
            rows = map(json.loads, (self.output / "clusters.jsonl").read_text().splitlines())
            return {row["id"]: str(row["cluster"]) for row in rows}
        columns = ds.dataset(self.output / "clusters", format="parquet").to_table(columns=["id", "cluster_id"])
        return {row["id"]: row["cluster_id"] for row in columns.to_pylist()}

    @cached_property
    def kept(self) -> int:
        if self.theirs:
            return ds.dataset(self.output / "kept", format="parquet").count_rows()
        return json.loads((self.output / "report.json").read_text())["counts"]["kept"]


def labels(ids: list[str], clusters: dict[str, str]) -> list[int]:
    """A number for each document's cluster; one that is in none is a cluster of its own."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(clusters.get(name, f"alone {name}"), len(numbers)) for name in ids]


def split_similarities(documents: dict[str, str], one: dict[str, str], other: dict[str, str]) -> list[float]:
    """For clusters of one side that the other splits: the largest exact similarity between the parts.

    documents: texts by id.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for name in documents:
        if name in one:
            members[one[name]].append(name)
    words, similarities = WordHashes(), []
    for names in members.values():
        parts: dict[str, list[set[int]]] = defaultdict(list)
        for name in names:
            grams = set(shingles(words(documents[name], "en"), 5).tolist())
            parts[other.get(name, f"alone {name}")].append(grams)
        if len(parts) > 1:
            split = list(parts.values())
            pairs = [
                (a, b) for number, part in enumerate(split) for rest in split[number + 1 :] for a in part for b in rest
            ]
            similarities.append(max(len(a & b) / max(len(a | b), 1) for a, b in pairs))
            if len(similarities) >= SPLITS:
                break
    return similarities


def agreement(documents: dict[str, str], ours: Run, theirs: Run) -> Iterator[str]:
    ids = list(documents)
    index = adjusted_rand(labels(ids, ours.clusters), labels(ids, theirs.clusters))
    yield f"Adjusted Rand index: {index:.4f}.\n"
    yield "Clusters of one side that the other splits, by the largest exact similarity across the split:\n"
    rows = []
    for name, one, other in (("ours", ours, theirs), ("datatrove's", theirs, ours)):
        similarities = split_similarities(documents, one.clusters, other.clusters)
        rows.append(
            [name, *(sum(low <= value < high for value in similarities) for low, high in pairwise(SIMILARITIES))]
        )
    yield table(["", "below .5", ".5 to .7", ".7 to .8", ".8 to .9", ".9 and more"], rows)


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The report: both sides over the same documents, what each keeps and costs."""
    sources, documents, recipe = (
        texts(documents_folder(args, scratch), "en"),
        scratch / "documents",
        scratch / "alone.py",
    )
    total = write_documents(documents, families(sources, args.copies, random.Random(1)), prefix="varied")
    recipe.write_text(ALONE)
    numbers = count()

    def ours(recipe: str) -> Run:
        output = scratch / f"corpus-{next(numbers)}"
        command = bateia("dedup", "--recipe", recipe, "--quiet", "--no-guard", "--input", documents, "--output", output)
        return Run(output, measure(command, scratch / "log.txt"), theirs=False)

    def datatrove() -> Run:
        output = scratch / f"corpus-{next(numbers)}"
        command = [str(args.datatrove), str(PEER), "--input", str(documents / "data"), "--output", str(output)]
        return Run(output, measure(command, scratch / "log.txt"), theirs=True)

    sides = {
        "dedup alone": lambda: ours(f"{recipe}:ALONE"),
        "with personal data": lambda: ours("fineweb"),
        "datatrove": datatrove,
    }
    runs = take_turns(sides, args.rounds)
    yield f"{total:,} documents of {len(sources):,} sources, one worker each.\n"
    more = {
        "kept": [f"{rounds[0].kept:,}" for rounds in runs.values()],
        "documents in clusters": [f"{len(rounds[0].clusters):,}" for rounds in runs.values()],
    }
    yield cost_table({name: [run.cost for run in rounds] for name, rounds in runs.items()}, total, "document", more)
    rows = ds.dataset(documents / "data" / "en", format="parquet").to_table(columns=["id", "text"]).to_pylist()
    by_id = {row["id"]: row["text"] for row in rows}
    yield from agreement(by_id, runs["dedup alone"][0], runs["datatrove"][0])


def add_options(parser: argparse.ArgumentParser) -> None:
    add_documents_option(parser)
    parser.add_argument("--copies", type=positive, default=40, help="of each document (40)")


BENCHMARK = Benchmark(
    __file__,
    "`bateia dedup` and datatrove's MinHash stages",
    __doc__,
    compare,
    add_options,
    rounds=2,
    quick={"copies": 4},
    packages=("spacy", "numpy", "apache-beam"),
    peers=(DATATROVE,),
)

if __name__ == "__main__":
    BENCHMARK.main()
