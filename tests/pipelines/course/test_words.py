"""The course's texts: both languages say the same things, and every paper is named by some section."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

import pytest

from pipelines.course.page import ends
from pipelines.course.sections.order import SECTIONS
from pipelines.course.words import papers, words_of

COMMON = {"title", "lead", "idea", "tries", "papers"}  # that every section has


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", ["en", "pt"])
def test_a_place_with_a_word_has_it_in_both_numbers(language: str) -> None:
    texts = [
        text for section in words_of(language).texts.values() for text in section.values() if isinstance(text, str)
    ]
    named = [names for text in texts for _, _, names, _ in Formatter().parse(text) if names]
    assert len(named) >= 10 and all(names.count("|") == 1 for names in named)


@pytest.mark.parametrize(
    ("language", "step", "shown"),
    [
        *[("en", 1, "after 1 step"), ("en", 0, "after 0 steps"), ("en", 2000, "after 2,000 steps")],
        *[("pt", 1, "depois de 1 passo"), ("pt", 0, "depois de 0 passos"), ("pt", 2000, "depois de 2.000 passos")],
    ],
)
def test_one_step_is_one(language: str, step: int, shown: str) -> None:
    words = words_of(language)
    assert words("pretraining", "at_step", step=step) == shown
    told = ends(words("reinforcement", "unit"))
    assert [told(last).split()[-1] for last in (1.0, 2.0)] == {"en": ["step", "steps"], "pt": ["passo", "passos"]}[
        language
    ]


def test_both_languages_have_the_same_texts_with_the_same_places_to_fill() -> None:
    english, portuguese = (words_of(language).texts for language in ("en", "pt"))
    assert {section: set(texts) for section, texts in english.items()} == {
        section: set(texts) for section, texts in portuguese.items()
    }
    compared = 0
    for section, texts in english.items():
        for name, text in texts.items():
            other: Any = portuguese[section][name]
            assert type(text) is type(other), f"{section}.{name}"
            if isinstance(text, list):
                assert len(text) == len(other), f"{section}.{name}"
            else:
                assert places(text) == places(other), f"{section}.{name}"
            compared += 1
    assert compared > 200


def test_every_section_has_its_texts_and_papers() -> None:
    named = set()
    for section in SECTIONS:
        texts = words_of("en").texts[section.name]
        assert set(texts) >= COMMON, section.name
        named |= set(texts["papers"])
        assert texts["papers"] == words_of("pt").texts[section.name]["papers"]
    assert named == set(papers())


def test_papers_lead_to_where_papers_are() -> None:
    for paper in papers().values():
        assert re.match(r"https://(arxiv\.org/abs/\d{4}\.\d{5}|doi\.org/10\.|www\.lesswrong\.com/)", paper.url)
        assert 1950 < paper.year < 2027


@pytest.mark.parametrize(
    ("language", "value", "shown"),
    [
        ("en", 12345, "12,345"),
        ("pt", 12345, "12.345"),
        ("en", 0.5, "0.500"),
        ("pt", 1234.5, "1.234,500"),
        ("pt", None, "–"),
        ("pt", "1,000.5", "1,000.5"),
    ],
)
def test_numbers_are_written_as_the_language_has_them(language: str, value: object, shown: str) -> None:
    assert words_of(language).shown(value) == shown


def test_a_text_with_braces_from_outside_is_not_filled_again() -> None:
    assert words_of("en")("conversations", "example", right="{asked} {0}") == "right: {asked} {0}"
