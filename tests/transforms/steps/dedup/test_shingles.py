"""Word n-grams as hashes: what a text is simplified to, what is remembered of it, and which n-grams are equal."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from unicodedata import normalize

import numpy as np
import pytest

from transforms.steps.dedup import shingles as module
from transforms.steps.dedup.shingles import WordHashes, hash_word, shingles, simplify
from transforms.steps.text.dictionaries import DICTIONARIES, NO_SPLITTER
from transforms.steps.text.hashes import mix
from transforms.steps.text.words import words

MIXED = (
    *("Don't", "can't", "The", "U.S.", "e.g.", "10km", "3.5", "1,000", "12:30", "naïve", "Ação", "É", "São", "daí"),
    *(
        "d'água",
        "pão-de-ló",
        "z.B.",
        "Straße",
        "STRASSE",
        "über",
        "Ⅻ",
        "ﬁn",
        "ΟΔΟΣ",
        "ὈΔΟΣ;",
        "İstanbul",
        "e\u0301",
        "co-op",
    ),
    *(
        "(",
        ")",
        "…",
        "—",
        "“hi”",
        "!?",
        "$5",
        "€5",
        "£•",
        "😀",
        ":-)",
        "漢字",
        "한국",
        "٣,٥",
        "١٢",
        "\u200b",
        "\ufeff",
        "_x_",
    ),
    *("\u037e", "a\u037eb", "\u0301", "a\x00b", "\x85", "\u2028", "\xa0", "\u3000", "x" * 1_001, "\ud800"),
)


def hashes_of(words_: list[str]) -> list[int]:
    return [int.from_bytes(hash_word(word), "little") for word in words_]


def fresh(text: str, language: str | None) -> list[int]:
    return WordHashes()(text, language).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("Some WORDS", "some words"),
        ("ÉÇÃ", "eca"),
        ("e\u0301\u0316x", "ex"),
        ("ΟΔΟΣ", "οδος"),
        ("Straße", "straße"),
        ("İ", "i"),  # lower case gives it a mark, which goes
        ("7 2026 x9y", "0 0 x0y"),
        ("3.14 1,000 12:30", "0 0 0 0"),
        ("1.2.3", "0 0"),
        ("1. 2", "0  0"),
        ("٣٫٥ ९", "0 0"),
        ("it's (so); no-one…", "it s  so   no one "),
        ("a$b€c", "a b€c"),  # a euro is no punctuation in datatrove's list either
        ("a\nb", "a\nb"),
        ("a\tb", "a\tb"),
        ("ﬁ Ⅻ ²", "ﬁ ⅻ ²"),  # compatible characters stay apart
        ("カ\u3099 ガ", "カ カ"),
        ("한", "\u1112\u1161\u11ab"),
        ("हिंदी", "हिद\u0940"),  # a vowel sign that takes room is no mark
        ("a\ud800b", "a\ud800b"),
    ],
)
def test_simplify(text: str, expected: str) -> None:
    assert simplify(text) == expected


def test_chunks_are_simplified_as_the_whole_text_is() -> None:
    rng = random.Random(1)
    for _ in range(2_000):
        chunks = "".join(rng.choice(MIXED) + rng.choice(("", " ")) for _ in range(8)).split()
        assert simplify("\n".join(chunks)) == "\n".join(map(simplify, chunks))


@pytest.mark.parametrize("language", ["en", "pt", "de", "und", None])
def test_words_are_those_of_the_simplified_text(language: str | None) -> None:
    rng, hashes = random.Random(language), WordHashes()
    for _ in range(400):
        text = "".join(rng.choice(MIXED) + rng.choice(("", " ", " ", "\n")) for _ in range(rng.randint(0, 14)))
        expected = hashes_of([*words(simplify(text), language or "xx")])
        assert hashes(text, language).tolist() == expected, repr(text)


def test_languages_are_remembered_apart() -> None:
    text, hashes = "cannot gonna dont", WordHashes()  # only English takes these apart
    for language, count in (("en", 6), ("pt", 3), ("en", 6)):
        assert len(hashes(text, language)) == count
        assert hashes(text, language).tolist() == fresh(text, language)


def test_what_was_met_before_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(2)
    texts = [" ".join(rng.choices(MIXED, k=30)) for _ in range(40)]
    expected = [fresh(text, "en") for text in texts]
    remembering = WordHashes()
    assert [remembering(text, "en").tolist() for text in texts * 2] == expected * 2
    assert remembering._memory["en"]
    monkeypatch.setattr(module, "MEMORY_BYTES", 2_000)  # a few chunks: forgotten again and again
    forgetting = WordHashes()
    for text, wanted in zip(texts * 2, expected * 2, strict=True):
        assert forgetting(text, "en").tolist() == wanted
        assert forgetting._bytes <= 2_000


@pytest.mark.parametrize("language", sorted(NO_SPLITTER))
def test_languages_without_a_splitter_are_compared_by_characters(language: str) -> None:
    assert len(fresh("漢字 かな。\nA1", language)) == 6  # the mark and the spaces are none
    assert fresh("漢 字", language) == fresh("漢字", language) != fresh("字漢", language)
    assert fresh("", language) == []


def test_characters_are_words_in_no_other_language() -> None:
    assert len(fresh("漢字 かな", "en")) == 2


def test_half_a_character_is_no_error() -> None:
    assert len(fresh("a\ud800b", "en")) > 0
    assert len(fresh("a\ud800b", "km")) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("zh", "我们去北京大学！\n2024年", ("我们", "去", "北京大学", "0", "年")),
        ("hi", "यह किताब है। नहीं", None),  # without its marks, as MinHash simplifies
    ],
)
def test_a_language_with_a_splitter_is_compared_by_its_words(
    language: str, text: str, expected: tuple[str, ...] | None
) -> None:
    expected = expected or words(simplify(text), language)
    assert language in DICTIONARIES
    assert fresh(text, language) == [int.from_bytes(hash_word(word), "little") for word in expected]


@pytest.mark.parametrize(
    ("words_", "n", "count"),
    [([], 5, 0), ([1, 2, 3, 4], 5, 0), ([1, 2, 3, 4, 5], 5, 1), ([1, 2, 3], 1, 3), ([1] * 9, 5, 5)],
)
def test_there_are_as_many_shingles_as_places(words_: list[int], n: int, count: int) -> None:
    found = shingles(np.array(words_, np.uint64), n)
    assert (found.shape, found.dtype) == ((count,), np.uint64)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ([1, 2, 3], [1, 2, 3], True),
        ([1, 2, 3], [3, 2, 1], False),
        ([1, 2, 3], [2, 1, 3], False),
        ([1, 2, 3], [1, 3, 2], False),
        ([1, 2, 3], [1, 2, 4], False),
        ([0, 0, 1], [0, 1, 0], False),
    ],
)
def test_a_shingle_is_its_words_in_their_order(one: list[int], other: list[int], equal: bool) -> None:
    found = [shingles(mix(np.array(words_, np.uint64)), 3)[0] for words_ in (one, other)]
    assert (found[0] == found[1]) == equal


def test_equal_shingles_are_equal_wherever_they_stand() -> None:
    drawn = np.random.default_rng(3).integers(0, 2**64, 400, np.uint64)
    found = shingles(np.concatenate([drawn, drawn[100:300]]), 5)
    assert found[400:].tolist() == found[100:296].tolist()
    assert len(np.unique(found[:396])) == 396


def test_mix_takes_nothing_together() -> None:
    values = np.arange(100_000, dtype=np.uint64)
    mixed = mix(values)
    assert len(np.unique(mixed)) == len(values)
    flipped = np.bitwise_count(mixed ^ mix(values ^ np.uint64(1 << 40)))
    assert 31.9 < flipped.mean() < 32.1  # a bit changed on one side changes half of the other


def test_hashes_are_the_same_everywhere() -> None:
    assert hash_word("word").hex() == "4aa4cf27d7c78e95"
    assert mix(np.array([0, 1], np.uint64)).tolist() == [0, 6238072747940578789]
    assert shingles(np.arange(5, dtype=np.uint64), 5).tolist() == [1245676259039695593]
    assert fresh("Olá, 2 mundos", "pt") == hashes_of(["ola", "0", "mundos"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(lambda: "a" * 1_000_000, id="one letter"),
        pytest.param(lambda: "7" * 1_000_000, id="one number"),
        pytest.param(lambda: "1." * 500_000, id="numbers"),
        pytest.param(lambda: "!" * 1_000_000, id="marks of punctuation"),
        pytest.param(lambda: "€" * 300_000, id="signs"),
        pytest.param(lambda: "e" + "\u0301\u0316" * 250_000, id="marks out of order"),  # minutes if sorted as one run
        pytest.param(lambda: "漢" * 330_000, id="ideographs"),
        pytest.param(lambda: "Σ\u0301" * 250_000, id="sigmas"),
        pytest.param(lambda: " \n" * 500_000, id="spaces"),
    ],
)
def test_no_megabyte_takes_long(text: Callable[[], str]) -> None:
    given, hashes = text(), WordHashes()
    hashes("loads the rules", "en")
    hashes("loads the dictionary", "zh")
    started = time.process_time()
    hashes(given, "en")
    hashes(given, "zh")
    assert time.process_time() - started < 20  # one on an idle machine; minutes where the work is not linear


def test_marks_of_any_order_are_none() -> None:
    assert simplify(normalize("NFD", "ãéü") * 3) == simplify("ãéü" * 3) == "aeuaeuaeu"
