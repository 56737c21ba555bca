"""Claim: two documents are linked with MinHash's probability 1 - (1 - s**8)**14, s being the exact Jaccard similarity
of their sets of word 5-grams, and none below similarity .3 are.

    python -m benchmarks.dedup_probability [--pairs 3000] [--seed 1] [--out FILE] [--plot FILE.svg]

Pairs with planted similarities .5 to .95, and .1 and .2, are made up and all documents signed together, as `bateia
dedup` signs them. Every pair that shares a key is an edge, planted or not. Exact similarities come from the sets of
word numbers that texts were made of, without any of our text code. A row's standard error is about .5 / sqrt(pairs).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np

from benchmarks.generated_documents import Writer, near_copy
from benchmarks.process_cost import machine
from transforms.steps.deduplicate import Deduplicate, Signer, keys, scope_salt

TARGETS = (0.1, 0.2, *(round(0.5 + 0.05 * step, 2) for step in range(10)))
WORDS = (150, 600)  # of a document, from and to
SHINGLE = 5
ALLOWED, LEAST = 0.03, 0.3
WIDE, HIGH, PAD = 560, 380, 45  # of the plot, in pixels


@dataclass(frozen=True)
class Pair:
    target: float
    similarity: float
    linked: bool


def probability(similarity: float, settings: Deduplicate) -> float:
    return 1 - (1 - similarity**settings.rows) ** settings.bands


def ngrams(words: np.ndarray) -> set[tuple[int, ...]]:
    numbers = words.tolist()
    return {tuple(numbers[at : at + SHINGLE]) for at in range(len(numbers) - SHINGLE + 1)}


def jaccard(one: set[tuple[int, ...]], other: set[tuple[int, ...]]) -> float:
    return len(one & other) / len(one | other)


def make_up(pairs: int, seed: int) -> tuple[list[str], list[np.ndarray]]:
    """Texts and their word numbers; documents 2i and 2i + 1 are a pair, targets take turns."""
    writer, words = Writer(seed), []
    for number in range(pairs * len(TARGETS)):
        first = writer.words(int(writer.draw.integers(*WORDS)))
        words += [first, near_copy(writer, first, TARGETS[number % len(TARGETS)], SHINGLE)]
    return [writer.text(numbers) for numbers in words], words


def find_edges(texts: list[str], settings: Deduplicate) -> set[tuple[int, int]]:
    """Pairs of documents that share a key."""
    signer = Signer(settings)
    signed = [signer(text, "en") for text in texts]
    exact = np.frombuffer(b"".join(item.exact[:8] for item in signed), "<u8")
    bands = np.frombuffer(b"".join(item.bands or b"" for item in signed), "<u8").reshape(len(texts), settings.bands)
    found = keys(exact, bands, np.full(len(texts), scope_salt(settings, "", "en")))
    meeting: dict[int, list[int]] = defaultdict(list)
    for document, row in enumerate(found.tolist()):
        for key in row:
            meeting[key].append(document)
    return {edge for documents in meeting.values() for edge in combinations(documents, 2)}


def rows(pairs: list[Pair], settings: Deduplicate) -> Iterator[tuple[float, float, float, float, int]]:
    """For each target: mean similarity, share linked, expected share, difference, pairs."""
    for target in TARGETS:
        of_target = [pair for pair in pairs if pair.target == target]
        seen = sum(pair.linked for pair in of_target) / len(of_target)
        expected = sum(probability(pair.similarity, settings) for pair in of_target) / len(of_target)
        similarity = sum(pair.similarity for pair in of_target) / len(of_target)
        yield similarity, seen, expected, seen - expected, len(of_target)


def plot(found: list[tuple[float, float, float, float, int]], settings: Deduplicate) -> str:
    """An SVG: the expected curve with its margin, and what was seen as points."""

    def place(similarity: float, share: float) -> str:
        x = PAD + similarity * (WIDE - 2 * PAD)
        return f"{x:.1f},{HIGH - PAD - share * (HIGH - 2 * PAD):.1f}"

    steps = [step / 200 for step in range(201)]
    curve = [(step, probability(step, settings)) for step in steps]
    margin = [place(s, min(p + ALLOWED, 1)) for s, p in curve] + [place(s, max(p - ALLOWED, 0)) for s, p in curve[::-1]]
    marks = []
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        x, y = place(tick, 0).split(",")
        marks.append(f'<text x="{x}" y="{float(y) + 16:.1f}" text-anchor="middle">{tick:.1f}</text>')
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = place(0.0, tick).split(",")
        marks.append(f'<text x="{float(x) - 6:.1f}" y="{float(y) + 4:.1f}" text-anchor="end">{tick:.2f}</text>')
        marks.append(f'<path d="M{x},{y} H{WIDE - PAD}" stroke="#ddd"/>')
    points = []
    for similarity, seen, *_ in found:
        x, y = place(similarity, seen).split(",")
        points.append(f'<circle cx="{x}" cy="{y}" r="4" fill="#b4690e"/>')
    font, line = 'font-family="sans-serif" font-size="11"', " ".join(place(*at) for at in curve)
    expected = f"1 - (1 - s^{settings.rows})^{settings.bands}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" {font}>',
            f'<rect width="{WIDE}" height="{HIGH}" fill="#fff"/>',
            *marks,
            f'<polygon points="{" ".join(margin)}" fill="#cfe0d8"/>',
            f'<polyline points="{line}" fill="none" stroke="#2f6f57" stroke-width="1.5"/>',
            *points,
            f'<text x="{WIDE / 2}" y="{HIGH - 8}" text-anchor="middle">exact Jaccard similarity of word 5-grams</text>',
            f'<text x="{PAD}" y="20">share of pairs linked: points; {expected} ± {ALLOWED}: band</text>',
            "</svg>\n",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3000, help="for each similarity")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="Markdown file to write; default: standard output")
    parser.add_argument("--plot", type=Path, help="SVG file to write")
    args = parser.parse_args()
    settings = Deduplicate()
    texts, words = make_up(args.pairs, args.seed)
    edges = find_edges(texts, settings)
    sets = [ngrams(numbers) for numbers in words]
    pairs = [
        Pair(TARGETS[at % len(TARGETS)], jaccard(sets[2 * at], sets[2 * at + 1]), (2 * at, 2 * at + 1) in edges)
        for at in range(len(texts) // 2)
    ]
    found = list(rows(pairs, settings))
    text = "\n".join(report(found, len(texts), edges, min(jaccard(sets[a], sets[b]) for a, b in edges), args.seed))
    if args.plot:
        args.plot.write_text(plot(found, settings))
    if args.out:
        args.out.write_text(text + "\n")
    else:
        print(text)


def report(
    found: list[tuple[float, float, float, float, int]],
    documents: int,
    edges: set[tuple[int, int]],
    least: float,
    seed: int,
) -> Iterator[str]:
    planted = sum(one // 2 == other // 2 for one, other in edges)
    yield f"# Links between near-copies, {date.today()}\n"
    yield f"{machine()}; {documents:,} documents, seed {seed}.\n"
    yield "| mean exact similarity | pairs | linked | expected | difference |"
    yield "|---|---|---|---|---|"
    for similarity, seen, expected, difference, count in found:
        yield f"| {similarity:.3f} | {count:,} | {seen:.4f} | {expected:.4f} | {difference:+.4f} |"
    worst = max(abs(row[3]) for row in found)
    yield f"\n- Largest difference {worst:.4f}, allowed {ALLOWED}: {'held' if worst <= ALLOWED else 'NOT HELD'}."
    yield f"- {len(edges):,} edges, {len(edges) - planted} of them between documents that are no planted pair."
    yield f"- Smallest similarity of an edge {least:.3f}, allowed {LEAST}: {'held' if least >= LEAST else 'NOT HELD'}."


if __name__ == "__main__":
    main()
