"""The first failing check drops a document; a document that passes carries what was measured."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.document import Document
from schemas.verdict import Check, Drop
from transforms.steps.judge import judge

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
