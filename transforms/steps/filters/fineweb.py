"""FineWeb's own rules: documents whose lines are a list, a menu or a repetition rather than prose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from schemas.document import Document
from schemas.verdict import Check, Drop
from transforms.steps.filters.gopher_repetition import repeats
from transforms.steps.step import DocumentStep, judge
from transforms.steps.text.structure import Line, lines_of
from transforms.steps.text.words import TERMINAL_MARKS, require, words


def _limit(threshold: float, rule: str, about: str, source: str = "FineWeb, arXiv 2406.17557, section 3.6") -> Any:
    return field(default=threshold, metadata={"rule": rule, "about": about, "source": source})


@dataclass(frozen=True)
class KeepFineWeb(DocumentStep):
    """Drops a document by the shape of its lines; None switches a rule off.

    Source: FineWeb (arXiv 2406.17557), section 3.6, in the order and reading of datatrove: blank lines do not count;
    terminal marks are those of every script, without quotation marks; repeated characters are over the text without its
    new lines; the list ratio is new lines per word.
    """

    stage: ClassVar[str] = "fineweb"
    counts_words: ClassVar[bool] = True
    measures: ClassVar[tuple[str, ...]] = ("line_punct", "short_lines", "char_dup", "list_ratio")

    min_line_punct: float | None = _limit(0.12, "line_punct", "min share of lines that end in a terminal mark")
    max_short_lines: float | None = _limit(0.67, "short_lines", "max share of lines of at most short_line_chars")
    short_line_chars: int = field(
        default=30, metadata={"about": "characters of a short line", "source": "FineWeb, arXiv 2406.17557, section 3.6"}
    )
    max_char_dup: float | None = _limit(
        0.01, "char_dup", "max share of characters in repeated lines", "FineWeb's code and table 2 (its prose says 0.1)"
    )
    max_list_ratio: float | None = _limit(0.3, "list_ratio", "max new lines per word", "datatrove's FineWeb filter")

    markdown: bool = field(
        default=False,
        metadata={
            "about": "leave headings, short list items, tables and code out: keeps 1 % of good articles",
            "source": "ours",
        },
    )

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        """Load the languages' word splitters; others are loaded when first met. Raises NoWordSplitter."""
        require(*languages)

    def checks(self, document: Document) -> Iterator[Check]:
        text = document.text
        lines = [line for line in text.split("\n") if line.strip()]
        if self.markdown:
            lines = [line.text.strip() for line in lines_of(text) if self._is_prose(line)]
        count = len(lines) or 1
        if self.min_line_punct is not None:
            ended = sum(line[-1] in TERMINAL_MARKS for line in lines)
            yield Check("line_punct", "line_punct", ended / count, ">=", self.min_line_punct)
        if self.max_short_lines is not None:
            short = sum(len(line) <= self.short_line_chars for line in lines)
            yield Check("short_lines", "short_lines", short / count, "<=", self.max_short_lines)
        breaks = len(lines) if self.markdown else text.count("\n")
        if self.max_char_dup is not None:
            yield Check("char_dup", "char_dup", repeats(lines)[1] / (len(text) - breaks or 1), "<=", self.max_char_dup)
        if self.max_list_ratio is not None:
            n_words = len(words(text, document.language or "en")) or 1
            yield Check("list_ratio", "list_ratio", breaks / n_words, "<=", self.max_list_ratio)

    def _is_prose(self, line: Line) -> bool:
        return line.kind == "prose" or (line.kind == "item" and len(line.text) > self.short_line_chars)

    def __call__(self, document: Document) -> Document | Drop:
        if not document.text.strip():
            return Drop(self.stage, "empty")
        return judge(document, self.stage, self.checks(document))
