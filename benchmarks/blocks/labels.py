"""Which blocks of a page are text, by what people said of it: a share from 0 to 1 for each block, NaN if unknown."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

from benchmarks.curate.extraction_quality import TOKEN, flat

GRAM = 3  # tokens in a row; a block with fewer than one more is looked for as a phrase
ANCHOR = 0.6  # share of its grams that the gold text has, from which a block's place in it is believed
BACK = 400  # tokens that gold texts may go back from one block to the next, as when they put a box at the end
NEAR = 25  # tokens around its neighbours' places within which a phrase is taken for the block
FEW = 12  # blocks between a short block and the anchor that vouches for it
DOUBTFUL = 0.15  # a phrase of the gold text that stands elsewhere: most likely a menu's


def words(text: str) -> list[str]:
    return TOKEN.findall(unicodedata.normalize("NFC", text).lower())


def from_text(texts: Sequence[str], gold: str) -> list[float]:
    """By a page's whole text: the share of a block's token 3-grams that it has.

    Short blocks, which a menu may hold as well, are text if the gold text has them near their neighbours.
    """
    expected = words(gold)
    grams: dict[tuple[str, ...], list[int]] = defaultdict(list)
    single: dict[str, list[int]] = defaultdict(list)
    for index, word in enumerate(expected):
        single[word].append(index)
    for index, gram in enumerate(zip(*(expected[shift:] for shift in range(GRAM)), strict=False)):
        grams[gram].append(index)
    blocks = [words(text) for text in texts]
    shares: list[float] = [nan] * len(texts)
    anchors: list[tuple[int, int]] = []
    last = -1
    for number, block in enumerate(blocks):
        if len(block) > GRAM:
            positions = [grams.get(gram) for gram in zip(*(block[shift:] for shift in range(GRAM)), strict=False)]
            shares[number] = sum(known is not None for known in positions) / len(positions)
            if shares[number] > ANCHOR:
                known = next(known for known in positions if known)
                index = bisect_left(known, last)
                position = known[index] if index < len(known) else known[0]
                anchors.append((number, position))
                last = position if position > last or position < last - BACK else last
    for number, block in enumerate(blocks):
        if 0 < len(block) <= GRAM:
            positions = [start for start in single.get(block[0], ()) if expected[start : start + len(block)] == block]
            near = vouched(number, positions, anchors, blocks, len(expected))
            shares[number] = 0.0 if not positions else 1.0 if near else DOUBTFUL
    return shares


def vouched(
    number: int, positions: list[int], anchors: list[tuple[int, int]], blocks: list[list[str]], end: int
) -> bool:
    """Whether a phrase stands in the gold text where the blocks around it do."""
    if not anchors:
        return True
    after = bisect_left(anchors, (number, -1))
    before_block, low = anchors[after - 1] if after else (-len(blocks), -1)
    after_block, high = anchors[after] if after < len(anchors) else (2 * len(blocks), end)
    size = len(blocks[before_block]) if after else 0
    behind, ahead = number - before_block, after_block - number
    return any(
        (behind <= FEW and low - GRAM <= position <= low + size + NEAR)
        or (ahead <= FEW and high - NEAR <= position <= high)
        or (min(behind, ahead) <= FEW + GRAM and low <= position <= high < low + 600 + size)
        for position in positions
    )


def from_snippets(texts: Sequence[str], wanted: Sequence[str], unwanted: Sequence[str]) -> list[float]:
    """By snippets: 1 for blocks that hold one that belongs to the text, 0 for those that hold one that does not."""
    lines = [flat(text) for text in texts]
    shares = [nan] * len(texts)
    for value, snippets in ((0.0, unwanted), (1.0, wanted)):
        for snippet in filter(None, map(flat, snippets)):
            for number, line in enumerate(lines):
                if snippet in line or (len(line) >= 15 and line in snippet):
                    shares[number] = value
    return shares


def labels(texts: Sequence[str], row: Mapping[str, Any]) -> list[float]:
    """row: a line of gold.jsonl."""
    if row["gold_kind"] == "full_text" and row["gold_text"]:
        return from_text(texts, row["gold_text"])
    return from_snippets(texts, row["with"] or (), row["without"] or ())
