"""What `bateia memorize` and `sample` print: nothing is by heart where nothing is, and columns have headings."""

from __future__ import annotations

import pytest

from pipelines.cli.post.questions import memorization_text
from pipelines.cli.sample import HEADING, table
from pipelines.reports.model.memorization import Extraction, MemorizationReport, MemorizedPassage


def report(extracted: int, *lengths: int) -> MemorizationReport:
    asked = {"trained": Extraction(10, extracted, extracted / 10, 0.1, 1.0, 1.0, max(lengths, default=0))}
    passages = tuple(
        MemorizedPassage("trained", "https://a.example/", "a.warc.gz", 0, 5, tokens, tokens, "prompt", "x" * tokens)
        for tokens in lengths
    )
    return MemorizationReport("run", 1, 32, 64, 50, asked, passages)


@pytest.mark.parametrize(
    ("extracted", "lengths", "line", "passages"),
    [
        (0, (), "nothing is known by heart: no prompt is gone on with verbatim", 0),
        (0, (1, 1), "nothing is known by heart: no prompt is gone on with verbatim", 0),
        (0, (2, 1), "nothing is known by heart: the longest passage has 2 tokens", 1),
        (1, (50, 1), None, 1),
    ],
)
def test_what_is_by_heart(extracted: int, lengths: tuple[int, ...], line: str | None, passages: int) -> None:
    lines = memorization_text(report(extracted, *lengths)).splitlines()
    assert [text for text in lines if text.startswith("nothing")] == ([line] if line else [])
    assert sum("https://a.example/" in text for text in lines) == passages


def test_the_columns_of_a_distribution_have_headings() -> None:
    row = table("a", [("b", 0.5, 0.25)]).splitlines()[1]
    heading = HEADING.splitlines()[1]
    assert row.index("50.0%") + 5 == heading.index("model") + 5
    assert row.index("25.0%") + 5 == heading.index("drawn") + 5
    assert row.index("█") == heading.index("share by the model")
    assert row.rindex("b") == heading.index("what else")
