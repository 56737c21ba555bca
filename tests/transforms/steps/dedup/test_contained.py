"""How much of a text stands in another: words in runs of three, as they are written but for case."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest

from transforms.steps.dedup import contained as module
from transforms.steps.dedup.contained import RUN, WordRuns, share_contained


def share(text: str, other: str) -> float:
    runs = WordRuns()
    return share_contained(runs(text), np.sort(runs(other)))


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


def test_what_it_remembers_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [" ".join(f"w{number * step}" for number in range(50)) for step in range(1, 9)]
    expected = [WordRuns()(text).tolist() for text in texts]
    monkeypatch.setattr(module, "MAX_REMEMBERED", 60)
    runs = WordRuns()
    assert [runs(text).tolist() for text in texts] == expected


@pytest.mark.slow
def test_endless_texts_take_no_time() -> None:
    started = time.process_time()
    for text in ("a" * 1_000_000, "漢" * 1_000_000, "a " * 500_000, "\u0301" * 1_000_000):
        assert share(text, text) == 1
    assert time.process_time() - started < 4
