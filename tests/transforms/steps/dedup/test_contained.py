"""How much of a text stands in another: words in runs of three, as they are written but for case."""

from __future__ import annotations

import random
import time
from itertools import product

import numpy as np
import pytest

from transforms.steps.dedup import contained as module
from transforms.steps.dedup.contained import RUN, share_contained, with_ascii_blanks, word_hashes, word_runs


def share(text: str, other: str) -> float:
    return share_contained(word_runs(text), np.sort(word_runs(other)))


@pytest.mark.parametrize(
    ("text", "other", "expected"),
    [
        ("a b c d e", "a b c d e", 1),
        ("A B\nC  D\u3000E", "a b c d e", 1),  # case and white space
        ("a b c d e", "x a b c d e y", 1),
        ("x a b c d e", "a b c d e", 5 / 6),  # not the other way round
        ("a b c d e f g x h i j", "a b c d e f g h i j", 10 / 11),  # one word costs one word
        ("a b x c d", "a b c d", 0),  # but what is left must be runs of three
        ("price 10 euros a piece", "price 12 euros a piece", 3 / 5),  # numbers are themselves
        ("a b c a b c a b c", "a b c", 1),  # however often it says it
        ("a b c d", "d c b a", 0),
        ("a b", "a b", 1),
        ("a b", "a b c", 0),  # a text of two words is a run of its own
        ("漢字仮名交", "x漢字仮名交y", 1),
        ("漢字仮名交", "漢字仮交", 3 / 5),
        ("漢字 仮名", "漢字仮名", 1),  # blanks mean nothing there
        ("กขคง", "กขค", 3 / 4),
        ("", "a b c", 0),
        ("a b c", "", 0),
    ],
)
def test_share_of_words(text: str, other: str, expected: float) -> None:
    assert share(text, other) == pytest.approx(expected)


def test_it_is_what_comparing_words_gives() -> None:
    """By sets of tuples of words, without hashes."""
    draw = random.Random(1)
    for _ in range(300):
        one, other = ([draw.choice("abcd") for _ in range(draw.randrange(RUN, 30))] for _ in range(2))
        there = {tuple(other[place : place + RUN]) for place in range(len(other) - RUN + 1)}
        covered = set()
        for place in range(len(one) - RUN + 1):
            if tuple(one[place : place + RUN]) in there:
                covered |= set(range(place, place + RUN))
        assert share(" ".join(one), " ".join(other)) == pytest.approx(len(covered) / len(one))


@pytest.mark.parametrize(
    "text", ["a\x1cb\x0bc d", "caf\xe9\xa0au\u2003lait\u3000NOIR", "\ud800 a b", "\x00 \x01 b", " a b\t", "\u0130 I"]
)
def test_words_are_those_of_split(text: str) -> None:
    """Whatever white space is between them, and wherever they stand."""
    words = text.lower().split()
    expected = [word_hashes(word.encode("utf-8", "surrogatepass")).tolist() for word in words]
    assert word_hashes(with_ascii_blanks(text)).tolist() == [number for one in expected for number in one]
    assert list(map(len, expected)) == [1] * len(words)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join("w" * (number % 40) + str(number) for number in range(300)).encode()
    expected = word_hashes(text).tolist()
    assert len(set(expected)) == 300
    monkeypatch.setattr(module, "BLOCK_BYTES", 32)
    assert word_hashes(text).tolist() == expected


def test_different_words_have_different_hashes() -> None:
    words = ["".join(letters) for count in range(1, 4) for letters in product("abcdefghij0123456789\xe9", repeat=count)]
    assert len(set(word_hashes(" ".join(words).encode()).tolist())) == len(words)


@pytest.mark.slow
def test_endless_texts_take_no_time() -> None:
    started = time.process_time()
    for text in ("a" * 1_000_000, "漢" * 1_000_000, "a " * 500_000, "\u0301" * 1_000_000):
        assert share(text, text) == 1
    assert time.process_time() - started < 4
