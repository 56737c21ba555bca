"""Tokenization: how BPE merges, on words of the corpus; what the tokenizer makes of a word and of each language."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from pipelines.analysis.journey import Output, documents_of
from pipelines.analysis.tokenizers import compare
from pipelines.course.page import Open, Part, Table, Text
from pipelines.course.section import Section, Work
from pipelines.course.words import Words
from pipelines.reports.render import write_page
from pipelines.reports.tokens import render_page
from schemas.manifest import open_finished

NAME = "tokens"
ROUNDS = 10  # merges that are shown
READ_DOCUMENTS = 60
SHOWN = ("gold", "people", "lives", "rio", "bateia")  # words whose way is shown
TYPED = "The pan washes gold. A bateia é uma panela! 347*582 = 201954"
SPACE = "▁"  # how SentencePiece writes one


class Merge(Struct, frozen=True):
    """A round of BPE: the most frequent pair of neighbours becomes one token. word: one that has it, as it is then."""

    left: str
    right: str
    count: int
    word: str


class Way(Struct, frozen=True):
    """A word from its letters to its tokens: the parts after each merge."""

    word: str
    steps: tuple[str, ...]


class Language(Struct, frozen=True):
    language: str
    bytes_per_token: float | None
    tokens_per_word: float | None


class Numbers(Struct, frozen=True):
    vocabulary: int
    merges: tuple[Merge, ...]
    ways: tuple[Way, ...]
    languages: tuple[Language, ...]
    file: str


def measure(work: Work) -> Numbers:
    folder, corpus = work.of("crawl", "shards", "tokenizer"), work.of("crawl", "corpus")
    work.tell("merging pairs", 0.1)
    output = Output(corpus, open_finished(corpus, ("dedup",), "`bateia run`"))
    texts = (row["text"] for _, row in zip(range(READ_DOCUMENTS), documents_of(output, "en"), strict=False))
    counts = Counter(f"{SPACE}{word}" for text in texts for word in text.split())
    work.tell("comparing languages", 0.3)
    [entry] = compare([corpus], [folder], work.pace.seed, 1)
    write_page(work.file("type"), render_page([folder], TYPED))
    languages = [
        Language(name, found.ratios["bytes_per_token"], found.ratios["tokens_per_word"])
        for name, found in entry.languages.items()
    ]
    rules = json.loads((Path(folder) / "tokenizer.json").read_text(encoding="utf-8"))
    ranks = ranks_of(rules["model"]["merges"])
    ways = tuple(Way(word, tuple(steps_of(f"{SPACE}{word}", ranks))) for word in SHOWN)
    return Numbers(entry.vocabulary, tuple(merge_pairs(counts, ROUNDS)), ways, tuple(languages), work.page("type"))


def merge_pairs(counts: Counter[str], rounds: int) -> list[Merge]:
    """The first rounds of BPE over words: count neighbours, join the most frequent pair everywhere, count again.

    counts: of words. Of equally frequent pairs the first in order of the alphabet is taken.
    """
    split = {word: list(word) for word in counts}
    found = []
    for _ in range(rounds):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, parts in split.items():
            for pair in pairwise(parts):
                pairs[pair] += counts[word]
        if not pairs:
            break
        (left, right), count = min(pairs.items(), key=lambda item: (-item[1], item[0]))
        split = {word: joined(parts, left, right) for word, parts in split.items()}
        example = min((word for word in split if left + right in split[word]), key=lambda word: (-counts[word], word))
        found.append(Merge(left, right, count, " ".join(split[example])))
    return found


def joined(parts: list[str], left: str, right: str) -> list[str]:
    """Parts of a word with every such pair made one, from the left."""
    made: list[str] = []
    at = 0
    while at < len(parts):
        pair = parts[at] == left and parts[at + 1 : at + 2] == [right]
        made.append(left + right if pair else parts[at])
        at += 2 if pair else 1
    return made


def ranks_of(merges: list[str | list[str]]) -> dict[tuple[str, str], int]:
    """Of tokenizer.json, whose versions write a merge as text or as a pair."""
    pairs = (tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in merges)
    return {(pair[0], pair[1]): rank for rank, pair in enumerate(pairs)}


def steps_of(word: str, ranks: dict[tuple[str, str], int]) -> list[str]:
    """A word's parts after each merge, the earliest learned first, until none of the tokenizer's fits."""
    parts = list(word)
    steps = [" ".join(parts)]
    while known := [pair for pair in pairwise(parts) if pair in ranks]:
        parts = joined(parts, *min(known, key=ranks.__getitem__))
        steps.append(" ".join(parts))
    return steps


def tell(numbers: Numbers, words: Words) -> list[Part]:
    merged = tuple(
        (f"{one.left} + {one.right}", words.shown(one.count), one.left + one.right, one.word) for one in numbers.merges
    )
    heads = tuple(words(NAME, name) for name in ("pair", "count", "token", "example"))
    ways = tuple((one.word, " → ".join(one.steps)) for one in numbers.ways)
    of_languages = tuple(
        (one.language, words.shown(one.bytes_per_token), words.shown(one.tokens_per_word)) for one in numbers.languages
    )
    language_heads = tuple(words(NAME, name) for name in ("language", "bytes_per_token", "tokens_per_word"))
    return [
        Part(
            words(NAME, "merges_title"),
            (Text(words(NAME, "merges")), Table(words(NAME, "merges_title"), heads, merged)),
        ),
        Part(
            words(NAME, "ways_title"),
            (
                Text(words(NAME, "ways", vocabulary=numbers.vocabulary)),
                Table(words(NAME, "ways_title"), (words(NAME, "word"), words(NAME, "way")), ways, in_words=True),
                Open(numbers.file, words(NAME, "type"), words(NAME, "type_about")),
            ),
        ),
        Part(
            words(NAME, "languages_title"),
            (Text(words(NAME, "languages")), Table(words(NAME, "languages_title"), language_heads, of_languages)),
        ),
    ]


SECTION = Section(NAME, ("crawl",), 0.3, ("seed",), Numbers, measure, tell, 0.05)
