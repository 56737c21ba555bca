"""Texts of ever new words: spaCy splits so many of them, the rest is split at signs, whatever was met before."""

from __future__ import annotations

import random

import numpy as np
import pytest
import spacy

from transforms.steps.dedup import shingles as shingles_module
from transforms.steps.dedup.shingles import WordHashes
from transforms.steps.text import words as module
from transforms.steps.text.words import chunks_beyond_limit, forget_words, sentence_count, words

NOISE = " ".join("".join(random.Random(n).choices("Ab.,'-:)3", k=8)) for n in range(400))
PROSE = "The U.S. don't know e.g. what 3.5km is. Is it (really) far?\n"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WORK", 3_000)
    monkeypatch.setattr(module, "SHORT_TEXT_CHARS", 300)
    monkeypatch.setattr(shingles_module, "SHORT_TEXT_CHARS", 300)
    forget_words()


def spacys(text: str) -> list[str]:
    return [token.text for token in spacy.blank("en")(text) if token.text.strip()]


def test_work_grows_with_length_and_edges() -> None:
    assert module._work("word") == 8 + 4
    assert module._work("(word).") == 8 + 7 + 3 * 7
    assert module._work("...") == 8 + 3 + 3 * 7
    assert chunks_beyond_limit(["a"] * 10_000, "en") == []  # nothing new in it
    assert (
        chunks_beyond_limit((f"B{n}" for n in range(10_000)), "en")[0] == "B259"
    )  # 10 of 10 units each, 90 of 11, 159 of 12


def test_what_is_within_the_limit_is_spacys() -> None:
    text = PROSE * 50
    assert len(text) > module.SHORT_TEXT_CHARS
    assert list(words(text)) == spacys(text)


def test_what_is_beyond_is_split_at_signs() -> None:
    chunks = NOISE.split()
    rest = chunks_beyond_limit(chunks, "en")
    first = chunks.index(rest[0])
    assert 50 < first < 200
    expected = spacys(" ".join(chunks[:first]))
    assert list(words(NOISE)[: len(expected)]) == expected
    assert words("x " * 200 + NOISE)[-1] == module._WORD_OR_SIGN.findall(chunks[-1])[-1]
    assert "".join(words(NOISE)) == "".join(chunks)


@pytest.mark.parametrize("before", ["", " ".join(reversed(NOISE.split())), PROSE * 20])
def test_it_does_not_matter_what_was_met_before(before: str) -> None:
    cold = words(NOISE), sentence_count(NOISE), WordHashes()(NOISE, "en")
    forget_words()
    hashes = WordHashes()
    for start in range(0, len(before), 200):  # short texts, of which all is remembered
        piece = before[start : start + 200]
        _ = words(piece), sentence_count(piece), hashes(piece, "en")
    warm = words(NOISE), sentence_count(NOISE), hashes(NOISE, "en")
    assert warm[:2] == cold[:2]
    assert np.array_equal(warm[2], cold[2])


def test_noise_leaves_no_trace() -> None:
    hashes = WordHashes()
    short = NOISE[-250:]
    cold = words(short), sentence_count(short), hashes(short, "en").tolist()
    forget_words()
    hashes = WordHashes()
    _ = words(NOISE), sentence_count(NOISE), hashes(NOISE, "en")
    assert (words(short), sentence_count(short), hashes(short, "en").tolist()) == cold


def test_signatures_of_prose_do_not_change() -> None:
    text = " ".join(f"Wörter{n} Ärger" for n in range(60)) + " end"
    long = WordHashes()(text, "de").tolist()
    short = [value for chunk in text.split() for value in WordHashes()(chunk, "de").tolist()]
    assert len(text) > 300
    assert long == short
