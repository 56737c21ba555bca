"""C4's line rules with their holes closed: what stays, what goes, and what decides about the document."""

from __future__ import annotations

import pytest

from schemas.document import Document
from schemas.verdict import Drop
from transforms.steps.filters.c4 import CleanC4
from transforms.steps.filters.fineweb import KeepFineWeb
from transforms.steps.filters.gopher_quality import KeepGopherQuality
from transforms.steps.filters.gopher_repetition import KeepGopherRepetition
from transforms.steps.filters.web_lines import CleanWebLines, is_code

PROSE = "The river carries gold from the hills. It is heavy and sinks. The pan finds it again."
CODE = "```\nfor i in range(3):\n    print({i})\n```"


def document(text: str, language: str = "en") -> Document:
    return Document(text, "id", "dump", "https://example.org/", "", "a.warc.gz", 0, language)


def cleaned(text: str, language: str = "en", **settings: object) -> str:
    return CleanWebLines(**settings).clean(text, language).text  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "kept",
    [
        f"# Gold\n\n{PROSE}",
        f"{PROSE}\n\n- pan\n  - sieve\n1. wash",
        f"{PROSE}\n\n| metal | density |\n| gold | 19.3 |",
        f"{PROSE}\n\n{CODE}",
        f"{PROSE} Our privacy policy was discussed at length in the town's assembly" + ", and again" * 15 + ".",
        f"JavaScript runs in every browser, and so does the pan{', so to say' * 15}.\n{PROSE}",
        "Set {name} to whatever you like, and the pan will greet you.",
    ],
)
def test_what_is_text_stays_as_it_is(kept: str) -> None:
    assert cleaned(kept) == kept


def test_c4_would_have_taken_it() -> None:
    assert CleanC4().clean(f"# Gold\n{PROSE}\n- pan\n    print(i)").text == PROSE


@pytest.mark.parametrize(
    "gone",
    [
        "Read more",
        "Please enable JavaScript to see comments.",
        "This site uses cookies, as all do.",
        "var ads = window.ads || {}; ads.push({id: 1});",
        ".menu a:hover { color: red; }",
        "<div class='x'><span></span></div>",
        "a" * 1001 + " long word",
        "Веst сhеар раnѕ",
    ],
)
def test_what_is_no_text_goes(gone: str) -> None:
    assert cleaned(f"{PROSE}\n{gone}\nThe end of it all.") == f"{PROSE}\nThe end of it all."


def test_a_lead_and_a_repeated_line_are_said_once() -> None:
    lead = "The river carries gold from the hills to the sea"
    body = f"HILLTOWN, 4 May – {lead}, said the miners on Tuesday."
    again = "Sign up for our letter about the river and its gold."
    assert cleaned(f"{lead}.\n{body}\n{again}\n{PROSE}\n{again}") == f"{body}\n{again}\n{PROSE}"
    assert cleaned("Chorus\nLine one of it\nChorus\n") == "Line one of it"  # short lines are no leads; one word goes


def test_no_words_are_counted_where_there_are_no_blanks() -> None:
    text = "河里有黄金。\n人们用盘子淘洗。"
    assert cleaned(text, "zh") == text
    assert cleaned(text, "en") == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Gold is found in the river here.", "too_few_sentences"),
        (f"{PROSE} Lorem ipsum dolor sit amet.", "lorem_ipsum"),
        ("", "too_few_sentences"),
        (CODE, "too_few_sentences"),
    ],
)
def test_documents_that_are_dropped(text: str, reason: str) -> None:
    verdict = CleanWebLines()(document(text))
    assert isinstance(verdict, Drop) and verdict.reason == reason


def test_a_document_that_passes_has_its_values() -> None:
    verdict = CleanWebLines()(document(f"{PROSE}\nRead more\nShare"))
    assert isinstance(verdict, Document) and verdict.text == PROSE
    assert verdict.quality == {"lorem_ipsum": 0, "web_sentences": 3, "web_lines_removed": 2}


def test_prose_with_signs_is_no_code() -> None:
    assert not is_code("He said (and meant it): the set {1, 2} is finite, see [3] and <4>.")
    assert is_code("if (x) { return y; }")


def value(step: object, text: str, measure: str) -> float:
    [found] = [check.value for check in step.checks(document(text)) if check.measure == measure]  # pyright: ignore[reportAttributeAccessIssue]
    return found


@pytest.mark.parametrize(
    ("plain", "reads", "measure", "text", "values"),
    [
        (KeepGopherQuality(), KeepGopherQuality(count_punctuation=False), "alpha_words", "One , two .", (0.5, 1)),
        (KeepGopherQuality(), KeepGopherQuality(markdown=True), "hash_ratio", "## Gold is here", (2 / 5, 0)),
        (KeepGopherRepetition(), KeepGopherRepetition(markdown=True), "dup_line_frac", "a\n- \nb\n- ", (1 / 4, 0)),
        (
            KeepGopherRepetition(),
            KeepGopherRepetition(markdown=True),
            "dup_line_frac",
            "a\n```\nx\nx\n```\nb",
            (1 / 3, 0),
        ),
        (KeepFineWeb(), KeepFineWeb(markdown=True), "line_punct", "# Gold\n\nIt is heavy.\n- pan", (1 / 3, 1)),
        (KeepFineWeb(), KeepFineWeb(markdown=True), "line_punct", f"- {PROSE}\n- pan", (1 / 2, 1)),
    ],
)
def test_published_rules_may_leave_structure_out(
    plain: object, reads: object, measure: str, text: str, values: tuple[float, float]
) -> None:
    assert (value(plain, text, measure), value(reads, text, measure)) == pytest.approx(values)
