"""A recipe's steps: their order, what may be left out, what does not fit; what is done to a document's text."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from schemas.faults import BadInput
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.filters.c4 import CleanC4
from transforms.steps.filters.gopher_quality import KeepGopherQuality
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.recipe import CorpusRecipe, CurateRecipe, Deduplicate, DropRepeatedLines, ScrubPii
from transforms.steps.step import AnyStep
from transforms.steps.urls.drop_blocked import DropBlockedUrls
from transforms.steps.warc.limits import ReadLimits

CURATE = CurateRecipe((DropBlockedUrls(),), ExtractText(), (KeepLanguages(("pt", "en")), CleanC4()))


# --- Pages to documents -----------------------------------------------------------------------------------------------


def test_pages_go_through_the_steps_in_order() -> None:
    assert [type(step) for step in CURATE.steps()] == [
        *(ReadLimits, DropBlockedUrls, ExtractText),
        *(KeepLanguages, CleanC4),
    ]
    assert CURATE.measures == CleanC4.measures


@pytest.mark.parametrize(
    ("documents", "languages"),
    [
        ((KeepLanguages(("pt", "en")), CleanC4()), ("pt", "en")),
        ((CleanC4(), KeepLanguages(("de",))), ("de",)),
        ((KeepLanguages(()), KeepLanguages(("fr",))), ("fr",)),
        ((KeepLanguages(()), CleanC4()), ()),
        ((CleanC4(),), ()),
        ((), ()),
    ],
)
def test_languages_are_those_kept(documents: tuple, languages: tuple[str, ...]) -> None:
    assert replace(CURATE, documents=documents).languages == languages


def test_every_step_can_be_changed() -> None:
    seen = []

    def change(step: AnyStep, /) -> AnyStep:
        seen.append(type(step))
        return replace(step, max_record_bytes=7) if isinstance(step, ReadLimits) else step

    changed = CURATE.changed(change)
    assert seen == [type(step) for step in CURATE.steps()]
    assert changed == replace(CURATE, read=ReadLimits(max_record_bytes=7))
    with pytest.raises(FrozenInstanceError):
        CURATE.read = changed.read  # type: ignore[misc]


class Half:
    stage = "half"

    def __call__(self, document: object) -> object:
        return document


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"documents": (CleanC4(), Half())},
            "Half is no DocumentStep; derive it from transforms.steps.step.DocumentSt",
        ),
        ({"pages": (Half(),)}, "Half is no PageStep; derive it from transforms.steps.step.PageStep"),
        ({"documents": (DropBlockedUrls(),)}, "DropBlockedUrls is no DocumentStep"),
        ({"documents": (CleanC4,), "pages": ()}, r"CleanC4 is a class and no step yet; write CleanC4\(…\)"),
    ],
    ids=["document", "page", "the other kind", "a class"],
)
def test_what_is_no_step_is_refused(change: dict, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        replace(CURATE, **change)


@pytest.mark.parametrize(
    ("gate", "kept", "barred"),
    [
        (("en",), ("en",), None),
        (("en", "pt"), ("pt",), None),
        (("en",), (), None),  # all that passes the gate
        (("en",), ("en", "pt"), "pt"),
        (("en",), ("pt", "de"), "pt, de"),
    ],
)
def test_a_gate_must_let_pass_what_is_kept(gate: tuple, kept: tuple, barred: str | None) -> None:
    parts = {"extract": ExtractText(gate=LanguageGate(gate)), "documents": (KeepLanguages(kept), KeepGopherQuality())}
    if barred is None:
        assert replace(CURATE, **parts).languages == kept
    else:
        with pytest.raises(BadInput, match=f"^LanguageGate lets en pass, but KeepLanguages keeps {barred} too; give"):
            replace(CURATE, **parts)


# --- Documents to a corpus --------------------------------------------------------------------------------------------

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
