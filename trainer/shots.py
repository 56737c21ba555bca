"""Small tasks to be learned from their examples alone, made of held-out text: what a prompt of k shots is made of.

copy, alternate, cycle, translate  worked examples, then a question: GPT-3's k shots (Brown et al., arXiv 2005.14165)
repeat                             random tokens, again and again: what induction heads do (Olsson et al., arXiv
                                   2209.11895)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trainer.faults import BadRun

REPEATED = 25  # tokens that are repeated, where the context has room; Olsson et al.'s
LEAST_REPEATED = 4
PAIRS = Path(__file__).with_name("word_pairs.tsv")
Tokens = tuple[int, ...]

ABOUT = {
    "copy": "a word, then the same word",
    "repeat": "random tokens of held-out text, repeated as they are",
    "alternate": "two words in turn",
    "cycle": "four words in turn; the wrong answers are the other three",
    "translate": "a word in English, then in Portuguese",
}


@dataclass(frozen=True)
class Item:
    """shots: worked examples, as many as are ever shown. query, answer: the example that is asked. wrong: answers to
    choose from beside the right one."""

    shots: tuple[Tokens, ...]
    query: Tokens
    answer: Tokens
    wrong: tuple[Tokens, ...] = ()

    def prompt(self, shots: int) -> Tokens:
        """Of the first so many shots and the query; without BOS."""
        return (*(token for shot in self.shots[:shots] for token in shot), *self.query)


@dataclass(frozen=True)
class Material:
    """What items are made of. words, tokens: of held-out text. pairs: words and their translations, both of which
    stand in the corpus. shots, items, candidates: how many."""

    encode: Callable[[str], list[int]]
    words: Sequence[str]
    tokens: np.ndarray
    pairs: Sequence[tuple[str, str]]
    context: int
    shots: int
    items: int
    candidates: int
    seed: int

    def tasks(self) -> dict[str, list[Item]]:
        """Items by task, those with enough material alone. Each task is drawn by itself, whatever the others are."""
        makers = {
            "copy": lambda generator: self.questions([(word, word) for word in self.words], generator),
            "repeat": self.repeats,
            "alternate": lambda generator: self.rounds(2, generator),
            "cycle": lambda generator: self.rounds(4, generator),
            "translate": lambda generator: self.questions(self.pairs, generator),
        }
        found = {}
        for at, (name, make) in enumerate(makers.items()):
            generator = np.random.Generator(np.random.PCG64([self.seed, at]))
            items = with_wrong(make(generator), self.candidates - 1, generator)
            if len(items) > 1:  # of one alone there is no standard error
                found[name] = items
        return found

    def questions(self, pairs: Sequence[tuple[str, str]], generator: np.random.Generator) -> list[Item]:
        """Lines "left => right". No pair is asked twice, and none is both shown and asked in an item."""
        if len(pairs) < max(self.shots + 1, self.candidates):
            return []
        found = []
        for asked in generator.permutation(len(pairs))[: self.items].tolist():
            others = [at for at in generator.permutation(len(pairs))[: self.shots + 1].tolist() if at != asked]
            shots = tuple(self.join(pairs[at][0], " =>", f" {pairs[at][1]}", "\n") for at in others[: self.shots])
            found.append(Item(shots, self.join(pairs[asked][0], " =>"), self.join(f" {pairs[asked][1]}")))
        return found

    def rounds(self, period: int, generator: np.random.Generator) -> list[Item]:
        """Words in turn; asked for is the last one of a round."""
        if len(self.words) < max(period, self.candidates):
            return []
        found = []
        for _ in range(self.items):
            chosen = generator.permutation(len(self.words))[:period].tolist()
            *others, last = (self.join(f" {self.words[at]}") for at in chosen)
            query = tuple(token for word in others for token in word)
            found.append(Item(((*query, *last),) * self.shots, query, last, tuple(others)))
        return found

    def repeats(self, generator: np.random.Generator) -> list[Item]:
        """Tokens drawn one by one, so that nothing but the copies before tells what comes."""
        length = min(REPEATED, self.context // (self.shots + 1))
        if length < LEAST_REPEATED or not len(self.tokens):
            return []
        drawn = (tuple(generator.choice(self.tokens, length).tolist()) for _ in range(self.items))
        return [Item((tokens,) * self.shots, (), tokens) for tokens in drawn]

    def join(self, *parts: str) -> Tokens:
        """Each part in tokens of its own, so that an answer begins and ends where tokens do."""
        return tuple(token for part in parts for token in self.encode(part))


def with_wrong(items: list[Item], count: int, generator: np.random.Generator) -> list[Item]:
    """Each with `count` wrong answers: its own ones first, then other items'. Items for which there are too few are
    left out."""
    answers = list(dict.fromkeys(item.answer for item in items))
    found = []
    for item in items:
        others = (answers[at] for at in generator.permutation(len(answers)).tolist())
        wrong = tuple(answer for answer in dict.fromkeys((*item.wrong, *others)) if answer != item.answer)[:count]
        if len(wrong) == count:
            found.append(replace(item, wrong=wrong))
    return found


def known_pairs(words: set[str]) -> list[tuple[str, str]]:
    """English and Portuguese words, those pairs of which both are among `words`."""
    lines = PAIRS.read_text(encoding="utf-8").splitlines()
    pairs = [(english, portuguese) for english, portuguese in (line.split("\t") for line in lines)]
    return [pair for pair in pairs if set(pair) <= words]


def check_counts(shots: Sequence[int], items: int, candidates: int, seed: int) -> None:
    """Raises BadRun for counts that make no task."""
    if min(shots) < 0 or items < 2 or candidates < 2:
        raise BadRun("shots are 0 or more, items and candidates 2 or more")
    if seed < 0:
        raise BadRun(f"a seed is 0 or more, not {seed}")
    if candidates > items:
        raise BadRun(f"{candidates} candidates are answers of as many items; give --items {candidates} or more")
