"""C4's cleaning: what becomes of a line, and when the document goes."""

from dataclasses import fields, replace

import pytest

from schemas.document import Document
from schemas.verdict import Drop
from transforms.steps.filters.c4 import CleanC4

STEP = CleanC4()
ANY_LENGTH = replace(STEP, min_sentences=None)
FIVE = "One is here. Two is here. Three is here. Four is here. Five is here."


def document(text: str) -> Document:
    return Document(text, "id", "dump", "url", "date", "file", 0, language="en", quality={"words": 9.0})


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("  just three words \t", "just three words"),
        ("two words", None),
        ("with no mark at its end", "with no mark at its end"),  # FineWeb leaves C4's rule out
        ("a long word " + "x" * 1001, None),
        ("a long word " + "x" * 1000, "a long word " + "x" * 1000),
        ("as said[1] before[23] and[] again[edit][citation needed].", "as said before and again."),
        ("not [a] citation [1a]", "not [a] citation [1a]"),
        ("two words [1]", "two words "),  # counted before the citation goes
        ("please enable JavaScript now", None),
        ("please enable Java[1]Script now", None),
        ("read our Terms of Use", None),
        ("read our Privacy Policy", None),
        ("read our cookie policy", None),
        ("this site uses cookies", None),
        ("the use of cookies", None),
        ("we use cookies here", None),
        ("we bake cookies here", "we bake cookies here"),
    ],
)
def test_lines(line: str, kept: str | None) -> None:
    verdict = ANY_LENGTH(document(f"the first line\n{line}\nthe last line"))
    assert isinstance(verdict, Document)
    assert verdict.text.split("\n") == ["the first line", *([] if kept is None else [kept]), "the last line"]
    assert verdict.quality["c4_lines_removed"] == (kept is None)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"min_line_words": None}, "two words"),
        ({"max_word_chars": None}, "a long word " + "x" * 1001),
        ({"remove_citations": False}, "as said[1] before"),
        ({"script_words": ()}, "please enable JavaScript now"),
        ({"policies": ()}, "read our Terms of Use"),
        ({"lorem_ipsum": None}, "Lorem ipsum dolor sit"),
        ({"curly_bracket": None}, "if (x) { return }"),
        ({"curly_bracket": 1}, "if (x) { return }"),
    ],
)
def test_a_rule_switched_off_keeps_the_line(change: dict, line: str) -> None:
    verdict = replace(ANY_LENGTH, **change)(document(line))
    assert isinstance(verdict, Document) and verdict.text == line


@pytest.mark.parametrize(
    ("text", "reason", "value"),
    [
        (FIVE, None, 5),
        (FIVE.removesuffix(" Five is here."), "too_few_sentences", 4),
        ("One is here\n" * 5, None, 5),  # every line is a sentence at least
        ("One is here\n" * 4 + "two words.", "too_few_sentences", 4),
        ("", "too_few_sentences", 0),
        ("\n \n", "too_few_sentences", 0),
        (f"{FIVE}\nLorem IPSUM dolor sit", "lorem_ipsum", 1),
        (f"{FIVE}\nLorem ipsum", None, 5),  # the line is too short to count
        (f"{FIVE}\nif (x) {{ return }}", "curly_bracket", 1),
        (f"{FIVE}\nwith javascript x => {{}}", None, 5),  # the line goes before its bracket counts
        (f"{FIVE}\nour privacy policy {{}}", "curly_bracket", 1),
        (f"a {{ b c\n{FIVE}\nlorem ipsum dolor", "curly_bracket", 1),  # what comes first in the text is the reason
        (f"lorem ipsum dolor\n{FIVE}\na {{ b c", "lorem_ipsum", 1),
    ],
)
def test_documents(text: str, reason: str | None, value: float) -> None:
    verdict = STEP(document(text))
    if reason is None:
        assert isinstance(verdict, Document) and verdict.quality["c4_sentences"] == value
    else:
        assert isinstance(verdict, Drop)
        assert (verdict.stage, verdict.reason, verdict.value) == ("c4", reason, value)
        assert verdict.threshold == {"too_few_sentences": 5}.get(reason, 0)


def test_what_a_kept_document_carries() -> None:
    given = document(f"Menu\r\n\r\n{FIVE}\x85As said[1] before")
    verdict = STEP(given)
    assert isinstance(verdict, Document)
    assert verdict.text == f"{FIVE}\nAs said before"
    assert given.text.startswith("Menu")
    assert tuple(verdict.quality) == ("words", *STEP.measures)
    assert tuple(verdict.quality.values()) == (9.0, 0, 0, 6, 2)


def test_cleaning_twice_changes_nothing() -> None:
    once = STEP(document(f"Menu\n\n{FIVE}\nAs said[1] before"))
    assert isinstance(once, Document)
    twice = STEP(once)
    assert isinstance(twice, Document) and twice.text == once.text


def test_every_field_says_what_and_where_from() -> None:
    assert all(field.metadata["about"] and "C4" in field.metadata["source"] for field in fields(STEP))
