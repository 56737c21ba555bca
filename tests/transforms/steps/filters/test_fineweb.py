"""FineWeb's rules: one row that fails each with its exact value, and one that just passes."""

from dataclasses import fields, replace

import pytest

from schemas.document import Document
from schemas.verdict import Drop
from transforms.steps.filters.fineweb import KeepFineWeb

STEP = KeepFineWeb()
LIMITS = {field.metadata["rule"]: field.name for field in fields(STEP) if "rule" in field.metadata}


def document(text: str) -> Document:
    return Document(text, "id", "dump", "url", "date", "file", 0, language="en")


def only(rule: str) -> KeepFineWeb:
    """The step with every other rule off."""
    return replace(STEP, **{name: None for other, name in LIMITS.items() if other != rule})


ROWS = [
    # rule, value, text: a text that fails, then one that just passes
    ("line_punct", 11 / 100, "a line\n\n" * 89 + "A line.\n" * 11),
    ("line_punct", 12 / 100, "a line\n \n" * 88 + "A line.\nA line?\nA line!\n एक।\n" * 3),
    ("short_lines", 68 / 100, "x" * 30 + "\n" + "y\n" * 67 + ("z" * 31 + "\n\n") * 32),
    ("short_lines", 67 / 100, "x" * 30 + "\n" + "y\n" * 66 + ("z" * 31 + "\n") * 33),
    ("char_dup", 5 / 499, "again\n\n" + "x" * 489 + "\nagain"),
    ("char_dup", 5 / 500, "again\n\n" + "x" * 490 + "\nagain"),
    ("list_ratio", 4 / 13, "one two three\n" * 4 + "one"),
    ("list_ratio", 3 / 10, "one two three\n" * 3 + "one"),
]


@pytest.mark.parametrize(("rule", "value", "text"), ROWS[::2])
def test_drops(rule: str, value: float, text: str) -> None:
    verdict = only(rule)(document(text))
    assert isinstance(verdict, Drop)
    assert (verdict.stage, verdict.reason, verdict.value) == ("fineweb", rule, value)
    assert verdict.threshold == getattr(STEP, LIMITS[rule])


@pytest.mark.parametrize(("rule", "value", "text"), ROWS[1::2])
def test_keeps(rule: str, value: float, text: str) -> None:
    verdict = only(rule)(document(text))
    assert isinstance(verdict, Document)
    assert verdict.quality == {rule: value}


def test_every_rule_has_its_rows_and_its_source() -> None:
    assert [rule for rule, _, _ in ROWS[::2]] == [rule for rule, _, _ in ROWS[1::2]] == list(LIMITS)
    prose = document("A line of prose that is longer than thirty characters.\nAnd a second one that is longer as well.")
    kept = STEP(prose)
    assert isinstance(kept, Document) and tuple(kept.quality) == tuple(LIMITS) == STEP.measures
    theirs = [field for field in fields(STEP) if field.name != "markdown"]
    assert all("FineWeb" in field.metadata["source"] and field.metadata["about"] for field in theirs)


@pytest.mark.parametrize(
    ("line", "ended"),
    [("He said so.", 1), ("He said “so.”", 0), ('"So."', 0), ("So. ", 0), ("彼は言った。", 1), ("So…", 0)],
)
def test_terminal_marks(line: str, ended: float) -> None:
    (check,) = only("line_punct").checks(document(line))
    assert check.value == ended


def test_what_is_short_can_be_set() -> None:
    (check,) = replace(only("short_lines"), short_line_chars=2).checks(document("ab\nabc"))
    assert check.value == 1 / 2


@pytest.mark.parametrize("text", ["", "\n\n", " \xa0\n"])
def test_texts_without_lines(text: str) -> None:
    verdict = STEP(document(text))
    assert isinstance(verdict, Drop) and (verdict.stage, verdict.reason) == ("fineweb", "empty")
    assert len(list(STEP.checks(document(text)))) == len(LIMITS)  # and none of them raises
