"""What `bateia dedup` does to documents: lines, personal data, duplicates, in this order for every document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from transforms.steps.deduplicate import Deduplicate
from transforms.steps.pii import ScrubPii, Span
from transforms.steps.repeated_lines import DropRepeatedLines


class Cleaned(NamedTuple):
    """A document's text as it will be written. spans: of the text without repeated lines."""

    text: str
    spans: tuple[Span, ...]
    lines_removed: int


@dataclass(frozen=True)
class CorpusRecipe:
    """A step that is None is off.

    Duplicates are told by the cleaned text, though FineWeb removes personal data after them: so what is compared is
    what is published, and deduplicating a corpus again removes nothing.

    max_removed: largest share of 200 documents or more that may be removed as duplicates before the run is stopped.
    """

    lines: DropRepeatedLines | None = None
    pii: ScrubPii | None = field(default_factory=ScrubPii)
    dedup: Deduplicate | None = field(default_factory=Deduplicate)
    max_removed: float = 0.95

    def steps(self) -> Iterator[DropRepeatedLines | ScrubPii | Deduplicate]:
        yield from (step for step in (self.lines, self.pii, self.dedup) if step is not None)

    def clean(self, text: str, document_id: str, language: str | None) -> Cleaned:
        text, removed = self.lines(text) if self.lines is not None else (text, 0)
        if self.pii is None:
            return Cleaned(text, (), removed)
        scrubbed = self.pii(text, document_id, language)
        return Cleaned(scrubbed.text, scrubbed.spans, removed)
