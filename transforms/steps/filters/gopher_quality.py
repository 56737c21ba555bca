"""Gopher's quality rules: documents that do not read like running text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import filterfalse
from typing import Any, ClassVar

from schemas.document import Document
from schemas.verdict import Check, Drop
from transforms.steps.step import DocumentStep, judge
from transforms.steps.text.dictionaries import SHORT_WORDED
from transforms.steps.text.structure import spoken
from transforms.steps.text.words import PUNCTUATION, require, words

# English: Gopher's eight, section A.1.1. The others are our choice: frequent function words, two of which any paragraph
# of the language has; words that are also frequent in a neighbouring language are no harm, as the language is known.
STOP_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("en", ("the", "be", "to", "of", "and", "that", "have", "with")),
    ("pt", ("de", "que", "do", "da", "e", "em", "um", "uma", "para", "com", "não", "os", "as", "por", "no", "na")),
    ("es", ("de", "la", "que", "el", "en", "y", "los", "las", "del", "se", "un", "una", "por", "con", "para", "no")),
    ("fr", ("de", "la", "le", "et", "les", "des", "en", "un", "une", "du", "que", "dans", "pour", "est", "qui", "pas")),
    ("de", ("der", "die", "und", "das", "den", "von", "zu", "mit", "ist", "nicht", "ein", "eine", "im", "auf", "für")),
)
BULLETS = ("•", "-")
ELLIPSES = ("...", "…")


def _limit(threshold: float, rule: str, about: str) -> Any:
    source = "Gopher, arXiv 2112.11446, section A.1.1"
    return field(default=threshold, metadata={"rule": rule, "about": about, "source": source})


@dataclass(frozen=True)
class KeepGopherQuality(DocumentStep):
    """Drops a document outside of Gopher's bounds; None switches a rule off.

    Source: Gopher (arXiv 2112.11446), section A.1.1, in the order and reading of datatrove: the number of words and
    their mean length leave out words of punctuation only, the other shares are over all words. Stop words are compared
    as written, by the document's language; a language with none listed is not asked for any (and stores no value).
    Where words have one or two characters, as in Chinese, there is no lower bound on their mean length.
    """

    stage: ClassVar[str] = "gopher_quality"
    counts_words: ClassVar[bool] = True
    measures: ClassVar[tuple[str, ...]] = (
        *("words", "mean_word_length", "hash_ratio", "ellipsis_ratio"),
        *("bullet_lines", "ellipsis_lines", "alpha_words", "stop_words"),
    )

    min_words: int | None = _limit(50, "too_few_words", "min words")
    max_words: int | None = _limit(100_000, "too_many_words", "max words")
    min_mean_word_length: float | None = _limit(3, "short_words", "min mean length of a word in characters")
    max_mean_word_length: float | None = _limit(10, "long_words", "max mean length of a word in characters")
    max_hash_ratio: float | None = _limit(0.1, "hash_ratio", "max hash signs per word")
    max_ellipsis_ratio: float | None = _limit(0.1, "ellipsis_ratio", "max ellipses per word")
    max_bullet_lines: float | None = _limit(0.9, "bullet_lines", "max share of lines that begin with a bullet")
    max_ellipsis_lines: float | None = _limit(0.3, "ellipsis_lines", "max share of lines that end with an ellipsis")
    min_alpha_words: float | None = _limit(0.8, "alpha_words", "min share of words with a letter")
    min_stop_words: int | None = _limit(2, "stop_words", "min different stop words")
    count_punctuation: bool = field(
        default=True,
        metadata={
            "about": "whether signs count as words of the share with a letter: 5 % of good English articles go",
            "source": "datatrove; Gopher's paper says words",
        },
    )
    markdown: bool = field(
        default=False,
        metadata={"about": "marks of headings are no hash signs, code is left out: keeps 0.6 %", "source": "ours"},
    )
    stop_words: tuple[tuple[str, tuple[str, ...]], ...] = field(
        default=STOP_WORDS,
        metadata={"about": "stop words by language", "source": "English: Gopher, section A.1.1; others: our choice"},
    )

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        """Load the languages' word splitters; others are loaded when first met. Raises NoWordSplitter."""
        require(*languages)

    def checks(self, document: Document) -> Iterator[Check]:
        language = document.language or "en"
        text = spoken(document.text) if self.markdown else document.text
        tokens = words(text, language)
        yield from self._length_checks(tokens, language)
        yield from self._symbol_checks(text, len(tokens))
        lettered = sum(map(_has_letter, filterfalse(str.isalpha, tokens))) + sum(map(str.isalpha, tokens))
        counted = len(tokens) if self.count_punctuation else sum(map(_is_word, tokens))
        yield from _at_least("alpha_words", "alpha_words", _ratio(lettered, counted), self.min_alpha_words)
        wanted = dict(self.stop_words).get(language)
        if wanted:
            yield from _at_least("stop_words", "stop_words", len(set(wanted).intersection(tokens)), self.min_stop_words)

    def _length_checks(self, tokens: Sequence[str], language: str) -> Iterator[Check]:
        lengths = [len(token) for token in tokens if _is_word(token)]
        yield from _at_least("too_few_words", "words", len(lengths), self.min_words)
        yield from _at_most("too_many_words", "words", len(lengths), self.max_words)
        mean = _ratio(sum(lengths), len(lengths))
        least = None if language in SHORT_WORDED else self.min_mean_word_length
        yield from _at_least("short_words", "mean_word_length", mean, least)
        yield from _at_most("long_words", "mean_word_length", mean, self.max_mean_word_length)

    def _symbol_checks(self, text: str, n_words: int) -> Iterator[Check]:
        yield from _at_most("hash_ratio", "hash_ratio", _ratio(text.count("#"), n_words), self.max_hash_ratio)
        ellipses = sum(map(text.count, ELLIPSES))
        yield from _at_most("ellipsis_ratio", "ellipsis_ratio", _ratio(ellipses, n_words), self.max_ellipsis_ratio)
        lines = text.splitlines()
        bullets = sum(line.lstrip().startswith(BULLETS) for line in lines)
        yield from _at_most("bullet_lines", "bullet_lines", _ratio(bullets, len(lines)), self.max_bullet_lines)
        cut = sum(line.rstrip().endswith(ELLIPSES) for line in lines)
        yield from _at_most("ellipsis_lines", "ellipsis_lines", _ratio(cut, len(lines)), self.max_ellipsis_lines)

    def __call__(self, document: Document) -> Document | Drop:
        return judge(document, self.stage, self.checks(document))


def _is_word(token: str) -> bool:
    return token.isalpha() or not PUNCTUATION.issuperset(token)


def _has_letter(word: str) -> bool:
    return any(map(str.isalpha, word))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _at_least(rule: str, measure: str, value: float, threshold: float | None) -> Iterator[Check]:
    if threshold is not None:
        yield Check(rule, measure, value, ">=", threshold)


def _at_most(rule: str, measure: str, value: float, threshold: float | None) -> Iterator[Check]:
    if threshold is not None:
        yield Check(rule, measure, value, "<=", threshold)
