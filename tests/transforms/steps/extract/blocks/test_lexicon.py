"""Words and their votes: how a text is taken apart, what is counted, and the columns that come of it."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.steps.extract.blocks.features import LEVEL_OF, Columns
from transforms.steps.extract.blocks.lexicon import (
    CLASS_NAMES,
    FEW,
    MOST,
    NAMES,
    ClassNames,
    Lexicon,
    names_of,
    words_of,
)
from transforms.steps.extract.blocks.main_text import page_of
from transforms.steps.extract.blocks.shape import BLOCK_ROWS, Shape

WORDS = Lexicon.of({"cookies": [-5, -9, -7], "river": [1, 2, 3], "ürün": [10, 20, 30], "οδοσ": [4, 5, 6]})
TEXTS = [
    *("River, cookies; COOKIES!", "ÜRÜN İürün ürün", "ΟΔΟΣ Οδός", "中river文cookies", "rivers", "a", "3river3", "…"),
    *("river " * (MOST + 7), "x" * 21 + " river", "cookies-river_river"),
]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't PANIC", ["don", "panic"]),
        ("A day", ["day"]),
        ("Straße, ÉTÉ 2024", ["straße", "été"]),
        ("中文 word", ["word"]),
        ("a" * 20 + " " + "b" * 21, ["a" * 20]),
    ],
)
def test_words_are_runs_of_letters_in_small_ones(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_known_words_are_counted_and_their_votes_added() -> None:
    texts = ["River and cookies, cookies", "nothing known", "river and cookies"]
    found = WORDS.counts(texts, np.array([True, False, False]), np.array([True, False, False]))
    assert found.T.tolist() == [
        [3, -9, -3, -5, 1, -11, -7, 3],  # -9 ÷ 4 rounded down
        [0, 0, 0, 0, 0, -11, -7, 3],
        [2, -7, -3, -9, 2, -11, -7, 3],
    ]


def test_the_compiled_loop_counts_the_same() -> None:
    measures_c = pytest.importorskip("transforms.steps.extract.blocks.measures_c", reason="no compiler built it")
    tags = ("p", "h2", "div")
    page = page_of("".join(f"<{tags[number % 3]}>{text}" for number, text in enumerate(TEXTS)))
    assert page.texts == [text.strip() for text in TEXTS]
    shape = Shape.of(page)
    ours = WORDS.counts(page.texts, shape.words() < FEW, LEVEL_OF[shape.code[shape.node]] > 0)
    counted = measures_c.Measures(WORDS, ClassNames({})).of(page)[0][BLOCK_ROWS.index(NAMES[0]) :]
    assert counted.tolist() == ours.tolist() and max(ours[0]) == MOST
    assert min(ours[2]) < 0 < max(ours[2])


def test_no_text_and_no_word_are_no_trouble() -> None:
    assert Lexicon.of({}).counts(["river"], np.array([True]), np.array([False])).tolist() == [[0]] * len(NAMES)


def test_a_heading_speaks_for_what_stands_below_it() -> None:
    long = "river " * FEW
    page = page_of(f"<p>first<h2>Cookies</h2><p>{long}<p>river<h2>Else</h2><p>last")
    columns = Columns(len(page.texts))
    WORDS.add(columns, page, Shape.of(page))
    assert page.texts == ["first", "Cookies", long.strip(), "river", "Else", "last"]
    assert columns.chosen(["votes_of_words", "heading_sum_vote"]).tolist() == [
        [0, -5, 2 * FEW, 1, 0, 0],
        [0, -7, -7, -7, 0, 0],
    ]


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("Post-body2", ["post-body", "post", "body"]),
        ("menuItem", ["menuitem", "menu", "item"]),
        ("menu-item-17", ["menu-item", "menu", "item"]),
        ("x", ["x", "x"]),
    ],
)
def test_names_in_classes_are_whole_ones_and_their_words(name: str, names: list[str]) -> None:
    assert names_of(name) == names


def test_names_of_all_containers_vote() -> None:
    page = page_of('<div class="site"><div class="menu"><div class="entry menu"><p class="x">a</div>b</div></div>c')
    shape, names = Shape.of(page), ClassNames({"site": 1, "menu": -20, "entry": 5})
    columns = Columns(3)
    names.add(columns, shape)
    rows = dict(zip(CLASS_NAMES, columns.chosen(CLASS_NAMES).tolist(), strict=True))
    assert page.texts == ["a", "b", "c"]
    assert (rows["class_sum_1"], rows["class_sum_3"], rows["class_sum_12"]) == (
        [0, -20, 0],
        [-35, -19, 0],
        [-34, -19, 0],
    )
    assert (rows["class_least_3"], rows["class_most_12"]) == ([-20, -20, 0], [5, 1, 0])
    assert rows["class_top"] == [-20, -20, 0] and set(names.met) == {
        "body",
        "div site",
        "div menu",
        "div entry menu",
        "p x",
    }
