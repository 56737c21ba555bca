"""C4's cleaning as FineWeb uses it: lines that are no prose go, and with too few sentences left the document goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from schemas.document import Document
from schemas.verdict import Check, Drop
from transforms.steps.step import DocumentStep, judge
from transforms.steps.text.dictionaries import NO_SENTENCE_MARKS, UNSPACED
from transforms.steps.text.words import require, sentence_count, words

CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


def _rule(default: Any, about: str, source: str = "C4, JMLR 21 (140), section 2.2") -> Any:
    return field(default=default, metadata={"about": about, "source": source})


@dataclass(frozen=True)
class CleanedLines:
    """What cleaning makes of a text, up to the first line that decides that the document is dropped.

    lines: kept, in order, each stripped
    removed: number of the other lines
    lorem_ipsum, curly_bracket: lines with one, as far as the text was read
    """

    lines: list[str]
    removed: int
    lorem_ipsum: int
    curly_bracket: int

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


@dataclass(frozen=True)
class CleanC4(DocumentStep):
    """Rewrites a document without the lines that C4 removes, and drops it by C4's document rules.

    Source: C4 (JMLR 21 (140), section 2.2; its published code for the word length and the policy phrases) without the
    terminal punctuation and bad word rules, which FineWeb leaves out (arXiv 2406.17557, section 3.5). Order and reading
    are datatrove's: `lorem_ipsum` and `curly_bracket` count only lines that are long enough to be kept, and counting
    ends where one of the two exceeds its limit, so the one that comes first in the text is the reason; sentences are
    spaCy's, counted line by line. Words of a line are runs between blanks; in languages written without them, what the
    language's splitter finds. Sentences are not counted where no mark ends them, as in Thai. None switches a rule off.
    """

    stage: ClassVar[str] = "c4"
    counts_words: ClassVar[bool] = True
    measures: ClassVar[tuple[str, ...]] = ("lorem_ipsum", "curly_bracket", "c4_sentences", "c4_lines_removed")

    lorem_ipsum: int | None = _rule(0, "max lines with 'lorem ipsum'")
    curly_bracket: int | None = _rule(0, "max lines with a curly bracket '{'")
    min_sentences: int | None = field(
        default=5,
        metadata={
            "rule": "too_few_sentences",
            "about": "min sentences in the lines kept",
            "source": "C4, JMLR 21 (140), section 2.2",
        },
    )
    min_line_words: int | None = _rule(3, "min words of a line that is kept")
    max_word_chars: int | None = _rule(1000, "max characters of a line's longest word", "C4's published code")
    remove_citations: bool = _rule(True, "remove [1], [edit] and [citation needed]", "C4's published code")
    script_words: tuple[str, ...] = _rule(("javascript",), "a line with one of these goes")
    policies: tuple[str, ...] = _rule(POLICIES, "a line with one of these goes", "C4's published code")

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        """Load the languages' word splitters; others are loaded when first met. Raises NoWordSplitter."""
        require(*languages)

    def clean(self, text: str, language: str = "en") -> CleanedLines:
        """Lines that stay. A document's own reasons end it early: the rest is not read where it would be dropped."""
        lines: list[str] = []
        lorem = curly = 0
        all_lines = text.splitlines()
        for line in all_lines:
            line = line.strip()
            if self._is_short_or_endless(line, language):
                continue
            if self.remove_citations:
                line = CITATION.sub("", line)
            lowered = line.lower()
            if "lorem ipsum" in lowered:
                lorem += 1
                if self.lorem_ipsum is not None and lorem > self.lorem_ipsum:
                    break
            if any(word in lowered for word in self.script_words):
                continue
            if "{" in line:
                curly += 1
                if self.curly_bracket is not None and curly > self.curly_bracket:
                    break
            if not any(policy in lowered for policy in self.policies):
                lines.append(line)
        return CleanedLines(lines, len(all_lines) - len(lines), lorem, curly)

    def _is_short_or_endless(self, line: str, language: str) -> bool:
        parts = words(line, language) if language in UNSPACED else line.split()  # before citations go, as in datatrove
        if self.min_line_words is not None and len(parts) < self.min_line_words:
            return True
        limit = self.max_word_chars
        return limit is not None and len(line) > limit and max(map(len, parts), default=0) > limit

    def checks(self, document: Document) -> Iterator[Check]:
        language = document.language or "en"
        return self._checks(self.clean(document.text, language), language)

    def _checks(self, cleaned: CleanedLines, language: str) -> Iterator[Check]:
        if self.lorem_ipsum is not None:
            yield Check("lorem_ipsum", "lorem_ipsum", cleaned.lorem_ipsum, "<=", self.lorem_ipsum)
        if self.curly_bracket is not None:
            yield Check("curly_bracket", "curly_bracket", cleaned.curly_bracket, "<=", self.curly_bracket)
        if self.min_sentences is not None and language not in NO_SENTENCE_MARKS:
            sentences = sentence_count("\n".join(cleaned.lines), language) if cleaned.lines else 0
            yield Check("too_few_sentences", "c4_sentences", sentences, ">=", self.min_sentences)

    def __call__(self, document: Document) -> Document | Drop:
        language = document.language or "en"
        cleaned = self.clean(document.text, language)
        verdict = judge(document, self.stage, self._checks(cleaned, language))
        if isinstance(verdict, Drop):
            return verdict
        return replace(verdict, text=cleaned.text, quality={**verdict.quality, "c4_lines_removed": cleaned.removed})
