"""C4's rules on lines with their holes closed: what goes is a line that is no text, and never a part of something."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

from schemas.document import Document
from schemas.setting import setting
from schemas.verdict import Check, Drop
from transforms.steps.filters.c4 import CITATION, POLICIES
from transforms.steps.filters.lookalikes import may_mix, mixed_share
from transforms.steps.step import DocumentStep, judge
from transforms.steps.text.structure import SAID, Line, lines_of, spoken
from transforms.steps.text.words import require, sentence_count

C4 = "C4, JMLR 21 (140), section 2.2"
NO_BLANKS = frozenset({"zh", "ja", "th", "lo", "km", "my"})  # written without blanks between words
# Code that is printed among the text: a statement's end, a brace that opens or closes a block, a selector with rules.
CODE = re.compile(
    r"(?:[;{}]|\)\s*=>|</?\w+[^<>]*>)\s*$|^\s*(?:var|let|const|function|@media|@import|#include)\b.*[;{(]"
)
SIGNS = re.compile(r"[{}();=<>\[\]]")
LONG = 40  # characters; a longer line that a page says twice is its template's or its teaser's
LEAD_LINES = 3  # long lines after a teaser, one of which holds it
MAX_MIXED = 0.5  # of a line's words; an advertisement in letters that only look like those of the page
MIN_SIGNS = 3  # of code, in a line that ends as code does; prose in brackets ends so too


class Cleaned(NamedTuple):
    """What cleaning makes of a text.

    text: the lines that are kept.
    removed: how many were not.
    lorem_ipsum: lines with filler text.
    """

    text: str
    removed: int
    lorem_ipsum: int


@dataclass(frozen=True)
class CleanWebLines(DocumentStep):
    """Rewrites a document without lines that are no text; drops it for filler text, or with too few sentences left.

    Source: C4's rules as FineWeb has them, with these differences. Headings, list items, rows of tables and code
    between fences stay as they are, indentation too: they are short because of what they are. A line with
    "javascript" or a policy in it goes only if it is short, as notices are: articles about JavaScript are no notices.
    A curly bracket drops no document; a line of code outside of any fence goes. In scripts without blanks no words are
    counted.
    """

    stage: ClassVar[str] = "web_lines"
    measures: ClassVar[tuple[str, ...]] = ("lorem_ipsum", "web_sentences", "web_lines_removed")

    lorem_ipsum: int | None = setting(0, "max lines with 'lorem ipsum'", C4)
    min_sentences: int | None = setting(3, "min sentences in the lines kept", "ours; C4's 5 drop 0.2 %")
    min_line_words: int = setting(3, "min words of a line of prose that is kept", C4)
    max_word_chars: int = setting(1000, "max characters of a line's longest word", "C4's published code")
    notice_words: tuple[str, ...] = setting(
        ("javascript", *POLICIES), "a line of at most max_notice_chars with one of these goes", C4
    )
    max_notice_chars: int = setting(200, "characters of a notice; a longer line is text about it", "ours")
    remove_code: bool = setting(True, "lines of code outside of fences go", "ours, for C4's rule on documents with '{'")
    remove_repeats: bool = setting(
        True, "long lines that one of the next holds whole, or that were there before: keeps 0.6 %", "ours"
    )
    remove_citations: bool = setting(True, "remove [1], [edit] and [citation needed]", "C4's published code")

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        """Load the languages' word splitters; others are loaded when first met. Raises NoWordSplitter."""
        require(*languages)

    def clean(self, text: str, language: str) -> Cleaned:
        """The text without lines that are none of its own; breaks between paragraphs stay where they were."""
        lines = lines_of(text)
        lowered = text.lower()
        notices = tuple(word for word in self.notice_words if word in lowered)
        fills, mixes = "lorem ipsum" in lowered, may_mix(text)
        said_twice = repeated(lines) if self.remove_repeats else frozenset()
        kept: list[str] = []
        removed = lorem = 0
        blank = False  # whether an empty line stands before the next one that is kept
        for index, line in enumerate(lines):
            if line.kind == "blank":
                blank = blank or not line.text.strip()
                continue
            lorem += fills and "lorem ipsum" in line.text.lower()
            if index in said_twice or not self._stays(line, language, notices, mixes):
                removed += 1
                continue
            if blank and kept:
                kept.append("")
            blank = False
            kept.append(self._as_kept(line))
        return Cleaned("\n".join(kept), removed, lorem)

    def _stays(self, line: Line, language: str, notices: tuple[str, ...], mixes: bool) -> bool:
        """notices: notice_words that the text has. mixes: whether it may have words of mixed scripts."""
        if line.kind == "code":
            return True
        text = line.text
        if len(text) > self.max_word_chars and max(map(len, text.split())) > self.max_word_chars:
            return language in NO_BLANKS
        if notices and len(text) <= self.max_notice_chars and any(word in text.lower() for word in notices):
            return line.kind == "heading" or line.kind == "row"
        if mixes and mixed_share(text) > MAX_MIXED:
            return False
        if line.kind != "prose":
            return True
        if self.remove_code and is_code(text):
            return False
        return language in NO_BLANKS or len(text.split()) >= self.min_line_words

    def _as_kept(self, line: Line) -> str:
        if line.kind == "code":
            return line.text
        text = CITATION.sub("", line.text) if self.remove_citations else line.text
        return text.rstrip() if line.kind == "item" else text.strip()  # an item's indentation is its depth

    def checks(self, document: Document) -> Iterator[Check]:
        language = document.language or "en"
        return self._checks(self.clean(document.text, language), language)

    def _checks(self, cleaned: Cleaned, language: str) -> Iterator[Check]:
        if self.lorem_ipsum is not None:
            yield Check("lorem_ipsum", "lorem_ipsum", cleaned.lorem_ipsum, "<=", self.lorem_ipsum)
        if self.min_sentences is not None:
            text = spoken(cleaned.text)
            sentences = sentence_count(text, language) if text else 0
            yield Check("too_few_sentences", "web_sentences", sentences, ">=", self.min_sentences)

    def __call__(self, document: Document) -> Document | Drop:
        language = document.language or "en"
        cleaned = self.clean(document.text, language)
        verdict = judge(document, self.stage, self._checks(cleaned, language))
        if isinstance(verdict, Drop):
            return verdict
        return replace(verdict, text=cleaned.text, quality={**verdict.quality, "web_lines_removed": cleaned.removed})


def is_code(line: str) -> bool:
    """Whether a line outside of fences is one of a program, a style sheet or markup."""
    return CODE.search(line) is not None and len(SIGNS.findall(line)) >= MIN_SIGNS


def repeated(lines: Sequence[Line]) -> frozenset[int]:
    """Indices of long lines that an earlier one equals, and of leads: what one of the next lines says in whole.

    News are often printed so: a teaser, then the article, which begins with the teaser's words.
    """
    texts = {index: _bare(line) for index, line in enumerate(lines) if line.kind in SAID and len(line.text) >= LONG}
    found: set[int] = set()
    seen: set[str] = set()
    order = list(texts)
    for place, index in enumerate(order):
        text = texts[index]
        following = order[place + 1 : place + 1 + LEAD_LINES]
        if text in seen or any(text in texts[later] for later in following if len(texts[later]) > len(text)):
            found.add(index)
        seen.add(text)
    return frozenset(found)


def _bare(line: Line) -> str:
    return line.text.strip().lstrip("#0 ").removesuffix("…").removesuffix("...").rstrip(".")
