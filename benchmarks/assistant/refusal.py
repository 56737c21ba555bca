"""Does a model that is taught to say "I don't know" say it of what it does not know, and still say what it knows?

People of a made-up register live in pages that go the whole way: crawl, filters, deduplication, shards, a model of
417,000 parameters. Some are told of never, some once, some often. What is known is measured by questions (right, and
with a probability of one half at least); refusing is then taught by people whose questions were never trained (group B)
and tested with others (group C), by the token's one row or by all weights, beside two controls: labels of people whose
questions were trained (naive), and labels dealt out anew. Intervals are Student's t over seeds.

    python -m benchmarks.assistant.refusal
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.harness import Benchmark, Part, add_seeds, interval, note, seeds_of, table
from benchmarks.process_cost import run_bateia
from trainer.probes.facts import RIGHT, UNKNOWN, WRONG, auroc
from trainer.probes.told import TEST

SHAPE = {"dim": 96, "layers": 3, "heads": 4, "kv_heads": 4, "hidden": 240}
EXPOSURES = (0, 48, 192, 768)
PRETRAINING = ("--batch-size", 16, "--optimizer", "adamw", "--lr", 3e-3)
ROW, ALL = ("--only-refusal", "--lr", 0.01), ("--lr", 1e-3)


class Way(NamedTuple):
    """How refusing is taught: by whose labels, and with which options of `converse make` and `sft`."""

    group: str
    make: tuple[str, ...]
    sft: tuple[Any, ...]


WAYS = {
    "one row": Way("B", (), ROW),
    "all weights": Way("B", (), ALL),
    "naive: labels of A": Way("A", (), ALL),
    "labels dealt out anew": Way("B", ("--shuffled",), ALL),
    "labels dealt out anew, one row": Way("B", ("--shuffled",), ROW),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    add_seeds(parser)
    parser.add_argument("--people", type=int, default=60, help="for each number of tellings; default: %(default)s")
    parser.add_argument("--told-once", type=int, default=3600, help="further people; default: %(default)s")
    parser.add_argument("--steps", type=int, default=1300, help="of pretraining; default: %(default)s")
    parser.add_argument("--refusal-steps", type=int, default=60, help="default: %(default)s")


def measure(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    rows: dict[str, list[list[float]]] = {}
    scores: list[float] = []
    for seed in seeds_of(args):
        folder = scratch / str(seed)
        known, score, told = pretrained(args, folder, seed)
        scores.append(score)
        yield f"Seed {seed}, before: of group {TEST} {told}; AUROC {score:.3f}.\n"
        for name, way in WAYS.items():
            shares = taught(args, folder, way, known, seed)
            rows.setdefault(name, []).append(shares)
            note(f"seed {seed}, {name}: {' '.join(f'{share:.3f}' for share in shares)}")
    yield f"AUROC of the answer's probability before, which a bare threshold could use: {interval(scores)}.\n"
    head = ["refusing taught by", "known: right", "I don't know", "wrong", "unknown: right", "I don't know", "wrong"]
    yield table(head, [[name, *map(interval, zip(*shares, strict=True))] for name, shares in rows.items()])


def pretrained(
    args: argparse.Namespace,
    folder: Path,
    seed: int,
    context: int = 64,
    exposures: tuple[int, ...] = EXPOSURES,
    how: tuple[object, ...] = PRETRAINING,
) -> tuple[dict[str, bool], float, str]:
    """A seed's model, from pages on: which facts it knows, the AUROC of its answers' probability, and how many of each
    number of tellings it knows."""
    folder.mkdir(parents=True)
    (folder / "shape.json").write_text(json.dumps(SHAPE))
    people = ("--people", args.people, "--exposures", *exposures, "--told-once", args.told_once)
    run_bateia("demo-crawl", "--output", folder / "crawl", *people, "--seed", seed)
    pages, small = folder / "crawl" / "bateia-people-00000.warc.gz", ("--vocab-size", 1024, "--context", context)
    stages = ("--output", folder / "data", "--until", "shards", "--workers", 1, "--no-blocklist", "--quiet")
    run_bateia("run", "tiny", "--input", pages, *stages, *small)
    training = ("--model", folder / "shape.json", "--steps", args.steps, *how, "--seed", seed, "--quiet")
    run_bateia("train", "--shards", folder / "data" / "shards", *training, "--output", folder / "base")
    facts = probe(folder, folder / "base", "known.json")
    tested = [fact for fact in facts if fact["group"] == TEST]
    score = auroc([fact["asked"]["confidence"] for fact in tested], [fact["known"] for fact in tested])
    counts = []
    for count in (0, 1, *EXPOSURES[1:]):
        planned = [fact for fact in tested if fact["told"] == count]
        counts.append(f"{sum(fact['known'] for fact in planned)} of {len(planned)} told {count} times are known")
    return {fact["id"]: fact["known"] for fact in facts}, score or 0.0, ", ".join(counts)


def taught(args: argparse.Namespace, folder: Path, way: Way, known: dict[str, bool], seed: int) -> list[float]:
    """Shares of right, refused and wrong answers to group C's questions: of the known, then of the unknown."""
    talks, shards = folder / "talks.jsonl", folder / "talks"
    facts = ("--facts", folder / "crawl" / "people-facts.jsonl", "--labels", folder / "known.json")
    some = ("--group", way.group, "--seed", seed, *way.make)
    run_bateia("converse", "make", "--kind", "refusals", *facts, *some, "--output", talks)
    for earlier in (shards, folder / "tuned"):
        shutil.rmtree(earlier, ignore_errors=True)
    run_bateia("converse", "shard", "--plain", "--input", talks, "--run", folder / "base", "--output", shards)
    steps = ("--steps", args.refusal_steps, "--batch-size", 32, "--optimizer", "adamw", "--quiet")
    run_bateia(
        "sft", "--run", folder / "base", "--conversations", shards, *steps, *way.sft, "--output", folder / "tuned"
    )
    asked = probe(folder, folder / "tuned", "asked.json", "--group", TEST)
    shares = []
    for knew in (True, False):
        verdicts = [fact["asked"]["verdict"] for fact in asked if known[fact["id"]] is knew]
        shares += [verdicts.count(verdict) / max(len(verdicts), 1) for verdict in (RIGHT, UNKNOWN, WRONG)]
    return shares


def probe(folder: Path, model: Path, name: str, *options: object) -> list[dict[str, Any]]:
    """What a model says to each fact's question, as `bateia probe` writes it."""
    facts = folder / "crawl" / "people-facts.jsonl"
    run_bateia("probe", "--run", model, "--facts", facts, "--json", folder / name, *options)
    return json.loads((folder / name).read_text())["facts"]


BENCHMARK = Benchmark(
    file=__file__,
    title='What a model that may say "I don\'t know" says',
    about=__doc__,
    measure=measure,
    add_options=add_options,
    quick={"seeds": 1, "people": 30, "told_once": 60, "steps": 300, "refusal_steps": 2},
    packages=("jax", "numpy"),
)

if __name__ == "__main__":
    BENCHMARK.main()
