"""Gopher's repetition rules: documents that say the same thing again and again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from schemas.document import Document
from schemas.verdict import Check, Drop
from transforms.steps.step import DocumentStep, judge
from transforms.steps.text.ngrams import NGrams
from transforms.steps.text.structure import spoken
from transforms.steps.text.words import require, words

PARAGRAPH_BREAK = re.compile(r"\n{2,}")
LINE_BREAK = re.compile(r"\n+")


def _at_most(share: float, of_what: str) -> Any:
    source = "Gopher, arXiv 2112.11446, table A1"
    return field(default=share, metadata={"about": f"max share of {of_what}", "source": source})


@dataclass(frozen=True)
class KeepGopherRepetition(DocumentStep):
    """Drops a document if a share of repeated text is above its threshold; None switches a rule off.

    Source: Gopher (arXiv 2112.11446), section A.1.1 and table A1, in the order and reading of datatrove: shares of
    characters are over the whole text with its new lines; an n-gram's words are joined by spaces in the top rules
    (where even an n-gram that occurs once counts) and by nothing in the duplicate rules; duplicates do not overlap.
    """

    stage: ClassVar[str] = "gopher_repetition"
    counts_words: ClassVar[bool] = True
    measures: ClassVar[tuple[str, ...]] = (
        *("dup_para_frac", "dup_para_char_frac", "dup_line_frac", "dup_line_char_frac"),
        *("top_2_gram", "top_3_gram", "top_4_gram"),
        *("dup_5_gram", "dup_6_gram", "dup_7_gram", "dup_8_gram", "dup_9_gram", "dup_10_gram"),
    )

    # A rule, its measure and its threshold have one name.
    dup_para_frac: float | None = _at_most(0.30, "paragraphs that repeat an earlier one")
    dup_para_char_frac: float | None = _at_most(0.20, "characters in paragraphs that repeat an earlier one")
    dup_line_frac: float | None = _at_most(0.30, "lines that repeat an earlier one")
    dup_line_char_frac: float | None = _at_most(0.20, "characters in lines that repeat an earlier one")
    top_2_gram: float | None = _at_most(0.20, "characters in the most frequent 2-gram")
    top_3_gram: float | None = _at_most(0.18, "characters in the most frequent 3-gram")
    top_4_gram: float | None = _at_most(0.16, "characters in the most frequent 4-gram")
    dup_5_gram: float | None = _at_most(0.15, "characters in repeated 5-grams")
    dup_6_gram: float | None = _at_most(0.14, "characters in repeated 6-grams")
    dup_7_gram: float | None = _at_most(0.13, "characters in repeated 7-grams")
    dup_8_gram: float | None = _at_most(0.12, "characters in repeated 8-grams")
    dup_9_gram: float | None = _at_most(0.11, "characters in repeated 9-grams")
    dup_10_gram: float | None = _at_most(0.10, "characters in repeated 10-grams")

    markdown: bool = field(
        default=False,
        metadata={
            "about": "leave code, tables, lines of blanks or marks alone out: keeps 1 % of good articles",
            "source": "ours",
        },
    )

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        """Load the languages' word splitters; others are loaded when first met. Raises NoWordSplitter."""
        require(*languages)

    def checks(self, document: Document) -> Iterator[Check]:
        for rule, share in self._shares(document.text, document.language or "en"):
            threshold = getattr(self, rule)
            if threshold is not None:
                yield Check(rule, rule, share, "<=", threshold)

    def _shares(self, text: str, language: str) -> Iterator[tuple[str, float]]:
        if self.markdown:
            text = spoken(text)
        size = len(text) or 1
        for unit, parts in (("para", PARAGRAPH_BREAK.split(text.strip())), ("line", LINE_BREAK.split(text))):
            count, chars = repeats(parts)
            yield f"dup_{unit}_frac", count / len(parts)
            yield f"dup_{unit}_char_frac", chars / size
        tokens = words(text, language)
        spaced = NGrams(tokens, " ")
        for n in (2, 3, 4):
            yield f"top_{n}_gram", spaced.top_chars(n) / size
        joined = NGrams(tokens, "")
        for n in (5, 6, 7, 8, 9, 10):
            yield f"dup_{n}_gram", joined.repeated_chars(n) / size

    def __call__(self, document: Document) -> Document | Drop:
        if not document.text:
            return Drop(self.stage, "empty")
        return judge(document, self.stage, self.checks(document))


def repeats(parts: Sequence[str]) -> tuple[int, int]:
    """How many parts equal an earlier one, and their characters."""
    seen: set[str] = set()
    count = chars = 0
    for part in parts:
        if part in seen:
            count += 1
            chars += len(part)
        seen.add(part)
    return count, chars
