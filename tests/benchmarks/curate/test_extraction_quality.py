"""How extraction is scored: tokens, snippets, and what a page without text is worth."""

import pytest

from benchmarks.curate.extraction_quality import Gold, groups, overlap, score, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The pan, the gold.", ["The", "pan", "the", "gold"]),
        ("São Paulo 2024", ["São", "Paulo", "2024"]),
        ("Sa\u0303o", ["São"]),
        ("金盆 turns 3次", ["金", "盆", "turns", "3", "次"]),
        ("ゴールド、金。", ["ゴ", "ー", "ル", "ド", "金"]),
        ("Χρυσός—золото", ["Χρυσός", "золото"]),
        ("— … !", []),
    ],
)
def test_tokens_are_words_or_single_characters(text, expected) -> None:
    assert list(tokens(text).elements()) == list(dict.fromkeys(expected))


def test_repeated_tokens_count_as_often_as_they_stand() -> None:
    assert overlap("gold gold gold sand", "gold gold") == (2 / 4, 2 / 2)
    assert overlap("", "gold") == (0, 0)


def test_snippets_are_found_over_any_white_space_and_form() -> None:
    gold = Gold("pt", None, ("São  Paulo", "rio"), ("menu", "rodapé"))
    found = score("Sa\u0303o\nPaulo\tmenu", gold)
    assert (found.wanted, found.wanted_found) == (2, 1)
    assert (found.unwanted, found.unwanted_absent) == (2, 1)
    assert found.f1 is None


def test_page_without_text_has_no_recall_but_counts() -> None:
    found = score(" \n", Gold("en", "gold in the gravel", (), ()))
    assert (found.empty, found.precision, found.recall, found.f1) == (True, 0, 0, 0)


def test_f1_is_the_harmonic_mean() -> None:
    found = score("gold sand", Gold("en", "gold gravel pan water", (), ()))
    assert (found.precision, found.recall) == (1 / 2, 1 / 4)
    assert found.f1 == pytest.approx(1 / 3)


def test_small_languages_share_a_line() -> None:
    assert groups({"en": 30, "de": 40, "la": 2, "lv": 3}) == {"de": ["de"], "en": ["en"], "2 others": ["lv", "la"]}
