"""How documents are compared: which texts count as equal, and which keys meet."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from unicodedata import normalize

import numpy as np
import pytest

from transforms.steps.dedup.settings import (
    REHYDRATION,
    Deduplicate,
    Signer,
    keys,
    normalised,
    rehydration_weight,
    scope_salt,
)

TEXT = "Ação e reação são forças iguais."
SETTINGS = Deduplicate()


@pytest.mark.parametrize(
    ("setting", "known"),
    [("scope", ("dump", "language", "all")), ("keep", ("first", "longest")), ("verify", ("none", "contained"))],
)
def test_unknown_values_are_refused(setting: str, known: tuple[str, ...]) -> None:
    for value in known:
        assert getattr(replace(SETTINGS, **{setting: value}), setting) == value
    with pytest.raises(ValueError, match=f"{setting} 'newest'; known: {', '.join(known)}"):
        replace(SETTINGS, **{setting: "newest"})


@pytest.mark.parametrize("share", [0, -0.1, 1.1, 90])
def test_what_is_no_share_of_words_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=f"min_contained {share:g} is no share"):
        replace(SETTINGS, min_contained=share)


@pytest.mark.slow
def test_lines_are_signed_only_where_they_lead_somewhere() -> None:
    verified = replace(SETTINGS, verify="contained", min_line=10)
    for settings, lines in ((SETTINGS, 0), (verified, 1), (replace(verified, min_line=None), 0)):
        assert len(Signer(settings)(f"{TEXT}\nshort", "pt").lines) == 8 * lines
        assert settings.with_lines == bool(lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \n\t", ""),
        ("a  b\n\nc", "a b c"),
        (" a b ", "a b"),
        ("a\xa0b\u2028c\u3000d", "a b c d"),
        ("ab", "ab"),
        ("a\u200bb", "a\u200bb"),  # no white space
        ("Ação", "ação"),
        ("Ac\u0327a\u0303o", "ação"),
        ("acao", "acao"),  # accents count here
        ("A.B!", "a.b!"),  # so does punctuation
        ("e\u0316\u0301", "é\u0316"),  # marks in either order
        ("\u1112\u1161\u11ab", "한"),
        ("カ\u3099", "ガ"),
        ("ﬁ", "ﬁ"),
        ("2", "2"),
        ("\ud800", "\ud800"),
    ],
)
def test_normalised(text: str, expected: str) -> None:
    assert normalised(text) == expected


def test_it_normalises_as_unicode_does() -> None:
    rng = random.Random(1)
    pool = [
        "a",
        "e",
        "ã",
        " ",
        "!",
        "-",
        "\u0301",
        "\u0316",
        "\u0327",
        "\u0345",
        "α",
        "\u1112",
        "\u1161",
        "カ",
        "\u3099",
    ]
    for _ in range(5_000):
        text = "".join(rng.choices(pool, k=30))
        assert normalised(text) == " ".join(normalize("NFC", text).lower().split()), ascii(text)


def test_endless_marks_take_no_time() -> None:
    started = time.process_time()
    found = normalised("e" + "\u0301\u0316" * 250_000)
    assert time.process_time() - started < 1  # minutes if sorted as one run
    assert len(found) in range(490_000, 500_002)


def signed(text: str, language: str | None = "pt", settings: Deduplicate = SETTINGS) -> tuple[bytes, bytes | None]:
    signature = Signer(settings)(text, language)
    return signature.exact, signature.bands


@pytest.mark.parametrize(
    ("other", "exact", "near"),
    [
        (TEXT, True, True),
        (TEXT.upper(), True, True),
        (normalize("NFD", TEXT), True, True),
        (f"\n{TEXT}\xa0 ".replace(" ", "\n\n "), True, True),
        (TEXT.replace(".", "!"), False, True),
        (TEXT.replace("ã", "a"), False, True),
        (TEXT.replace("iguais", "opostas"), False, False),
        (TEXT + " Newton", False, False),
    ],
)
def test_what_counts_as_equal(other: str, exact: bool, near: bool) -> None:
    """near: all n-grams are equal, so all bands are."""
    one, two = signed(TEXT), signed(other)
    assert (one[0] == two[0], one[1] == two[1]) == (exact, near)


@pytest.mark.parametrize(
    ("text", "language", "shingle", "long_enough"),
    [
        ("um dois três quatro cinco", "pt", 5, True),
        ("um dois três quatro", "pt", 5, False),
        ("um dois três quatro", "pt", 4, True),
        ("um, dois: três! quatro.", "pt", 5, False),  # punctuation is no word
        ("um dois três quatro", None, 4, True),
        ("", "pt", 5, False),
        ("!", "pt", 1, False),
        ("漢字漢字漢", "km", 5, True),
        ("漢字漢字", "km", 5, False),
    ],
)
def test_texts_shorter_than_a_shingle_have_no_bands(
    text: str, language: str | None, shingle: int, long_enough: bool
) -> None:
    exact, bands = signed(text, language, Deduplicate(shingle=shingle))
    assert len(exact) == 16
    assert (bands is not None) == long_enough
    assert bands is None or len(bands) == 14 * 8


def test_half_a_character_is_signed() -> None:
    exact, bands = signed("um dois três quatro cin\ud800co", "pt")
    assert len(exact) == 16 and bands is not None


@pytest.mark.parametrize(
    ("scope", "same_dump", "same_language", "neither"),
    [("dump", True, False, False), ("language", False, True, False), ("all", True, True, True)],
)
def test_documents_meet_within_their_scope(scope: str, same_dump: bool, same_language: bool, neither: bool) -> None:
    settings = Deduplicate(scope=scope)
    here = scope_salt(settings, "CC-1", "pt")
    for dump, language, equal in (("CC-1", "en", same_dump), ("CC-2", "pt", same_language), ("CC-2", "en", neither)):
        assert (scope_salt(settings, dump, language) == here) == equal
    assert scope_salt(settings, "CC-1", "pt") == here
    assert here.dtype == np.uint64


def test_a_dump_of_any_name_has_a_salt() -> None:
    assert len({int(scope_salt(SETTINGS, dump, "pt")) for dump in ("", "\ud800", "CC-1", "pt")}) == 4


def test_no_two_places_share_a_key() -> None:
    same = np.uint64(7)  # as exact hash and in every band, of two documents in different scopes
    found = keys(np.array([same, same]), np.full((2, 14), same), np.array([1, 2], np.uint64))
    assert found.shape == (2, 15)
    assert len(np.unique(found[:, 0])) == 2
    assert not set(found[0]) & set(found[1])
    assert found[0, 0] not in found[0, 1:]  # the exact hash meets no band


def test_equal_hashes_in_one_scope_meet() -> None:
    exact = np.array([3, 3, 4], np.uint64)
    bands = np.array([[5, 6], [5, 7], [5, 6]], np.uint64)
    found = keys(exact, bands, np.array([9, 9, 8], np.uint64))
    assert (found[0] == found[1]).tolist() == [True, True, False]
    assert not (found[0] == found[2]).any()


@pytest.mark.parametrize(
    ("size", "weight"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 5), (99, 5), (100, 8), (999, 8), (1000, 1), (10**9, 1)]
)
def test_rehydration_weight(size: int, weight: int) -> None:
    assert rehydration_weight(size) == weight


def test_rehydration_is_from_the_largest_down() -> None:
    assert [*REHYDRATION] == sorted(REHYDRATION, reverse=True)


@pytest.mark.parametrize(
    ("setting", "value", "comparable"),
    [
        ("bands", 15, False),
        ("rows", 9, False),
        ("shingle", 6, False),
        ("seed", 2, False),
        ("scope", "all", True),
        ("keep", "longest", True),
        ("rehydrate", True, True),
    ],
)
def test_what_makes_signatures_comparable(setting: str, value: object, comparable: bool) -> None:
    other = replace(SETTINGS, **{setting: value})
    assert (other.signature == SETTINGS.signature) == comparable
    assert (signed(TEXT)[1] == signed(TEXT, settings=other)[1]) == comparable


def test_signatures_are_the_same_everywhere() -> None:
    """A change here makes earlier corpora incomparable: it must change the signature's version."""
    assert SETTINGS.signature == {"bands": 14, "rows": 8, "shingle": 5, "seed": 1, "version": 1}
    exact, bands = signed(TEXT)
    assert bands is not None
    assert (exact.hex(), bands[:16].hex()) == ("69828191f5469070ab426278da8346fa", "bc8c6fc8d2d22fd10caaffd19286b0df")


def test_what_was_signed_before_changes_no_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{word} is said here and then a few more words about {word}" for word in ("one", "two", "three")]
    fresh = [Signer(Deduplicate())(text, language) for text in texts for language in ("en", "pt", None)]
    monkeypatch.setattr("transforms.steps.dedup.settings.MAX_REMEMBERED", 2)
    signer = Signer(Deduplicate())
    for _ in range(2):
        assert [signer(text, language) for text in texts for language in ("en", "pt", None)] == fresh
    assert len(signer._signed) <= 2
