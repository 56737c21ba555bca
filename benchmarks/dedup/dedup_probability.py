"""Claim: two documents are linked with MinHash's probability 1 - (1 - s^8)^14, s being the exact Jaccard similarity of
their sets of word 5-grams, and none below similarity .3 are.

    python -m benchmarks.dedup.dedup_probability --pairs 3000 --out

Pairs with planted similarities .5 to .95, and .1 and .2, are made up, and all documents signed together, as `bateia
dedup` signs them. Every pair that shares a key is a link, planted or not. Measured is the share of pairs that are
linked, beside the share expected. Exact similarities come from the sets of word numbers that texts were made of,
without any of our text code. A row's standard error is at most .5 / sqrt(pairs); 3.3 of it are allowed, which is .03
with 3,000 pairs.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from pathlib import Path
from statistics import mean

import numpy as np

from benchmarks.generated.documents import InventedText, near_copy
from benchmarks.harness import Benchmark, Part, positive, table
from benchmarks.plot import Chart
from transforms.steps.dedup.settings import Deduplicate, Signer, keys, scope_salt

TARGETS = (0.1, 0.2, *(round(0.5 + 0.05 * step, 2) for step in range(10)))
WORDS = (150, 600)  # of a document, from and to
SHINGLE = 5
ALLOWED = 3.3  # standard errors between the shares linked and expected
LEAST = 0.3  # similarity of a link

Link = tuple[int, int]


@dataclass(frozen=True)
class Pair:
    """Two documents. target: the similarity that was aimed at; similarity: the exact one."""

    target: float
    similarity: float
    linked: bool


@dataclass(frozen=True)
class Row:
    """All pairs of one target. linked, expected: shares of them."""

    similarity: float
    pairs: int
    linked: float
    expected: float


def probability(similarity: float, settings: Deduplicate) -> float:
    return 1 - (1 - similarity**settings.rows) ** settings.bands


def ngrams(words: np.ndarray) -> set[tuple[int, ...]]:
    numbers = words.tolist()
    return {tuple(numbers[start : start + SHINGLE]) for start in range(len(numbers) - SHINGLE + 1)}


def jaccard(one: set[tuple[int, ...]], other: set[tuple[int, ...]]) -> float:
    return len(one & other) / len(one | other)


def make_documents(pairs: int, seed: int) -> tuple[list[str], list[np.ndarray]]:
    """Texts and their word numbers; documents 2i and 2i + 1 are a pair, targets take turns."""
    invented, documents = InventedText(seed), []
    for number in range(pairs * len(TARGETS)):
        first = invented.words(int(invented.rng.integers(*WORDS)))
        documents += [first, near_copy(invented, first, TARGETS[number % len(TARGETS)], SHINGLE)]
    return [invented.text(words) for words in documents], documents


def find_links(texts: list[str], settings: Deduplicate) -> set[Link]:
    """Pairs of documents that share a key."""
    signer = Signer(settings)
    signed = [signer(text, "en") for text in texts]
    exact = np.frombuffer(b"".join(item.exact[:8] for item in signed), "<u8")
    bands = np.frombuffer(b"".join(item.bands or b"" for item in signed), "<u8").reshape(len(texts), settings.bands)
    keys_of_documents = keys(exact, bands, np.full(len(texts), scope_salt(settings, "", "en")))
    documents_of_key: dict[int, list[int]] = defaultdict(list)
    for document, row in enumerate(keys_of_documents.tolist()):
        for key in row:
            documents_of_key[key].append(document)
    return {link for documents in documents_of_key.values() for link in combinations(documents, 2)}


def rows_by_target(pairs: list[Pair], settings: Deduplicate) -> list[Row]:
    rows = []
    for target in TARGETS:
        chosen = [pair for pair in pairs if pair.target == target]
        expected = mean(probability(pair.similarity, settings) for pair in chosen)
        similarity, linked = mean(pair.similarity for pair in chosen), mean(pair.linked for pair in chosen)
        rows.append(Row(similarity, len(chosen), linked, expected))
    return rows


def chart(rows: list[Row], settings: Deduplicate, allowed: float) -> Chart:
    steps = [step / 200 for step in range(201)]
    curve = [(step, probability(step, settings)) for step in steps]
    return Chart(
        "Pairs linked by similarity",
        "exact Jaccard similarity of word 5-grams",
        "share of pairs",
        {f"1 - (1 - s^{settings.rows})^{settings.bands}, ± {allowed:.3f}": curve},
        {"measured": [(row.similarity, row.linked) for row in rows]},
        ([(s, max(p - allowed, 0)) for s, p in curve], [(s, min(p + allowed, 1)) for s, p in curve]),
    )


def verdict(held: bool) -> str:
    return "held" if held else "NOT HELD"


def measure(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    settings = Deduplicate()
    texts, documents = make_documents(args.pairs, args.seed)
    links = find_links(texts, settings)
    sets = [ngrams(words) for words in documents]
    pairs = []
    for number in range(len(texts) // 2):
        one, other = 2 * number, 2 * number + 1
        pairs.append(Pair(TARGETS[number % len(TARGETS)], jaccard(sets[one], sets[other]), (one, other) in links))
    rows = rows_by_target(pairs, settings)
    yield f"{len(texts):,} documents, seed {args.seed}.\n"
    cells = [
        [
            f"{row.similarity:.3f}",
            row.pairs,
            *(f"{share:.4f}" for share in (row.linked, row.expected)),
            f"{row.linked - row.expected:+.4f}",
        ]
        for row in rows
    ]
    yield table(["mean exact similarity", "pairs", "linked", "expected", "difference"], cells)
    allowed = ALLOWED * 0.5 / sqrt(args.pairs)
    largest = max(abs(row.linked - row.expected) for row in rows)
    least = min((jaccard(sets[one], sets[other]) for one, other in links), default=1.0)
    unplanned = sum(one // 2 != other // 2 for one, other in links)
    yield f"- Largest difference {largest:.4f}, allowed {allowed:.3f}: {verdict(largest <= allowed)}."
    yield f"- {len(links):,} links, {unplanned} of them between documents that are no planted pair."
    yield f"- Smallest similarity of a link {least:.3f}, allowed {LEAST}: {verdict(least >= LEAST)}.\n"
    yield chart(rows, settings, allowed)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pairs", type=positive, default=3000, help="for each similarity (3,000)")
    parser.add_argument("--seed", type=int, default=1)


BENCHMARK = Benchmark(
    __file__,
    "Links between near-copies",
    __doc__,
    measure,
    add_options,
    quick={"pairs": 50},
    packages=("numpy",),
)

if __name__ == "__main__":
    BENCHMARK.main()
