"""Spam in letters that only look like those of its language, so that no filter of words finds it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import regex

from schemas.document import Document
from schemas.setting import setting
from schemas.verdict import Check, Drop
from transforms.steps.step import DocumentStep, judge

# A word in which letters of two of these scripts meet; each has letters that look like one of the other's.
MIXED = regex.compile(
    r"(?<!\p{L})(?:\p{Latin}+[\p{Cyrillic}\p{Greek}]|\p{Cyrillic}+[\p{Latin}\p{Greek}]|\p{Greek}+[\p{Latin}\p{Cyrillic}])\p{L}*"
)
LATIN, OTHERS = (
    re.compile("[A-Za-z\u00c0-\u024f]"),
    re.compile("[\u0370-\u052f\u1c80-\u1c8f\u1f00-\u1fff\ua640-\ua69f]"),
)
LETTERS = regex.compile(r"\p{L}+")
FORMULA_CHARS = 3  # "µm", "kΩ" and "Δx" are no words


@dataclass(frozen=True)
class DropLookalikes(DocumentStep):
    """Drops a document of whose words too many mix scripts that look alike, as in "Vіаgrа" with Cyrillic letters.

    Source: mixed-script detection, Unicode Technical Standard 39, section 5; the threshold is ours: an
    article that quotes another script writes whole words in it, and of Greek pages up to one word in twenty begins with
    a Latin capital.
    """

    stage: ClassVar[str] = "lookalikes"
    measures: ClassVar[tuple[str, ...]] = ("lookalike_words",)

    max_share: float = setting(0.1, "max share of words of more than 3 letters that mix scripts", "ours")

    def checks(self, document: Document) -> Iterator[Check]:
        yield Check("lookalikes", "lookalike_words", mixed_share(document.text), "<=", self.max_share)

    def __call__(self, document: Document) -> Document | Drop:
        return judge(document, self.stage, self.checks(document))


def may_mix(text: str) -> bool:
    """Whether a text has letters of more than one of the scripts: nearly none has, which is soon seen."""
    return not text.isascii() and OTHERS.search(text) is not None and LATIN.search(text) is not None


def mixed_share(text: str) -> float:
    """The share of words of more than FORMULA_CHARS letters that mix scripts."""
    if not may_mix(text):
        return 0.0
    mixed = sum(len(match[0]) > FORMULA_CHARS for match in MIXED.finditer(text))
    if not mixed:
        return 0.0
    return mixed / sum(len(match[0]) > FORMULA_CHARS for match in LETTERS.finditer(text))
