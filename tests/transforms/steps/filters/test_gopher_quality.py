"""Gopher's quality rules: one row that fails each with its exact value, and one that just passes."""

from dataclasses import fields, replace

import pytest

from schemas.document import Document
from schemas.verdict import Drop
from transforms.steps.filters.gopher_quality import STOP_WORDS, KeepGopherQuality

STEP = KeepGopherQuality()
LIMITS = {field.metadata["rule"]: field.name for field in fields(STEP) if "rule" in field.metadata}


def document(text: str, language: str | None = "en") -> Document:
    return Document(text, "id", "dump", "url", "date", "file", 0, language=language)


def only(rule: str) -> KeepGopherQuality:
    """The step with every other rule off."""
    return replace(STEP, **{name: None for other, name in LIMITS.items() if other != rule})


ROWS = [
    # rule, value, text: a text that fails, then one that just passes
    ("too_few_words", 49, "word , " * 49),  # punctuation is no word here
    ("too_few_words", 50, "word " * 50),
    ("too_many_words", 100_001, "word " * 100_001),
    ("too_many_words", 100_000, "word , " * 100_000),
    ("short_words", 29 / 10, "abc " * 9 + "ab ..."),
    ("short_words", 3, "abc " * 10 + "..."),
    ("long_words", 101 / 10, "abcdefghij " * 9 + "abcdefghijk"),
    ("long_words", 10, "abcdefghij " * 10),
    ("hash_ratio", 2 / 11, "word " * 9 + "# #"),
    ("hash_ratio", 1 / 10, "word " * 9 + "#"),
    ("ellipsis_ratio", 2 / 11, "word " * 9 + "... …"),
    ("ellipsis_ratio", 1 / 10, "word " * 9 + "…"),
    ("bullet_lines", 1, "• one\n" * 5 + "  - two\n" * 5),
    ("bullet_lines", 9 / 10, "• one\n" * 5 + "  - two\n" * 4 + "three"),
    ("ellipsis_lines", 4 / 10, "one... \ntwo…\n" * 2 + "three\n" * 6),
    ("ellipsis_lines", 3 / 10, "one... \ntwo…\nthree...\n" + "four\n" * 7),
    ("alpha_words", 7 / 10, "word " * 7 + "1 22 ,"),
    ("alpha_words", 8 / 10, "word " * 7 + "b52 1 ,"),
    ("stop_words", 1, "the the The Of BE word"),
    ("stop_words", 2, "the word of the"),
]


@pytest.mark.parametrize(("rule", "value", "text"), ROWS[::2])
def test_drops(rule: str, value: float, text: str) -> None:
    verdict = only(rule)(document(text))
    assert isinstance(verdict, Drop)
    assert (verdict.stage, verdict.reason, verdict.value) == ("gopher_quality", rule, value)
    assert verdict.threshold == getattr(STEP, LIMITS[rule])


@pytest.mark.parametrize(("rule", "value", "text"), ROWS[1::2])
def test_keeps(rule: str, value: float, text: str) -> None:
    verdict = only(rule)(document(text))
    assert isinstance(verdict, Document)
    assert list(verdict.quality.values()) == [value]


def test_every_rule_has_its_rows_and_its_source() -> None:
    assert [rule for rule, _, _ in ROWS[::2]] == [rule for rule, _, _ in ROWS[1::2]] == list(LIMITS)
    prose = document("We have seen the words of that story, and to be sure they come with sense. " * 5)
    checks = list(STEP.checks(prose))
    assert [check.rule for check in checks] == list(LIMITS)
    assert tuple(dict.fromkeys(check.measure for check in checks)) == STEP.measures
    kept = STEP(prose)
    assert isinstance(kept, Document) and kept.quality == {check.measure: check.value for check in checks}
    theirs = [field for field in fields(STEP) if field.name not in ("markdown", "count_punctuation")]
    assert all("A.1.1" in field.metadata["source"] and field.metadata["about"] for field in theirs)


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        (None, "the word of", 2),  # no language: English
        ("pt", "o gato de uma casa", 2),
        ("es", "el gato de una casa", 3),
        ("fr", "le chat est dans la maison", 4),
        ("de", "der Hund und die Katze", 3),
    ],
)
def test_stop_words_are_those_of_the_language(language: str | None, text: str, value: int) -> None:
    (check,) = only("stop_words").checks(document(text, language))
    assert (check.value, check.passed) == (value, True)


def test_a_language_without_stop_words_is_not_asked_for_any() -> None:
    assert list(only("stop_words").checks(document("ord", "sv"))) == []
    assert dict(STOP_WORDS)["en"] == ("the", "be", "to", "of", "and", "that", "have", "with")
    swedish = replace(only("stop_words"), stop_words=(*STOP_WORDS, ("sv", ("och", "att"))))
    assert [check.value for check in swedish.checks(document("ord och", "sv"))] == [1]


@pytest.mark.parametrize("text", ["", "\n", " \xa0", "..."])
def test_texts_without_words(text: str) -> None:
    verdict = STEP(document(text))
    assert isinstance(verdict, Drop) and (verdict.reason, verdict.value) == ("too_few_words", 0)
    assert len(list(STEP.checks(document(text)))) == len(LIMITS)  # and none of them raises
