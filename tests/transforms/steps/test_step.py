"""What a step has without writing it, and its verdict: the first failing check drops, all else is carried along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import pytest

from schemas.document import Document, Page
from schemas.verdict import Check, Drop
from transforms.steps.step import AssetRef, DocumentStep, PageStep, Step, judge, without_paths

DOCUMENT = Document("text", "id", "dump", "url", "date", "file", 0, "en", 0.9, None, {"before": 1.0})
PASSES = Check("few_words", "words", 60.0, ">=", 50.0)
FAILS = Check("long_words", "mean_word_length", 12.0, "<=", 10.0)


def test_a_document_that_passes_carries_its_values() -> None:
    kept = judge(DOCUMENT, "quality", [PASSES, Check("many_words", "words", 60.0, "<=", 100.0)])
    assert isinstance(kept, Document)
    assert kept.quality == {"before": 1.0, "words": 60.0}
    assert DOCUMENT.quality == {"before": 1.0}  # never in place
    assert judge(DOCUMENT, "quality", []) == DOCUMENT


def test_the_first_failing_check_is_the_reason() -> None:
    later = Check("few_lines", "lines", 0.0, ">=", 1.0)
    assert judge(DOCUMENT, "quality", [PASSES, FAILS, later]) == Drop("quality", "long_words", 12.0, 10.0)


def test_nothing_is_computed_after_a_failure() -> None:
    def checks() -> Iterator[Check]:
        yield FAILS
        raise AssertionError("computed")

    assert isinstance(judge(DOCUMENT, "quality", checks()), Drop)


@dataclass(frozen=True)
class Plain(DocumentStep):
    stage: ClassVar[str] = "plain"
    measures: ClassVar[tuple[str, ...]] = ()

    def checks(self, document: Document) -> Iterator[Check]:
        yield PASSES

    def __call__(self, document: Document) -> Document | Drop:
        return document


@dataclass(frozen=True)
class WithList:
    """Derived from nothing: what counts is what a step has."""

    stage: ClassVar[str] = "list"
    path: str = "words"
    other: str = "lists/other"

    def setup(self, languages: tuple[str, ...] = ()) -> None: ...

    def validate(self) -> None: ...

    def assets(self) -> tuple[AssetRef, ...]:
        return (AssetRef("words", "word list", self.path), AssetRef("other", "word list", self.other))

    def bound(self, paths: Mapping[str, str]) -> Self:
        return replace(self, path=paths["words"], other=paths["other"])

    def __call__(self, page: Page) -> Page | Drop:
        return page


def test_a_derived_step_needs_nothing_and_loads_nothing() -> None:
    step = Plain()
    assert (step.assets(), step.bound({}), step.setup(("en",))) == ((), step, None)
    assert isinstance(step, DocumentStep)
    assert without_paths(step) is step


def test_a_step_is_one_by_what_it_has() -> None:
    assert isinstance(WithList(), PageStep)
    assert not isinstance(WithList(), DocumentStep)
    assert not isinstance(object(), Step)


@pytest.mark.parametrize(
    ("given", "published"),
    [("/home/me/secret/words.txt", "words.txt"), ("words.txt", "words.txt"), ("folder/list/", "list"), ("ut1", "ut1")],
)
def test_a_published_step_tells_no_folders(given: str, published: str) -> None:
    assert without_paths(WithList(given)) == WithList(published, "other")
