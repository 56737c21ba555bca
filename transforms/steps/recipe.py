"""A recipe: every step that a page goes through, in order, with its thresholds. Data; a variant is a difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

from schemas.document import Document
from schemas.page import Page
from schemas.verdict import Check, Drop
from transforms.steps.corpus_recipe import CorpusRecipe
from transforms.steps.extraction import ExtractText
from transforms.steps.read_limits import ReadLimits


@runtime_checkable
class PageStep(Protocol):
    """A rule on the page before extraction, such as its URL. A frozen dataclass: equal fields, equal verdicts."""

    stage: ClassVar[str]

    def setup(self) -> None:
        """Load what the step needs, once per process. Raises if it is absent or broken."""
        ...

    def __call__(self, page: Page) -> Page | Drop: ...


@runtime_checkable
class DocumentStep(Protocol):
    """A rule on the extracted text. A frozen dataclass that may rewrite the text, never in place."""

    stage: ClassVar[str]
    measures: ClassVar[tuple[str, ...]]  # names of the quality values that it adds to a document it keeps

    def setup(self) -> None: ...

    def checks(self, document: Document) -> Iterable[Check]:
        """Every rule's measured value, in the order in which they are applied."""
        ...

    def __call__(self, document: Document) -> Document | Drop: ...


@dataclass(frozen=True)
class Recipe:
    """What `bateia curate` does to every page, and what `bateia dedup` does then to the documents kept (`corpus`).

    max_stage_drop: largest share of the documents reaching one stage that the stage may drop before the run is
        stopped as broken (language selection and reading are exempt; stages that see under 200 are too).
    """

    name: str
    about: str
    pages: tuple[PageStep, ...]
    extract: ExtractText
    documents: tuple[DocumentStep, ...]
    max_stage_drop: float = 0.95
    corpus: CorpusRecipe = field(default_factory=CorpusRecipe)
    read: ReadLimits = field(default_factory=ReadLimits)

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(measure for step in self.documents for measure in step.measures)

    def steps(self) -> Iterator[ReadLimits | PageStep | ExtractText | DocumentStep]:
        yield self.read
        yield from self.pages
        yield self.extract
        yield from self.documents
