"""The trees by hand, the choice of blocks, and the committed model."""

import json
from hashlib import sha256
from itertools import chain

import numpy as np
import pytest

from transforms.steps.extract.blocks.judge import with_code
from transforms.steps.extract.blocks.lexicon import SETS, names_of, words_of
from transforms.steps.extract.blocks.main_text import main_text, page_of
from transforms.steps.extract.blocks.model import ASSET, Trees, chances, choose, load_model

TREES = Trees.of(
    {
        "columns": ["a", "b"],
        "bias": 5,
        "trees": [
            {"if": [[0, 3], [1, -1]], "then": [10, 20, 30, 40]},
            {"if": [[1, 0], [1, 7]], "then": [100, 200, 300, 400]},
        ],
    }
)


@pytest.mark.parametrize(
    ("a", "b", "votes"),
    [
        (3, -1, 5 + 10 + 100),
        (4, -1, 5 + 20 + 100),
        (3, 0, 5 + 30 + 100),
        (4, 1, 5 + 40 + 200),
        (4, 8, 5 + 40 + 400),
    ],
)
def test_answers_are_the_bits_of_the_leaf(a, b, votes) -> None:
    assert TREES.votes(np.array([[a], [b]], np.int32)).tolist() == [votes]


def test_blocks_are_judged_one_by_one() -> None:
    rows = np.array([[3, 4, 4] * 2000, [-1, -1, 8] * 2000], np.int32)
    one_by_one = [int(TREES.chance(rows[:, [index]])[0]) for index in range(3)]
    assert TREES.chance(rows).tolist() == one_by_one * 2000


def test_chances_are_the_logistic_function() -> None:
    table = chances()
    assert (table[0], table[len(table) // 2], table[-1]) == (0, 500, 1000)
    assert int(table[(8000 + 1000) // 20]) == 731  # 1 ÷ (1 + 1/e)


@pytest.mark.parametrize(
    ("chance", "kept"),
    [
        ([900, 900, 100], [True, True, False]),
        ([900, 900, 550], [True, True, False]),
        ([900, 900, 650], [True, True, True]),
        ([200, 200, 200, 10], [True, True, True, False]),
    ],
)
def test_the_threshold_follows_the_page(chance, kept) -> None:
    assert choose(np.array(chance), np.full(len(chance), 10)).tolist() == kept


def test_the_committed_model_is_this_one() -> None:
    assert sha256(ASSET.read_bytes()).hexdigest() == "1aa92569307167735520f4f4623fc53c31f50d73d564596c3a37ab642c1d9e59"
    assert ASSET.stat().st_size < 200_000


def test_the_model_is_integers_and_says_how_it_was_made() -> None:
    data = json.loads(ASSET.read_text("utf-8"))
    assert set(data) == {"made", "words", "names", "first", "second"}
    assert all(len(votes) == len(SETS) and set(map(type, votes)) == {int} for votes in data["words"].values())
    assert all(words_of(word) == [word] for word in data["words"])
    assert {type(vote) for vote in data["names"].values()} == {int}
    assert all(name in names_of(name) for name in data["names"])
    for part in (data["first"], data["second"]):
        numbers = [number for tree in part["trees"] for number in (*chain(*tree["if"]), *tree["then"])]
        assert {type(number) for number in numbers} == {int}
    assert load_model().first.leaves.shape[1] == 64


PARAGRAPH = "The pan turns slowly, and the light sand leaves it with the water while the heavy grains stay behind. "


def test_an_article_comes_out_without_menu_and_footer() -> None:
    links = "".join(f'<li><a href="/{number}">Section {number}</a></li>' for number in range(8))
    html = (
        f'<title>Gold in the gravel</title><body><nav class="menu"><ul>{links}</ul></nav><main><article class="entry">'
        f"<h1>Gold in the gravel</h1>{f'<p>{PARAGRAPH * 2}</p>' * 5}</article></main>"
        '<footer class="footer"><p>© 2024 <a href="/imprint">Imprint</a></p></footer>'
    )
    expected = "\n".join(["Gold in the gravel", (PARAGRAPH * 2).strip()])
    assert main_text(html) == expected  # the four copies of the paragraph are written once


@pytest.mark.parametrize(
    ("shown", "hidden", "read"),
    [(0, 400, True), (0, 399, False), (40, 400, True), (41, 400, False), (400, 9000, False)],
)
def test_noscript_is_read_only_where_a_page_has_hardly_another_text(shown, hidden, read) -> None:
    page = page_of(f"<p>{'a' * shown}</p><noscript><p>{'b' * (hidden - shown)}</p></noscript>")
    assert ("b" in "".join(page.texts)) == read


@pytest.mark.parametrize(
    ("html", "kept", "expected"),
    [
        ("<p>a<pre>b</pre><pre>c</pre>", [True, False, False], [True, True, True]),
        ("<p>a<pre>b</pre><p>c", [False, False, True], [False, False, True]),
        ("<p>a<p>b<pre>c</pre>", [True, False, False], [True, False, False]),
    ],
)
def test_code_goes_with_the_text_before_it(html, kept, expected) -> None:
    assert with_code(page_of(html), np.array(kept)).tolist() == expected
