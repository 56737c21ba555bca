"""Train the model of the extraction `blocks`, and write it with its record.

    python -m benchmarks.blocks.train --corpus public wcxb-dev --folds out/folds --model

--corpus: folders of *.warc.gz with gold.jsonl or gold.jsonl.gz, as benchmarks.curate.extraction_quality reads them.
--folds: also write a model for each of five folds of hosts, trained on the other four, for
benchmarks.curate.extraction_quality: figures of the model that is trained on all would be of pages that it has seen.
--model: write transforms/steps/extract/blocks/model.json.

Nothing of a page but numbers, and single words that many sites have, goes into a model. What is trained on what came
before it (the first trees on the words' votes, the second ones on the first ones' verdicts) sees what that says of
pages of folds that it was not trained on, as it will be of pages that neither has seen.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.blocks.fit import Settings, fit
from benchmarks.blocks.hosts import FOLDS
from benchmarks.blocks.pages import Example, examples, weights
from benchmarks.blocks.vocabulary import (
    CLASSES,
    LEAST_DOMAINS,
    LEAST_NAMED,
    WORDS,
    heard_on,
    name_votes,
    names_heard_on,
    vocabulary,
)
from transforms.steps.extract.blocks.context import context
from transforms.steps.extract.blocks.features import Columns
from transforms.steps.extract.blocks.lexicon import ClassNames, Lexicon
from transforms.steps.extract.blocks.model import ASSET, Trees

FIRST = Settings(iterations=60, learning_rate=0.2)
SECOND = Settings(iterations=300, learning_rate=0.06)
# Weights of corpora, 1 for others. Of the public pages, which are more and nearly all news, the first trees need less.
FIRST_CORPORA = {"public": 0.7}
SECOND_CORPORA = {"public": 1.0}
POWER = 0.7  # how a page's weight is shared out among its blocks, by tokens
EASY = 0.1  # below that share a block is boilerplate, of which there is plenty
KEPT_EASY = 0.4  # share of such blocks that is trained on, at a weight that makes up for it


class Training:
    """The blocks of all pages, one after the other."""

    def __init__(self, pages: Sequence[Example]) -> None:
        self.pages = pages
        self.heard = [heard_on([page for page in pages if page.fold == fold]) for fold in range(FOLDS)]
        self.words = [vocabulary(without(self.heard, fold)) for fold in range(FOLDS)]
        self.heard_names = [names_heard_on([page for page in pages if page.fold == fold]) for fold in range(FOLDS)]
        self.class_names = [name_votes(without(self.heard_names, fold)) for fold in range(FOLDS)]
        note(f"{len(self.words[0]):,} words, {len(self.class_names[0]):,} names")
        names, columns = self.with_words(list(map(Lexicon.of, self.words)), list(map(ClassNames, self.class_names)))
        self.names = pages[0].names + names
        self.columns = np.concatenate([np.concatenate([page.columns for page in pages]), columns], axis=1)
        self.labels = np.concatenate([page.labels for page in pages])
        self.fold = np.concatenate([np.full(len(page.labels), page.fold) for page in pages])
        self.easy = self.labels <= EASY
        picked = ~self.easy | (np.random.default_rng(0).random(len(self.easy)) < KEPT_EASY)
        self.usable = ~np.isnan(self.labels) & picked

    def with_words(self, words: Sequence[Lexicon], names: Sequence[ClassNames]) -> tuple[list[str], np.ndarray]:
        """What words and names say that were learned without a page's fold, as they will of pages never seen."""
        parts, added_names = [], []
        for page in self.pages:
            added = Columns(len(page.labels))
            words[page.fold].add(added, page.page, page.shape)
            names[page.fold].add(added, page.shape)
            added_names = added.names
            parts.append(added.chosen(added_names).T)
        return added_names, np.concatenate(parts)

    def first(self, without: int | None) -> dict[str, Any]:
        return self.fit(self.names, self.columns, FIRST, FIRST_CORPORA, without)

    def fit(
        self,
        names: list[str],
        columns: np.ndarray,
        settings: Settings,
        corpora: dict[str, float],
        without: int | None,
    ) -> dict[str, Any]:
        """Trees from all folds but one, or from all."""
        rows = self.usable & (self.fold != without)
        weight = weights(self.pages, POWER, corpora) / np.where(self.easy, KEPT_EASY, 1)
        note(f"{rows.sum():,} blocks, {settings.iterations} trees, without fold {without}")
        return fit(names, columns[rows], self.labels[rows].clip(0, 1), weight[rows], settings)

    def first_chances(self, models: Sequence[dict[str, Any]]) -> np.ndarray:
        """What the first trees say of each fold's blocks that were trained without it."""
        chance = np.zeros(len(self.labels), np.int64)
        for fold, model in enumerate(models):
            rows = self.fold == fold
            chance[rows] = chance_of(model, self.names, self.columns[rows])
        return chance

    def with_context(self, chance: np.ndarray) -> tuple[list[str], np.ndarray]:
        """All columns, those of context.py included."""
        parts, start, names = [], 0, []
        for page in self.pages:
            end = start + len(page.labels)
            added = Columns(end - start)
            context(added, page.shape, page.alike, chance[start:end])
            names = added.names
            parts.append(added.chosen(names).T)
            start = end
        return self.names + names, np.concatenate([self.columns, np.concatenate(parts)], axis=1)


def without(parts: Sequence[Any], fold: int) -> list[Any]:
    return [part for number, part in enumerate(parts) if number != fold]


def chance_of(model: dict[str, Any], names: Sequence[str], columns: np.ndarray) -> np.ndarray:
    trees = Trees.of(model)
    index = {name: number for number, name in enumerate(names)}
    return trees.chance(columns[:, [index[name] for name in trees.columns]].T)


def note(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def record(pages: Sequence[Example]) -> dict[str, Any]:
    """How the model was made, as model.json says it."""
    corpora = sorted({page.corpus for page in pages})
    return {
        "by": "benchmarks/blocks/train.py",
        "first": asdict(FIRST),
        "second": asdict(SECOND),
        "weights": {"power": POWER, "first": FIRST_CORPORA, "second": SECOND_CORPORA, "easy": KEPT_EASY},
        "words": {"domains": LEAST_DOMAINS, "most": WORDS},
        "names": {"domains": LEAST_NAMED, "most": CLASSES},
        "corpora": {name: sum(page.corpus == name for page in pages) for name in corpora},
        "domains": len({page.domain for page in pages}),
        "blocks": sum(len(page.labels) for page in pages),
    }


def write(model: dict[str, Any], path: Path) -> None:
    """A line a tree, so that a difference of two models can be read."""
    parts = [f'"{name}": {json.dumps(model[name], ensure_ascii=False)}' for name in ("made", "words", "names")]
    for name in ("first", "second"):
        trees = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in model[name]["trees"])
        columns = json.dumps(model[name]["columns"])
        parts.append(f'"{name}": {{"columns": {columns},\n"bias": {model[name]["bias"]}, "trees": [\n{trees}]}}')
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text("{" + ",\n".join(parts) + "}\n", "utf-8")
    unfinished.replace(path)


def train(args: argparse.Namespace) -> None:
    pages = examples(args.corpus, args.processes)
    made = record(pages)
    note(f"{made}")
    training = Training(pages)
    firsts = [training.first(fold) for fold in range(FOLDS)]
    names, columns = training.with_context(training.first_chances(firsts))
    if args.folds is not None:
        for fold, first in enumerate(firsts):
            second = training.fit(names, columns, SECOND, SECOND_CORPORA, fold)
            write(
                {
                    "made": made | {"without_fold": fold},
                    "words": training.words[fold],
                    "names": training.class_names[fold],
                    "first": first,
                    "second": second,
                },
                args.folds / f"{fold}.json",
            )
    if args.model:
        first = training.first(None)
        second = training.fit(names, columns, SECOND, SECOND_CORPORA, None)
        words, class_names = vocabulary(training.heard), name_votes(training.heard_names)
        write({"made": made, "words": words, "names": class_names, "first": first, "second": second}, ASSET)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--folds", type=Path, metavar="DIR")
    parser.add_argument("--model", action="store_true")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
