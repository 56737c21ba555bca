"""Is a search asked for what a model does not know, and hardly for what it knows; and what does it find then?

People of a made-up register live in pages that go the whole way to a small base model, as in `refusal`. A question is
searched (BM25 over passages of the training pages) where the model's own answer is less probable than a threshold that
has 95 % of the answers to unknown questions below it; known is what is answered rightly with a probability of one half
at least. The threshold is set by people whose questions were never trained (group B), beside a control set by those
whose questions were (A), and tested with others (C). The bar: at least .9 of the unknown are searched, and at most .3
of the known. An answer by search counts as right if a sentence of the best passage has both the person and the place:
that the model reads it so, or writes the query, is not measured. Intervals are Student's t over seeds.

    python -m benchmarks.assistant.searching
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.assistant.refusal import EXPOSURES, pretrained
from benchmarks.harness import Benchmark, Part, interval, table
from benchmarks.process_cost import run_bateia
from trainer.post.tools.search import Search
from trainer.probes.facts import RIGHT
from trainer.probes.told import LABELS, TEST, TRAINED, Fact, read_facts

KEPT = 0.95  # share of the unknown whose answers are to be below the threshold
LEAST_UNKNOWN, MOST_KNOWN = 0.9, 0.3  # the bar: shares of each that are searched
WAYS = {f"below a threshold by group {LABELS}": LABELS, f"control: by group {TRAINED}": TRAINED}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--people", type=int, default=24, help="for each number of tellings; default: %(default)s")
    parser.add_argument("--told-once", type=int, default=300, help="further people; default: %(default)s")
    parser.add_argument("--steps", type=int, default=500, help="of pretraining; default: %(default)s")


def measure(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    rows: dict[str, list[list[float]]] = {}
    for seed in range(1, args.seeds + 1):
        folder = scratch / str(seed)
        _, score, told = pretrained(args, folder, seed)
        yield f"Seed {seed}: of group {TEST} {told}; AUROC of the answer's probability {score:.3f}.\n"
        probed = json.loads((folder / "known.json").read_text())["facts"]
        found, seconds = searched(folder)
        yield f"A query takes {1000 * seconds / len(found):.2f} ms of CPU time, {len(found):,} of them.\n"
        yield by_tellings([one for one in probed if one["group"] == TEST], found)
        for name, numbers in ways(probed, found).items():
            rows.setdefault(name, []).append(numbers)
    head = ["searched", "of the known", "of the unknown", "right, of the known", "of the unknown", "of all"]
    yield table(head, [[name, *map(interval, zip(*shares, strict=True))] for name, shares in rows.items()])
    known, unknown, *_ = (float(np.mean(column)) for column in zip(*rows[next(iter(WAYS))], strict=True))
    held = known <= MOST_KNOWN and unknown >= LEAST_UNKNOWN
    yield (
        f"The bar, at most {MOST_KNOWN} of the known and at least {LEAST_UNKNOWN} of the unknown: "
        f"{'held' if held else 'missed'}, with {known:.3f} and {unknown:.3f}.\n"
    )


def searched(folder: Path) -> tuple[dict[str, bool], float]:
    """Of each fact, by its id, whether a search for its question finds it; and the CPU seconds of all."""
    run_bateia("search", "index", "--shards", folder / "data" / "shards", "--output", folder / "index")
    facts, search = read_facts(str(folder / "crawl" / "people-facts.jsonl")), Search(str(folder / "index"))
    began = time.process_time()
    passages = [search.find(fact.question) for fact in facts]
    seconds = time.process_time() - began
    pairs = zip(facts, passages, strict=True)
    return {fact.id: any(tells(text, fact) for text, _ in some) for fact, some in pairs}, seconds


def tells(passage: str, fact: Fact) -> bool:
    """Whether one sentence has both the person and the place."""
    return any(fact.subject in sentence and fact.value in sentence for sentence in passage.split("."))


def by_tellings(probed: Sequence[dict[str, Any]], found: dict[str, bool]) -> str:
    """Shares of group C that are right without the search, and that it finds."""
    rows = []
    for count in sorted({1, *EXPOSURES}):
        some = [one for one in probed if one["told"] == count]
        closed, open_book = (
            np.mean(shares) for shares in ([right(one) for one in some], [found[one["id"]] for one in some])
        )
        rows.append([f"{count}", f"{len(some)}", f"{closed:.3f}", f"{open_book:.3f}"])
    return table(["told", "people", "right without a search", "the search finds it"], rows)


def ways(probed: Sequence[dict[str, Any]], found: dict[str, bool]) -> dict[str, list[float]]:
    """Of group C: shares of the known and of the unknown that are searched; that are right; of all."""
    numbers = {}
    tested = [one for one in probed if one["group"] == TEST]
    for name, group in {**WAYS, "never": "", "always": None}.items():
        threshold = {"": -np.inf, None: np.inf}.get(group)
        if threshold is None:
            labels = [one["asked"]["confidence"] for one in probed if one["group"] == group and not one["known"]]
            threshold = float(np.quantile(labels, KEPT))
        asks = [one["asked"]["confidence"] < threshold for one in tested]
        rights = [found[one["id"]] if ask else right(one) for one, ask in zip(tested, asks, strict=True)]
        known = np.array([one["known"] for one in tested], bool)
        shares = [
            [np.array(values)[side].mean() if side.any() else np.nan for side in (known, ~known)]
            for values in (asks, rights)
        ]
        numbers[name] = [float(share) for share in (*shares[0], *shares[1], np.mean(rights))]
    return numbers


def right(one: dict[str, Any]) -> bool:
    return one["asked"]["verdict"] == RIGHT


BENCHMARK = Benchmark(
    file=__file__,
    title="A search for what is not known",
    about=__doc__,
    measure=measure,
    add_options=add_options,
    quick={"people": 6, "told_once": 30, "steps": 20},
    packages=("jax", "bm25s", "numpy"),
)

if __name__ == "__main__":
    BENCHMARK.main()
