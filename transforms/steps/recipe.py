"""What curating and deduplicating do, as data: every step in its order, with its settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from schemas.faults import BadInput
from schemas.setting import setting
from transforms.steps.dedup.repeated_lines import DropRepeatedLines
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.pii.entities import Span
from transforms.steps.pii.scrub import ScrubPii
from transforms.steps.step import AnyStep, DocumentStep, PageStep, Step
from transforms.steps.warc.limits import ReadLimits


class Change(Protocol):
    """Makes one step out of another of its type."""

    def __call__(self, step: AnyStep, /) -> AnyStep: ...


@dataclass(frozen=True)
class CurateRecipe:
    """What `bateia curate` does to every page.

    Raises BadInput for what is no step, and for a language gate that bars pages in a language to be kept.
    """

    pages: tuple[PageStep, ...] = setting(about="rules on a page before its text is extracted, such as its URL")
    extract: ExtractText = setting(about="how main text comes out of HTML")
    documents: tuple[DocumentStep, ...] = setting(about="rules on the text, in this order")
    read: ReadLimits = setting(about="how much of a record is read", factory=ReadLimits)
    max_stage_drop: float = setting(
        0.95,
        "largest share of 200 documents or more that one stage may drop before the run is stopped as broken; reading, "
        "URLs and languages are exempt",
        "ours",
    )

    def __post_init__(self) -> None:
        check_steps(self.pages, PageStep)
        check_steps(self.documents, DocumentStep)
        gate = self.extract.gate
        if gate is not None and (barred := [name for name in self.languages if name not in gate.languages]):
            raise BadInput(
                f"LanguageGate lets {', '.join(gate.languages) or 'no language'} pass, but KeepLanguages keeps "
                f"{', '.join(barred)} too; give both the same languages"
            )

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of which documents are kept; empty if they may be in any."""
        listed = (step.languages for step in self.documents if isinstance(step, KeepLanguages))
        return next(filter(None, listed), ())

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages that a page may end at, in their order."""
        gate = ("language_gate",) if self.extract.gate is not None else ()
        pages, documents = (tuple(step.stage for step in steps) for steps in (self.pages, self.documents))
        return ("read", *pages, *gate, self.extract.stage, *documents)

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(measure for step in self.documents for measure in step.measures)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of documents that only some steps fill, such as language_script."""
        steps = (*self.pages, *self.documents)
        return tuple(name for step in steps for name in getattr(step, "columns", ()))

    @property
    def counts_words(self) -> bool:
        """Whether a step needs word splitters for the languages that are kept."""
        return any(getattr(step, "counts_words", False) for step in self.documents)

    def steps(self) -> Iterator[Step]:
        yield self.read
        yield from self.pages
        yield self.extract
        yield from self.documents

    def changed(self, change: Change) -> CurateRecipe:
        """The recipe with what `change` makes of each of its steps."""
        return replace(
            self,
            read=change(self.read),
            pages=tuple(change(step) for step in self.pages),
            extract=change(self.extract),
            documents=tuple(change(step) for step in self.documents),
        )


def check_steps(steps: Iterable[object], kind: Any) -> None:
    """Raises BadInput for anything in `steps` that is not of the kind. kind: PageStep or DocumentStep."""
    for step in steps:
        if isinstance(step, type):
            raise BadInput(f"{step.__name__} is a class and no step yet; write {step.__name__}(…)")
        if not isinstance(step, kind):
            raise BadInput(
                f"{type(step).__name__} is no {kind.__name__}; derive it from transforms.steps.step.{kind.__name__}, "
                "which says what a step must have"
            )


class Cleaned(NamedTuple):
    """A document's text as it will be written.

    text: without repeated lines and personal data
    spans: the personal data that was replaced, as positions in the text without repeated lines
    lines_removed: number of repeated lines
    """

    text: str
    spans: tuple[Span, ...]
    lines_removed: int


@dataclass(frozen=True)
class CorpusRecipe:
    """What `bateia dedup` does to the documents kept. A step that is None is off.

    Documents are compared by their cleaned text, while FineWeb removes personal data after deduplication. So what is
    compared is what is published, and deduplicating a corpus again removes nothing.
    """

    lines: DropRepeatedLines | None = setting(None, "lines that a document says twice")
    pii: ScrubPii | None = setting(about="personal data", factory=ScrubPii)
    dedup: Deduplicate | None = setting(about="duplicates of documents", factory=Deduplicate)
    max_removed: float = setting(
        0.95,
        "largest share of 200 documents or more that may be removed as duplicates before the run is stopped as broken",
        "ours",
    )

    def steps(self) -> Iterator[DropRepeatedLines | ScrubPii | Deduplicate]:
        yield from (step for step in (self.lines, self.pii, self.dedup) if step is not None)

    def clean(self, text: str, document_id: str, language: str | None) -> Cleaned:
        text, removed = self.lines(text) if self.lines is not None else (text, 0)
        if self.pii is None:
            return Cleaned(text, (), removed)
        scrubbed = self.pii(text, document_id, language)
        return Cleaned(scrubbed.text, scrubbed.spans, removed)

    def scrub_title(self, title: str | None, document_id: str, language: str | None) -> str | None:
        """A title without personal data; its spans are recorded nowhere, for they are not the text's."""
        return title if self.pii is None or title is None else self.pii(title, document_id, language).text
