"""Which words say something of a text, and what: the votes of transforms.steps.extract.blocks.lexicon."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import log

import numpy as np

from benchmarks.blocks.pages import Example
from transforms.steps.extract.blocks.features import LEVEL_OF
from transforms.steps.extract.blocks.lexicon import FEW, SETS, words_of
from transforms.steps.extract.blocks.model import UNIT

LEAST_DOMAINS = 20  # on which a word stands in a set of texts; what fewer sites say is theirs
PRIOR = 10  # domains of the usual share that are added, so that a vote needs evidence
WORDS = 1500  # that are kept, those that say most
MOST_VOTE = 4000

Heard = list[dict[str, tuple[float, int]]]  # for each set of texts and each word: the domains' shares added up, domains


def vocabulary(parts: Iterable[Heard]) -> dict[str, list[int]]:
    """Votes of words, in the order of SETS. parts: what was heard on pages of different domains."""
    votes: dict[str, list[int]] = defaultdict(lambda: [0] * len(SETS))
    weight: dict[str, float] = defaultdict(float)
    for number, heard in enumerate(zip(*parts, strict=True)):
        together: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
        for words in heard:
            for word, (share, domains) in words.items():
                before = together[word]
                together[word] = before[0] + share, before[1] + domains
        total, count = together.pop("")
        usual = total / count
        for word, (total, domains) in together.items():
            if domains >= LEAST_DOMAINS:
                share = (total + PRIOR * usual) / (domains + PRIOR)
                vote = log(share / (1 - share)) - log(usual / (1 - usual)) if 0 < share < 1 else 0.0
                votes[word][number] = max(-MOST_VOTE, min(MOST_VOTE, round(vote * UNIT)))
                weight[word] += abs(vote) * domains**0.5
    chosen = sorted(votes, key=lambda word: (-weight[word], word))[:WORDS]
    return {word: votes[word] for word in sorted(chosen)}


def heard_on(pages: Sequence[Example]) -> Heard:
    """What words say on pages that hold all of their domains' pages; "" stands for any word.

    A domain counts once for a word, by the mean share of its blocks with it that are text: sites that write one word
    on each of their pages teach no more than others.
    """
    of_domain: dict[str, list[Example]] = defaultdict(list)
    for page in pages:
        of_domain[page.domain].append(page)
    heard: Heard = [defaultdict(lambda: (0.0, 0)) for _ in SETS]
    for domain in of_domain.values():
        for words, total in zip(of_site(domain), heard, strict=True):
            for word, (labels, blocks) in words.items():
                before = total[word]
                total[word] = before[0] + labels / blocks, before[1] + 1
    return heard


def of_site(pages: Sequence[Example]) -> Heard:
    """Of one domain's pages: labels added up, and blocks."""
    found: Heard = [defaultdict(lambda: (0.0, 0)) for _ in SETS]
    for page in pages:
        for number, words, label in said(page):
            known = found[number]
            for word in words:
                total, count = known[word]
                known[word] = total + label, count + 1
    return found


def said(page: Example) -> Iterator[tuple[int, set[str], float]]:
    """Sets of texts, words, and labels of a page's blocks."""
    few = page.shape.words() < FEW
    heading = LEVEL_OF[page.shape.code[page.shape.node]] > 0
    above: set[str] = set()
    for number, text in enumerate(page.page.texts):
        label = float(page.labels[number])
        own = {"", *words_of(text)}
        if heading[number]:
            above = own
        if not np.isnan(label):
            yield 0 if few[number] else 1, own, label
            yield 2, above, label
