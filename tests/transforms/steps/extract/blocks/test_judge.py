"""The compiled loops come to the same columns, chances and verdicts as the arrays, on pages of every kind."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest

from transforms.steps.extract.blocks import judge
from transforms.steps.extract.blocks.alike import Alike
from transforms.steps.extract.blocks.context import context
from transforms.steps.extract.blocks.features import FAR
from transforms.steps.extract.blocks.layout import Layout
from transforms.steps.extract.blocks.lexicon import ClassNames, Lexicon
from transforms.steps.extract.blocks.main_text import page_of
from transforms.steps.extract.blocks.model import Model, Trees, choose, load_model
from transforms.steps.extract.blocks.shape import BLOCK_ROWS, Shape

columns_c = pytest.importorskip("transforms.steps.extract.blocks.columns_c", reason="no compiler built it")
sheet_c = pytest.importorskip("transforms.steps.extract.blocks.sheet_c", reason="no compiler built it")
judge_c = pytest.importorskip("transforms.steps.extract.blocks.judge_c", reason="no compiler built it")

MODEL = load_model()
COMPILED = judge.compiled(MODEL)
WORDS_ROW = BLOCK_ROWS.index("words")
CLASSES = [
    *(
        "entry-content",
        "_author-bio_",
        "3Comment-Body-9",
        "menuItem",
        "HTMLText2",
        "cookie_Notice-17",
        "--footer--",
        "17",
    ),
    *("comment comment", "éntry content", "ÉTÉ", "a\x1cmenu\x85nav", "İnfo", "\U0001f600 share"),
    *("content " * 30, "x" * 190 + " footer menu"),
]
WORDS = [
    *("cookies", "river", "ÜRÜN", "2024", "$5", "«so»", "中文字", "かな", "\U0001f600", "\ud800", "\uffff", "x" * 21),
    *("a", "и", "Новости", "ΟΔΟΣ", "don't", "privacy policy", "read more", "…", "|", "#", "İstanbul", "ﬃ", "ß"),
]
TAGS = [
    *("div", "p", "li", "ul", "ol", "h1", "h2", "h3", "article", "section", "table", "tr", "td", "pre", "blockquote"),
    *("nav", "footer", "main", "a", "br", "hr", "form", "dd", "dt"),
]


def any_page(seed: int) -> str:
    """A page of containers in lists, with texts of a word to some hundreds."""
    draw = random.Random(seed)
    width = draw.choice([127, 255, 0xFFFF, 0x10FFFF])  # of its characters: texts are kept in 1, 2 or 4 bytes each
    words = [word for word in WORDS if ord(max(word)) <= width] + ["The", "pan", "turns,", "and", "gold", "stays."] * 4
    title = " ".join(draw.choices(words, k=draw.randint(1, 9)))
    pieces = [f"<title>{title}</title>", draw.choice(["", '"QAPage"phpbb', '<link rel=canonical href="//a/b/c-d">'])]
    for _ in range(draw.randint(1, 60)):
        tag = draw.choice(TAGS)
        sign = f'<{tag} class="{draw.choice(CLASSES)}">' if draw.random() < 0.6 else f"<{tag}>"
        text = " ".join(draw.choices(words, k=draw.choice([0, 1, 2, 3, 8, 40, 300])))
        text = draw.choice([text, title, title.upper()]) if draw.random() < 0.3 else text
        end = f"</{draw.choice([tag, tag, tag, 'div', 'ul'])}>"
        pieces += draw.choice([[sign, text, end], [sign, text], [sign, text, end] * 4, [end]])
    return "".join(pieces)


HOSTILE = {
    "one letter": "a",
    "no container": "text " * 50,
    "one surrogate": "\ud800",
    "deep": "<div class=a>" * 60 + "text " * 30 + "</div>" * 30 + "more",
    "many parts": "".join(f'<div class="c{number}"><p>text {number}' for number in range(300)),
    "many siblings": "<ul>" + "<li>text" * 300,
    "headings": "<h1>a<h2>b" * 50,
    "known words": "<p>" + "cookies " * 1500,
    "a text of every length to 600": "".join(f"<p>{'é' * number}" for number in range(1, 600)),
    "the last container is empty": "<p>text<div><div>",
}
PAGES = {**HOSTILE, **{f"page {seed}": any_page(seed) for seed in range(60)}}


def laid_out(html: str) -> Layout:
    page = page_of(html)
    assert page.texts
    return page


def compare_columns(page: Layout, at_once: int) -> None:
    shape, n = Shape.of(page), len(page.texts)
    alike = Alike.of(shape)
    columns = judge.first_columns(page, MODEL, shape, alike)
    draw = np.random.default_rng(n)
    chance = np.where(draw.random(n) < 0.5, draw.choice([0, 599, 600, 849, 850, 1000], n), draw.integers(0, 1001, n))
    chance[-1] = 900
    cut = int(chance[choose(chance, shape.words())].min())
    context(columns, shape, alike, chance)
    blocks, nodes, signs = COMPILED.measures.of(page)
    sheet = sheet_c.Sheet(blocks, nodes, signs, list(page.kinds.values()))
    assert judge_c.least_kept(chance.astype(np.int32), blocks[WORDS_ROW]) == cut
    sheet.see(chance.astype(np.int32), cut)
    parts = []
    for start in range(0, n, at_once):
        parts.append(COMPILED.rows(sheet, start, min(n - start, at_once)))
        columns_c.context_of(sheet, parts[-1][COMPILED.firsts :], start)
    ours, theirs = np.concatenate(parts, axis=1), columns.chosen(columns.names)
    differ = (ours != theirs).any(axis=1)
    assert [name for name, other in zip(columns.names, differ, strict=True) if other] == []


@pytest.mark.parametrize("at_once", [1, 7, 2048])
def test_columns_are_the_same(at_once) -> None:
    for html in list(PAGES.values())[:: 1 if at_once > 7 else 9]:
        compare_columns(laid_out(html), at_once)


def test_columns_of_more_blocks_than_distances_are_counted_in_are_the_same() -> None:
    compare_columns(laid_out("<p>x" * (FAR + 99)), 2048)


@pytest.mark.parametrize("at_once", [3, 2048])
def test_verdicts_are_the_same(at_once) -> None:
    found = set()
    for html in PAGES.values():
        page = laid_out(html)
        kept = judge.by_arrays(page, MODEL).tolist()
        assert COMPILED.verdicts(page, at_once).tolist() == kept
        found.update(kept)
    assert found == {False, True}


@pytest.mark.parametrize("depth", [1, 6, 8])
def test_trees_of_any_depth_vote_the_same(depth) -> None:
    draw = np.random.default_rng(depth)
    columns = [f"c{number}" for number in range(9)]
    asked, thresholds = draw.integers(0, 9, (depth, 40), np.int32), draw.integers(-5, 5, (depth, 40), np.int32)
    trees = Trees(columns, asked, thresholds, draw.integers(-500, 500, (40, 1 << depth), np.int32), 70)
    rows = draw.integers(-5, 6, (9, 1003), np.int32)
    chance = np.empty(1003, np.int32)
    judge_c.add_chances(rows, *judge.arguments(trees, columns), chance)
    assert chance.tolist() == trees.chance(rows).tolist() and len(set(chance.tolist())) > 100


def test_the_first_of_equal_cuts_is_taken() -> None:
    for seed in range(200):
        draw = np.random.default_rng(seed)
        chance = draw.choice([0, 1, 500, 999, 1000] if seed % 2 else np.arange(1001), 20)
        words = draw.integers(1, 9, 20)
        least = int(chance[choose(chance, words)].min())
        assert judge_c.least_kept(chance.astype(np.int32), words) == least


def test_a_model_without_words_and_names_says_nothing_of_them() -> None:
    model = Model(Lexicon.of({}), ClassNames({}), MODEL.first, MODEL.second)
    for html in list(PAGES.values())[::5]:
        page = laid_out(html)
        assert judge.verdicts(page, model).tolist() == judge.by_arrays(page, model).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("html", ['<p class="x">text ', "<div>text", "<ul><li>x", '<div class="é"><p>a</div>'])
def test_time_is_linear(html) -> None:
    def seconds(count: int) -> float:
        page = page_of(html * count)
        started = time.process_time()
        judge.verdicts(page, MODEL)
        return time.process_time() - started

    small, large = (min(seconds(count) for _ in range(2)) for count in (6_000, 96_000))
    assert large < 48 * max(small, 0.005)
