"""Few-shot tasks: small ones that examples alone explain, made of held-out text.

copy, alternate, cycle, translate  worked examples, then a question: GPT-3's k shots (Brown et al., arXiv 2005.14165)
repeat                             random tokens, again and again: what induction heads do (Olsson et al., arXiv
                                   2209.11895)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

REPEATED = 25  # tokens that are repeated, where the context has room; Olsson et al.'s
MIN_REPEATED = 4
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
    """A question with worked examples, all in tokens.

    shots: the examples, as many as are ever shown
    query, answer: the example that is asked for
    wrong: answers to choose from beside the right one
    """

    shots: tuple[Tokens, ...]
    query: Tokens
    answer: Tokens
    wrong: tuple[Tokens, ...] = ()

    def prompt(self, shots: int) -> Tokens:
        """The first so many examples and the query, without BOS."""
        return (*(token for shot in self.shots[:shots] for token in shot), *self.query)


@dataclass(frozen=True)
class Material:
    """What items are made of.

    encode: text to tokens, without special ones
    words: of held-out text
    tokens: of held-out text, special ones left out
    pairs: English and Portuguese words, both of which stand in the corpus
    context: positions of the model
    shots: examples of an item
    items: of a task, at most
    candidates: answers to choose from, the right one among them
    seed: draws the items
    """

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
        """Items by task, of those tasks that there is enough material for. Each task is drawn by itself."""
        makers = {
            "copy": lambda generator: self.questions([(word, word) for word in self.words], generator),
            "repeat": self.repeats,
            "alternate": lambda generator: self.rounds(2, generator),
            "cycle": lambda generator: self.rounds(4, generator),
            "translate": lambda generator: self.questions(self.pairs, generator),
        }
        tasks = {}
        for number, (name, make) in enumerate(makers.items()):
            generator = np.random.Generator(np.random.PCG64([self.seed, number]))
            items = with_wrong(make(generator), self.candidates - 1, generator)
            if len(items) > 1:  # a single one has no standard error
                tasks[name] = items
        return tasks

    def questions(self, pairs: Sequence[tuple[str, str]], generator: np.random.Generator) -> list[Item]:
        """Lines "left => right". No pair is asked twice, and none is both shown and asked in an item."""
        if len(pairs) < max(self.shots + 1, self.candidates):
            return []
        items = []
        for asked in generator.permutation(len(pairs))[: self.items].tolist():
            others = [other for other in generator.permutation(len(pairs))[: self.shots + 1].tolist() if other != asked]
            shown = [pairs[other] for other in others[: self.shots]]
            shots = tuple(self.join(left, " =>", f" {right}", "\n") for left, right in shown)
            items.append(Item(shots, self.join(pairs[asked][0], " =>"), self.join(f" {pairs[asked][1]}")))
        return items

    def rounds(self, period: int, generator: np.random.Generator) -> list[Item]:
        """Words in turn, again and again; the last one of a round is asked for."""
        if len(self.words) < max(period, self.candidates):
            return []
        items = []
        for _ in range(self.items):
            chosen = generator.permutation(len(self.words))[:period].tolist()
            *others, last = (self.join(f" {self.words[number]}") for number in chosen)
            query = tuple(token for word in others for token in word)
            items.append(Item(((*query, *last),) * self.shots, query, last, tuple(others)))
        return items

    def repeats(self, generator: np.random.Generator) -> list[Item]:
        """Tokens drawn one by one, so that nothing but their copies before predicts them."""
        length = min(REPEATED, self.context // (self.shots + 1))
        if length < MIN_REPEATED or not len(self.tokens):
            return []
        drawn = (tuple(generator.choice(self.tokens, length).tolist()) for _ in range(self.items))
        return [Item((tokens,) * self.shots, (), tokens) for tokens in drawn]

    def join(self, *parts: str) -> Tokens:
        """Each part in tokens of its own, so that an answer begins and ends where tokens do."""
        return tuple(token for part in parts for token in self.encode(part))


def with_wrong(items: list[Item], count: int, generator: np.random.Generator) -> list[Item]:
    """Items with `count` wrong answers each: their own ones first, then other items'.

    Items for which there are too few are left out.
    """
    answers = list(dict.fromkeys(item.answer for item in items))
    complete = []
    for item in items:
        others = (answers[number] for number in generator.permutation(len(answers)).tolist())
        wrong = tuple(answer for answer in dict.fromkeys((*item.wrong, *others)) if answer != item.answer)[:count]
        if len(wrong) == count:
            complete.append(replace(item, wrong=wrong))
    return complete


def word_pairs() -> list[tuple[str, str]]:
    """An English word and its Portuguese one each."""
    lines = PAIRS.read_text(encoding="utf-8").splitlines()
    return [(english, portuguese) for english, portuguese in (line.split("\t") for line in lines)]


def known_pairs(words: set[str]) -> list[tuple[str, str]]:
    """Pairs of an English and a Portuguese word, both of which are among `words`."""
    return [pair for pair in word_pairs() if set(pair) <= words]
