"""What is done to a document's text, in which order, and what may be left out."""

from __future__ import annotations

import pytest

from transforms.steps.corpus_recipe import CorpusRecipe, Deduplicate, DropRepeatedLines, ScrubPii

LINE = "Write to somebody@mail.example.com today."
SCRUBBED = "Write to <EMAIL_ADDRESS> today."
TEXT = f"{LINE}\nA title\n{LINE}"


@pytest.mark.parametrize(
    ("lines", "pii", "text", "spans", "removed"),
    [
        (None, None, TEXT, 0, 0),
        (DropRepeatedLines(), None, f"{LINE}\nA title", 0, 1),
        (None, ScrubPii(), f"{SCRUBBED}\nA title\n{SCRUBBED}", 2, 0),
        (DropRepeatedLines(), ScrubPii(), f"{SCRUBBED}\nA title", 1, 1),
    ],
)
def test_each_step_can_be_left_out(
    lines: DropRepeatedLines | None, pii: ScrubPii | None, text: str, spans: int, removed: int
) -> None:
    cleaned = CorpusRecipe(lines, pii).clean(TEXT, "id", "en")
    assert (cleaned.text, len(cleaned.spans), cleaned.lines_removed) == (text, spans, removed)


def test_lines_go_before_personal_data() -> None:
    """Two lines that only differ in an address are no repetition; were it scrubbed before, they would be."""
    text = LINE + "\n" + LINE.replace("somebody", "another")
    cleaned = CorpusRecipe(DropRepeatedLines()).clean(text, "id", "en")
    assert (cleaned.text, cleaned.lines_removed) == (f"{SCRUBBED}\n{SCRUBBED}", 0)


def test_spans_are_of_the_text_without_repeated_lines() -> None:
    repeated = "A line that is long enough and said twice."
    text = f"{repeated}\n{repeated}\n{LINE}"
    cleaned = CorpusRecipe(DropRepeatedLines()).clean(text, "id", "en")
    [span] = cleaned.spans
    assert f"{repeated}\n{LINE}"[span.start : span.end] == "somebody@mail.example.com"


def test_a_text_without_either_stays() -> None:
    assert CorpusRecipe(DropRepeatedLines()).clean("Nothing here.", "id", None) == ("Nothing here.", (), 0)


@pytest.mark.parametrize(
    ("recipe", "steps"),
    [
        (CorpusRecipe(), [ScrubPii, Deduplicate]),
        (CorpusRecipe(DropRepeatedLines()), [DropRepeatedLines, ScrubPii, Deduplicate]),
        (CorpusRecipe(pii=None), [Deduplicate]),
        (CorpusRecipe(dedup=None), [ScrubPii]),
        (CorpusRecipe(pii=None, dedup=None), []),
    ],
)
def test_steps_are_told_in_their_order(recipe: CorpusRecipe, steps: list[type]) -> None:
    assert [type(step) for step in recipe.steps()] == steps
