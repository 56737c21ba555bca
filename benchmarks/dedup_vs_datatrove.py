"""Claim: `bateia dedup` finds the clusters that datatrove's four MinHash stages find, at a fraction of the CPU time.

    python3 -m venv peer && peer/bin/pip install 'datatrove[processing,io]==0.10.1' spacy orjson
    python -m benchmarks.dedup_vs_datatrove --documents DIR --peer-python peer/bin/python [--copies 40] [--out FILE]

DIR is an output of `bateia curate`. Each of its documents is looped: families that share few 5-grams (three words in
ten are other ones of the same documents), and in each family copies that are equal, or differ in up to 1 % of their
words, a twentieth of them in 2 to 8 %. Both sides have the same settings (14 x 8, word 5-grams, English words), one
worker, the same Parquet files, and write what they keep; ours also tells whose duplicate each is and checks itself. CPU
time is that of all processes, start-up included, the smallest of the rounds. `dedup alone` leaves out the scrubbing of
personal data, which datatrove's stages do not do. Words repeat more than on the web, as texts are looped; ours
remembers what it has met, equal texts too, so benchmarks/dedup_scale.py shows it on other texts.

Both draw their own hash functions, so at similarities where a link is a matter of luck they may differ. Pairs of
documents of one cluster on one side only are compared with their exact similarity.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import comb
from pathlib import Path

import pyarrow.dataset as ds

from benchmarks.generated_documents import write_documents
from benchmarks.process_cost import Cost, machine, measure
from transforms.steps.shingles import WordHashes, shingles

PEER = Path(__file__).parent / "peers" / "datatrove_minhash.py"
OWN_RECIPE = """from dataclasses import replace
from pipelines.recipes.fineweb import FINEWEB
ALONE = replace(FINEWEB, name="alone", corpus=replace(FINEWEB.corpus, pii=None))
"""
FAMILY = (1, 2, 3, 4, 5, 8)  # documents in one
BORDERLINE, EQUAL = 0.05, 0.3  # shares of copies
SHOWN_SPLITS = 200  # clusters of one side that the other splits, looked at pair by pair
_WORD = re.compile(r"\w+")


def changed(text: str, share: float, words: list[str], draw: random.Random) -> str:
    """The text with a share of its words replaced by others."""
    return _WORD.sub(lambda match: draw.choice(words) if draw.random() < share else match[0], text)


def looped(texts: list[str], copies: int, draw: random.Random) -> Iterator[str]:
    words = [word for text in texts for word in _WORD.findall(text)]
    for text in texts:
        left = copies
        while left > 0:
            family = changed(text, 0.3, words, draw)
            size = min(draw.choice(FAMILY), left)
            left -= size
            yield family
            for _ in range(size - 1):
                kind = draw.random()
                if kind < EQUAL:
                    yield family
                else:
                    share = draw.uniform(0.02, 0.08) if kind > 1 - BORDERLINE else draw.uniform(0.0, 0.01)
                    yield changed(family, share, words, draw)


def adjusted_rand(one: list[int], other: list[int]) -> float:
    """Agreement of two partitions, 1 if they are the same and 0 by chance (Hubert and Arabie 1985)."""
    pairs = sum(comb(count, 2) for count in Counter(zip(one, other, strict=True)).values())
    ours, theirs = (sum(comb(count, 2) for count in Counter(labels).values()) for labels in (one, other))
    by_chance = ours * theirs / comb(len(one), 2)
    return (pairs - by_chance) / ((ours + theirs) / 2 - by_chance)


@dataclass
class Side:
    costs: list[Cost]
    clusters: dict[str, str]
    kept: int

    @property
    def cpu_s(self) -> float:
        return min(cost.cpu_s for cost in self.costs)


def ours(folder: Path, documents: Path, recipe: str) -> tuple[Cost, dict[str, str], int]:
    command = [sys.executable, "-m", "pipelines", "dedup", "--recipe", recipe, "--quiet", "--no-guard"]
    cost = measure([*command, "--input", str(documents), "--output", str(folder)], folder.parent / "log.txt")
    rows = ds.dataset(folder / "clusters", format="parquet").to_table(columns=["id", "cluster_id"]).to_pylist()
    kept = json.loads((folder / "report.json").read_text())["counts"]["kept"]
    return cost, {row["id"]: row["cluster_id"] for row in rows}, kept


def peer(folder: Path, documents: Path, python: str) -> tuple[Cost, dict[str, str], int]:
    command = [python, str(PEER), "--input", str(documents / "data"), "--output", str(folder)]
    cost = measure(command, folder.parent / "log.txt")
    rows = [json.loads(line) for line in (folder / "clusters.jsonl").read_text().splitlines()]
    kept = ds.dataset(folder / "kept", format="parquet").count_rows()
    return cost, {row["id"]: str(row["cluster"]) for row in rows}, kept


def labels(ids: list[str], clusters: dict[str, str]) -> list[int]:
    """A number for each document's cluster; one that is in none is a cluster of its own."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(clusters.get(name, f"alone {name}"), len(numbers)) for name in ids]


def differing(ids: list[str], texts: dict[str, str], one: dict[str, str], other: dict[str, str]) -> list[float]:
    """For clusters of one side that the other splits: the largest exact similarity between the parts."""
    members: dict[str, list[str]] = defaultdict(list)
    for name in ids:
        if name in one:
            members[one[name]].append(name)
    words, found = WordHashes(), []
    for names in members.values():
        parts: dict[str, list[set[int]]] = defaultdict(list)
        for name in names:
            grams = set(shingles(words(texts[name], "en"), 5).tolist())
            parts[other.get(name, f"alone {name}")].append(grams)
        if len(parts) > 1:
            split = list(parts.values())
            pairs = [(a, b) for at, part in enumerate(split) for rest in split[at + 1 :] for a in part for b in rest]
            found.append(max(len(a & b) / max(len(a | b), 1) for a, b in pairs))
            if len(found) >= SHOWN_SPLITS:
                break
    return found


def report(sides: dict[str, Side], ids: list[str], texts: dict[str, str], versions: dict[str, str]) -> Iterator[str]:
    yield f"# `bateia dedup` and datatrove's MinHash stages, {date.today()}\n"
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    yield f"{machine()}; {len(ids):,} documents, one worker each. Peer: {told}.\n"
    yield "| | CPU s | CPU ms a document | datatrove / this | wall s | peak MiB | kept | documents in clusters |"
    yield "|---|---|---|---|---|---|---|---|"
    theirs = sides["datatrove"]
    for name, side in sides.items():
        cells = [f"{side.cpu_s:.1f}", f"{side.cpu_s / len(ids) * 1e3:.3f}", f"{theirs.cpu_s / side.cpu_s:.1f}"]
        cells += [f"{min(cost.wall_s for cost in side.costs):.0f}", f"{max(cost.tree_mb for cost in side.costs):.0f}"]
        yield f"| {name} | {' | '.join(cells)} | {side.kept:,} | {len(side.clusters):,} |"
    alone = sides["dedup alone"].clusters
    yield f"\nAdjusted Rand index: {adjusted_rand(labels(ids, alone), labels(ids, theirs.clusters)):.4f}.\n"
    yield "Clusters of one side that the other splits, by the largest exact similarity across the split:\n"
    yield "| | below .5 | .5 to .7 | .7 to .8 | .8 to .9 | .9 and more |"
    yield "|---|---|---|---|---|---|"
    for title, one, other in (("ours", alone, theirs.clusters), ("datatrove's", theirs.clusters, alone)):
        found = differing(ids, texts, one, other)
        edges = (0.0, 0.5, 0.7, 0.8, 0.9, 1.01)
        counts = [sum(low <= value < high for value in found) for low, high in pairwise(edges)]
        yield f"| {title} | {' | '.join(map(str, counts))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", required=True, type=Path, help="an output of `bateia curate`")
    parser.add_argument("--peer-python", required=True, help="interpreter that has datatrove")
    parser.add_argument("--copies", type=int, default=40, help="of each document")
    parser.add_argument("--repeat", type=int, default=2, help="rounds")
    parser.add_argument("--out", type=Path, help="Markdown file to write; default: standard output")
    args = parser.parse_args()
    base = ds.dataset(sorted((args.documents / "data" / "en").glob("*.parquet")), partitioning=None)
    sources = base.to_table(columns=["text"])["text"].to_pylist()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_documents(folder / "documents", looped(sources, args.copies, random.Random(1)), prefix="looped")
        (folder / "own.py").write_text(OWN_RECIPE)
        recipes = {"dedup alone": f"{folder / 'own.py'}:ALONE", "with personal data": "fineweb"}
        sides: dict[str, Side] = {}
        for turn in range(args.repeat):
            for what in ("dedup alone", "with personal data", "datatrove"):
                output = folder / f"{what.replace(' ', '-')}-{turn}"
                ran = recipes.get(what)
                run = (
                    ours(output, folder / "documents", ran)
                    if ran
                    else peer(output, folder / "documents", args.peer_python)
                )
                print(f"{what}: {run[0].cpu_s:.0f} CPU s, {run[0].wall_s:.0f} s, {run[2]} kept", file=sys.stderr)
                sides.setdefault(what, Side([], run[1], run[2])).costs.append(run[0])
        rows = ds.dataset(folder / "documents" / "data" / "en", format="parquet").to_table(columns=["id", "text"])
        texts = {row["id"]: row["text"] for row in rows.to_pylist()}
        versions = json.loads((folder / "datatrove-0" / "versions.json").read_text())
        text = "\n".join(report(sides, list(texts), texts, versions)) + "\n"
    if args.out:
        args.out.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
