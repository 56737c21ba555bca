"""Question: what do whole clusters lose, and what does it cost to verify them?

    python -m benchmarks.dedup.dedup_verified --documents DIR --out

Every English document of DIR, an output of `bateia curate`, is varied: three words in ten are others, and of each there
are some copies, equal, with up to 1 % of other words, or with 2 to 15 % of its end written anew. To these come a chain,
whose documents each share 88 of 100 words with the next, and openings of other documents, half a document long.
`web`'s settings are measured with verify "none" and "contained" in turns: CPU seconds of all processes, and memory.

Of the documents that each side removes, a sample is then compared with its survivor by tuples of three words, without
any hash: how many lose a tenth of their words or more with it.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from benchmarks.generated.documents import all_words, replace_words, write_documents
from benchmarks.harness import Benchmark, cost_table, positive, table, take_turns
from benchmarks.inputs import add_documents_option, documents_folder, texts
from benchmarks.process_cost import Cost, bateia, measure

RECIPES = """
from dataclasses import replace
from pipelines.recipes.web import WEB
dedup = WEB.corpus.dedup
none = WEB.vary(replace(dedup, verify="none"), name="web-none")
contained = WEB.vary(replace(dedup, verify="contained"), name="web-contained")
"""
CHAIN_WORDS, CHAIN_STEP = 100, 12
LOST = (0.0, 0.01, 0.05, 0.1, 0.3, 1.01)  # shares of words, bounds of the table's columns
WORD = re.compile(r"\S+")


def varied(sources: list[str], copies: int, chain: int, rng: random.Random) -> Iterator[str]:
    words = all_words(sources)
    for source in sources:
        first = replace_words(source, 0.3, words, rng)
        yield first
        for _ in range(copies):
            kind = rng.random()
            if kind < 0.3:
                yield first
            elif kind < 0.6:
                yield replace_words(first, rng.uniform(0, 0.01), words, rng)
            elif kind < 0.9:
                there = WORD.findall(first)
                end = round(rng.uniform(0.02, 0.15) * len(there))
                yield " ".join([*there[: len(there) - end], *rng.choices(words, k=end)])
            else:
                yield first[: len(first) // 2]
    long = rng.choices(words, k=chain * CHAIN_STEP + CHAIN_WORDS)
    for link in range(chain):
        yield " ".join(long[link * CHAIN_STEP : link * CHAIN_STEP + CHAIN_WORDS])


@dataclass
class Run:
    output: Path
    cost: Cost

    def __str__(self) -> str:
        return f"{self.cost}; {len(self.removed):,} removed"

    @cached_property
    def removed(self) -> list[dict[str, Any]]:
        """Rows of clusters/, by id."""
        rows = ds.dataset(self.output / "clusters", format="parquet").to_table(columns=["id", "survivor_id", "match"])
        return sorted((row for row in rows.to_pylist() if row["match"]), key=lambda row: row["id"])


def share_lost(text: str, survivor: str) -> float:
    """Share of the text's words that are in no three words that stand together in the survivor too."""
    words, others = (WORD.findall(each.lower()) for each in (text, survivor))
    there, found = set(zip(others, others[1:], others[2:], strict=False)), set()
    for place, three in enumerate(zip(words, words[1:], words[2:], strict=False)):
        if three in there:
            found |= {place, place + 1, place + 2}
    return 1 - len(found) / len(words) if words else 0.0


def losses(run: Run, texts_by_id: dict[str, str], sample: int) -> list[float]:
    rows = random.Random(1).sample(run.removed, min(sample, len(run.removed)))
    return [share_lost(texts_by_id[row["id"]], texts_by_id[row["survivor_id"]]) for row in rows]


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    sources, recipes, numbers = texts(documents_folder(args, scratch), "en"), scratch / "recipes.py", count()
    sources = (sources * -(-args.sources // len(sources)))[: args.sources]
    documents = scratch / "documents"
    total = write_documents(documents, varied(sources, args.copies, args.chain, random.Random(1)), prefix="varied")
    recipes.write_text(RECIPES)

    def side(verify: str) -> Run:
        output = scratch / f"corpus-{next(numbers)}"
        options = ("--recipe", f"{recipes}:{verify}", "--quiet", "--no-guard", "--input", documents, "--output", output)
        return Run(output, measure(bateia("dedup", *options), scratch / "log.txt"))

    sides = {f'verify "{verify}"': verify for verify in ("none", "contained")}
    runs = take_turns({name: lambda verify=verify: side(verify) for name, verify in sides.items()}, args.rounds)
    yield f"{total:,} documents, {args.chain:,} of these a chain; one worker each.\n"
    more = {"removed": [f"{len(rounds[0].removed):,}" for rounds in runs.values()]}
    yield cost_table({name: [run.cost for run in rounds] for name, rounds in runs.items()}, total, "document", more)
    rows = ds.dataset(documents / "data" / "en", format="parquet").to_table(columns=["id", "text"]).to_pylist()
    by_id = {row["id"]: row["text"] for row in rows}
    table_rows = []
    for name, rounds in runs.items():
        lost = losses(rounds[0], by_id, args.checked)
        spread = [sum(low <= value < high for value in lost) for low, high in pairwise(LOST)]
        table_rows.append([name, len(lost), *spread])
    yield "Removed documents by the share of their words that their survivor lacks:\n"
    yield table(["", "checked", "< 1 %", "1 to 5 %", "5 to 10 %", "10 to 30 %", "30 % and more"], table_rows)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_documents_option(parser)
    parser.add_argument("--sources", type=positive, default=1_000, help="documents of DIR, repeated if need be (1,000)")
    parser.add_argument("--copies", type=positive, default=4, help="of each document (4)")
    parser.add_argument("--chain", type=positive, default=500, help="documents of the chain (500)")
    parser.add_argument("--checked", type=positive, default=500, help="removals compared exactly (500)")


BENCHMARK = Benchmark(
    __file__,
    "Duplicates with and without verifying",
    __doc__,
    compare,
    add_options,
    rounds=2,
    quick={"sources": 30, "chain": 20},
    packages=("numpy", "apache-beam"),
)

if __name__ == "__main__":
    BENCHMARK.main()
