"""Cloze questions from held-out pages: which of four words ends a sentence? Chosen by likelihood, in bits per byte.

Nothing is written by the model, so a base model can be asked as well as one that converses. Per byte, so that long
words are not at a disadvantage (as GPT-3's evaluations normalize, arXiv 2005.14165, section 2.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.shards.layout import VAL, ShardsInfo
from trainer.generate.text import Text
from trainer.model.decoder import Decoder
from trainer.probes.documents import DocumentTokens

CHOICES = 4
LEAST_BEFORE = 5  # words of a sentence before the one that is left out
ENDING = re.compile(r"[^.!?\n]*?\b(\w[^.!?\n]*?)\s(\w{4,})[.!?](?=\s|$)")  # a sentence, and its last word
AT_ONCE = 64  # questions whose choices are scored together


@dataclass(frozen=True)
class Cloze:
    """A question.

    url: of the page
    before: the page's text up to the word that is left out
    sentence: the one that it ends
    words: the choices, the right one at `right`
    """

    url: str | None
    before: str
    sentence: str
    words: tuple[str, ...]
    right: int


@dataclass(frozen=True)
class Chosen:
    """word: the likeliest choice; bits: bits per byte of each choice with what ends it"""

    question: Cloze
    word: str
    bits: tuple[float, ...]

    @property
    def right(self) -> bool:
        return self.word == self.question.words[self.question.right]


def cloze_questions(shards: ShardsInfo, text: Text, count: int, seed: int = 1) -> list[Cloze]:
    """One of each of `count` held-out pages at most: the first sentence of enough words that ends in a word of four
    letters or more. Wrong choices are words that end other pages' sentences. Fewer pages than choices make none."""
    found = list(endings(shards, text, count, seed))
    endings_seen = sorted({word for _, _, _, word in found})
    if len(endings_seen) < CHOICES:
        return []
    generator = np.random.Generator(np.random.PCG64([seed, 1]))
    questions = []
    for url, before, sentence, word in found:
        others = [other for other in endings_seen if other != word]
        wrong = [others[at] for at in generator.permutation(len(others))[: CHOICES - 1].tolist()]
        right = int(generator.integers(CHOICES))
        questions.append(Cloze(url, before, sentence, (*wrong[:right], word, *wrong[right:]), right))
    return questions


def endings(shards: ShardsInfo, text: Text, count: int, seed: int) -> Iterator[tuple[str | None, str, str, str]]:
    """URL, text before, sentence and last word, of each page that has one."""
    for page in DocumentTokens(shards, VAL).drawn(count, 2, seed):
        whole = text.decode(page.tokens[1:].tolist())
        for match in ENDING.finditer(whole):
            sentence = match[0].strip()
            if len(sentence.split()) > LEAST_BEFORE:
                yield page.url, whole[: match.start(2) - 1], sentence, match[2]
                break


def choose(decoder: Decoder, text: Text, bos: int, questions: Sequence[Cloze]) -> list[Chosen]:
    """What a model chooses. Of a page longer than its context it reads the end, behind BOS."""
    found = []
    for begin in range(0, len(questions), AT_ONCE):
        some = questions[begin : begin + AT_ONCE]
        rows = [row for question in some for row in rows_of(decoder, text, bos, question)]
        scored = decoder.score([tokens for tokens, _, _ in rows])
        bits = [
            float(nats_T[prompt - 1 :].sum(dtype=np.float64)) / np.log(2) / size
            for (nats_T, _), (_, prompt, size) in zip(scored, rows, strict=True)
        ]
        for number, question in enumerate(some):
            own = tuple(bits[number * CHOICES : (number + 1) * CHOICES])
            found.append(Chosen(question, question.words[int(np.argmin(own))], own))
    return found


def rows_of(decoder: Decoder, text: Text, bos: int, question: Cloze) -> list[tuple[list[int], int, int]]:
    """Of each choice: tokens, how many of them are given, and bytes of the rest."""
    before, rows = text.encode(question.before), []
    for word in question.words:
        answer = text.encode(f" {word}.")
        kept = before[-(decoder.context - len(answer)) :]
        rows.append(([bos, *kept, *answer], 1 + len(kept), len(f" {word}.".encode())))
    return rows
