"""Which words, and which names in classes, say something, and what: votes of blocks/lexicon.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import log

import numpy as np

from benchmarks.blocks.pages import Example
from transforms.steps.extract.blocks.features import LEVEL_OF
from transforms.steps.extract.blocks.lexicon import FEW, SETS, SHORTEST, names_of, words_of
from transforms.steps.extract.blocks.model import UNIT
from transforms.steps.extract.blocks.shape import running
from transforms.steps.extract.blocks.tags import LONGEST_REMEMBERED

LEAST_DOMAINS = 20  # on which a word stands in a set of texts; what fewer sites say is theirs
PRIOR = 10  # domains of the usual share that are added, so that a vote needs evidence
WORDS = 1500  # that are kept, those that say most
MOST_VOTE = 4000
LEAST_NAMED = 15  # domains that have a name in a class
CLASSES = 1000  # names that are kept
LONGEST_NAME = 30  # characters

Heard = list[dict[str, tuple[float, int]]]  # for each set of texts and each word: the domains' shares added up, domains


def vocabulary(parts: Iterable[Heard]) -> dict[str, list[int]]:
    """Votes of words, in the order of SETS. parts: what was heard on pages of different domains."""
    votes: dict[str, list[int]] = defaultdict(lambda: [0] * len(SETS))
    weight: dict[str, float] = defaultdict(float)
    for number, heard in enumerate(zip(*parts, strict=True)):
        together: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
        for words in heard:
            add(together, words)
        total, count = together.pop("")
        usual = total / count
        for word, (total, domains) in together.items():
            if domains >= LEAST_DOMAINS:
                votes[word][number] = vote = vote_of(total, domains, usual)
                weight[word] += abs(vote) * domains**0.5
    chosen = sorted(votes, key=lambda word: (-weight[word], word))[:WORDS]
    return {word: votes[word] for word in sorted(chosen)}


def vote_of(total: float, domains: int, usual: float) -> int:
    """total: the domains' shares added up; usual: the share of any word."""
    share = (total + PRIOR * usual) / (domains + PRIOR)
    vote = log(share / (1 - share)) - log(usual / (1 - usual)) if 0 < share < 1 else 0.0
    return max(-MOST_VOTE, min(MOST_VOTE, round(vote * UNIT)))


def add(together: dict[str, tuple[float, int]], heard: Mapping[str, tuple[float, int]]) -> None:
    for word, (share, domains) in heard.items():
        before = together[word]
        together[word] = before[0] + share, before[1] + domains


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


def name_votes(parts: Iterable[dict[str, tuple[float, int]]]) -> dict[str, int]:
    """Votes of names in classes. parts: what was heard on pages of different domains."""
    together: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
    for heard in parts:
        add(together, heard)
    total, count = together.pop("")
    usual, votes, weight = total / count, {}, {}
    for name, (total, domains) in together.items():
        if domains >= LEAST_NAMED and SHORTEST <= len(name) <= LONGEST_NAME:
            votes[name] = vote_of(total, domains, usual)
            weight[name] = abs(votes[name]) * domains**0.5
    chosen = sorted(votes, key=lambda name: (-weight[name], name))[:CLASSES]
    return {name: votes[name] for name in sorted(chosen)}


def names_heard_on(pages: Sequence[Example]) -> dict[str, tuple[float, int]]:
    """What names in classes say on pages that hold all of their domains' pages; "" stands for the whole page.

    A domain counts once for a name, by the share of the tokens in its containers of that name that are text.
    """
    of_domain: dict[str, list[Example]] = defaultdict(list)
    for page in pages:
        of_domain[page.domain].append(page)
    heard: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
    for domain in of_domain.values():
        text: dict[str, float] = defaultdict(float)
        whole: dict[str, float] = defaultdict(float)
        for page in domain:
            for sign, (tokens, kept) in in_classes(page).items():
                for name in set(chain(*map(names_of, sign[:LONGEST_REMEMBERED].split()[1:]))) if sign else [""]:
                    whole[name] += tokens
                    text[name] += kept
        add(heard, {name: (text[name] / tokens, 1) for name, tokens in whole.items() if tokens})
    return heard


def in_classes(page: Example) -> dict[str, list[float]]:
    """Tokens of which something is known in containers of each name and class, and those of them that are text."""
    known = np.where(np.isnan(page.labels), 0, page.tokens)
    totals = running(np.stack([known * 1000, np.round(known * np.nan_to_num(page.labels).clip(0, 1) * 1000)]))
    held = totals[:, np.array(page.page.ends)] - totals[:, np.array(page.page.firsts)]
    found: dict[str, list[float]] = {"": totals[:, -1].tolist()}
    for tag, tokens, text in zip(page.page.infos, *held.tolist(), strict=True):
        before = found.setdefault(tag.sign, [0, 0])
        before[0] += tokens
        before[1] += text
    return found
