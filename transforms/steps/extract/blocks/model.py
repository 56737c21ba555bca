"""The model that says which blocks are text: two sets of small decision trees, evaluated in integers.

Every tree asks the same questions of all blocks: "is column c greater than t?", at most eight of them; the answers are
the bits of a number, and the leaf of that number is the tree's vote. Votes are integers and are summed as integers, so
every machine comes to the same verdicts. model.json is readable: `made` says how it was trained, and each set has
`columns`, `trees` with `if` (pairs of a column's index and a threshold; the first is bit 0) and `then` (the leaves).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from transforms.steps.extract.blocks.lexicon import ClassNames, Lexicon

ASSET = Path(__file__).with_name("model.json")
UNIT = 1000  # votes are thousandths of a logit
STEP = 20  # votes that one entry of the table of chances covers
MOST = 8000  # beyond that many votes a chance is 0 or 1000 thousandths
AT_ONCE = 2048  # blocks; bounds the memory that a huge page takes


@cache
def chances() -> np.ndarray:
    """Thousandths for sums of votes from -MOST to MOST, by decimal arithmetic, whose digits no machine changes."""
    odds = [(Decimal(votes) / UNIT).exp() for votes in range(-MOST, MOST + 1, STEP)]
    return np.array([int((1000 * odd / (1 + odd)).to_integral_value()) for odd in odds])


@dataclass(frozen=True)
class Trees:
    """One set of trees of the same depth.

    columns: names of the columns asked about.
    asked: depth × trees, indexes of columns.
    thresholds: depth × trees.
    leaves: trees × 2^depth, votes.
    bias: votes that every block begins with.
    """

    columns: list[str]
    asked: np.ndarray
    thresholds: np.ndarray
    leaves: np.ndarray
    bias: int

    @classmethod
    def of(cls, data: dict[str, Any]) -> Trees:
        questions = np.array([tree["if"] for tree in data["trees"]], np.int32)
        return cls(
            data["columns"],
            questions[:, :, 0].T.copy(),
            questions[:, :, 1].T.copy(),
            np.array([tree["then"] for tree in data["trees"]], np.int32),
            data["bias"],
        )

    def chance(self, rows: np.ndarray) -> np.ndarray:
        """Thousandths that each block is text. rows: int32, columns × blocks."""
        votes = np.clip(self.votes_at_once(rows), -MOST, MOST)
        return chances()[(votes + MOST) // STEP]

    def votes_at_once(self, rows: np.ndarray) -> np.ndarray:
        parts = [self.votes(rows[:, start : start + AT_ONCE]) for start in range(0, rows.shape[1], AT_ONCE)]
        return np.concatenate(parts)

    def votes(self, rows: np.ndarray) -> np.ndarray:
        depth, count = self.asked.shape
        answers = rows[self.asked.ravel()] > self.thresholds.reshape(-1, 1)
        bits = answers.view(np.uint8).reshape(depth, count, -1)
        leaf = bits[0].copy()
        for level in range(1, depth):
            leaf |= bits[level] << level
        first = np.arange(0, count * self.leaves.shape[1], self.leaves.shape[1], dtype=np.int32)
        return self.leaves.ravel().take(leaf + first[:, None]).sum(axis=0, dtype=np.int32) + self.bias


@dataclass(frozen=True, eq=False)
class Model:
    """The words, the names in classes, the trees that look at a block, and those that see the first ones' verdicts."""

    words: Lexicon
    names: ClassNames
    first: Trees
    second: Trees

    @classmethod
    def of(cls, data: dict[str, Any]) -> Model:
        first, second = Trees.of(data["first"]), Trees.of(data["second"])
        return cls(Lexicon.of(data["words"]), ClassNames(data["names"]), first, second)


@cache
def load_model() -> Model:
    """The committed model."""
    return Model.of(json.loads(ASSET.read_text("utf-8")))


def choose(chance: np.ndarray, words: np.ndarray) -> np.ndarray:
    """The blocks to keep: those that make the expected F1 of the page's text the largest.

    The F1 that is expected of the m likeliest blocks is 2 Σ p w over these ÷ (Σ w over these + Σ p w over all). A fixed
    threshold is half of the F1 that can be had, so it would have to differ from page to page. chance: thousandths;
    words: the blocks' weights. The page's whole is taken at 17/40, by the folds of training: what is doubted a little
    is more often boilerplate. With 1/2, .912 of the snippets that no text should have stay out, with 17/40 .9205; F1
    is the same within .001 from 1/2 to 2/5.
    """
    order = np.argsort(-chance, kind="stable")
    hits, size = np.cumsum((chance * words)[order]), np.cumsum(words[order])
    expected = hits * 1_000_000 // (1000 * size + hits[-1] * 17 // 40)
    return chance >= chance[order][int(np.argmax(expected))]
