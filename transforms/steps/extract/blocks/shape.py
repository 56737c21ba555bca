"""A page's blocks and containers as arrays, and sums over them: what features.py and context.py ask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.steps.extract.blocks.characters import BLANKS_ROW, KINDS, WIDE_ROW, counts
from transforms.steps.extract.blocks.layout import Layout

LEVELS = (0, 1, 2, 3, 5)  # containers above a block that are looked at: its own, that one's, …

# What measures_c.pyx gives columns_c.pyx: numbers of each block, those of lexicon.NAMES last, and of each container.
BLOCK_ROWS = (
    *(*KINDS, "length", "size", "words", "linked", "node", "last", "text", "titled"),
    *("known_words", "votes_of_words", "mean_vote", "least_vote", "most_vote"),
    *("heading_sum_vote", "heading_least_vote", "heading_most_vote"),
)
NODE_ROWS = (
    *("parent", "code", "depth", "first", "end", "sign", "mask", "above"),
    *("said_sum", "said_least", "said_most"),
)


def share(part: np.ndarray, whole: np.ndarray | int) -> np.ndarray:
    """Thousandths."""
    return part * 1000 // np.maximum(whole, 1)


def running(rows: np.ndarray) -> np.ndarray:
    """Totals up to each block, which begin with 0."""
    totals = np.zeros((*rows.shape[:-1], rows.shape[-1] + 1), np.int64)
    np.cumsum(rows, axis=-1, out=totals[..., 1:])
    return totals


@dataclass
class Shape:
    """Arrays of a page: of its blocks (n), of its containers (m).

    length: n, characters.
    classes: characters of each class, a row a class.
    size: n, length with wide characters threefold, as they say more.
    linked: n, thousandths of a block's characters that lie in links.
    node: n, container of each block.
    parents: m, each container's container; the page's is itself.
    code: m, the tag's code.
    lines: levels × n, containers of each block at LEVELS.
    chain: n's containers from its own upwards, 12 levels.
    firsts, ends: m, blocks that a container holds.
    sign: m, equal for containers of the same name and class.
    signs: these names and classes, once each.
    """

    length: np.ndarray
    classes: np.ndarray
    size: np.ndarray
    linked: np.ndarray
    node: np.ndarray
    parents: np.ndarray
    code: np.ndarray
    lines: np.ndarray
    chain: np.ndarray
    firsts: np.ndarray
    ends: np.ndarray
    sign: np.ndarray
    signs: list[str]

    @classmethod
    def of(cls, page: Layout) -> Shape:
        length = np.array(list(map(len, page.texts)), np.int64)
        classes = counts(page.texts, length)
        node, parents = np.array(page.nodes), np.array(page.parents)
        parents[0] = 0
        chain = [node]
        for _ in range(11):
            chain.append(parents[chain[-1]])
        signs: dict[str, int] = {}
        return cls(
            length,
            classes,
            length + 2 * classes[WIDE_ROW],
            share(np.array(page.links, np.int64), length),
            node,
            parents,
            np.array([tag[2] for tag in page.infos]),
            np.stack([chain[level] for level in LEVELS]),
            np.stack(chain),
            np.array(page.firsts),
            np.array(page.ends),
            np.array([signs.setdefault(tag[5], len(signs)) for tag in page.infos]),
            list(signs),
        )

    def words(self) -> np.ndarray:
        """n, about how many tokens a block has: runs between blanks, and wide characters each."""
        return self.classes[BLANKS_ROW] + 1 + self.classes[WIDE_ROW]

    def held(self, rows: np.ndarray) -> np.ndarray:
        """Sums of the blocks' rows over each container: rows × m."""
        totals = running(rows)
        return totals.take(self.ends, axis=-1) - totals.take(self.firsts, axis=-1)  # faster than by brackets

    def alike(self, held: np.ndarray) -> np.ndarray:
        """Sums of the containers' rows over all of the same name and class, by sign."""
        return np.stack([np.bincount(self.sign, weights=row) for row in held]).astype(np.int64)
