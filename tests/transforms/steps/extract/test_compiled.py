"""The compiled loops do what the expressions and the Python beside them do, on whole pages and on torn ones."""

from __future__ import annotations

import random
from dataclasses import fields

import numpy as np
import pytest

from transforms.steps.extract import characters
from transforms.steps.extract.blocks import characters as kinds
from transforms.steps.extract.blocks import layout, source
from transforms.steps.extract.blocks.judge import arguments
from transforms.steps.extract.blocks.model import load_model

source_c = pytest.importorskip("transforms.steps.extract.source_c", reason="no compiler built it")
blocks_c = pytest.importorskip("transforms.steps.extract.blocks.blocks_c", reason="no compiler built it")
judge_c = pytest.importorskip("transforms.steps.extract.blocks.judge_c", reason="no compiler built it")
measures_c = pytest.importorskip("transforms.steps.extract.blocks.measures_c", reason="no compiler built it")

PIECES = [
    *(
        "<",
        ">",
        '"',
        "'",
        "=",
        "/",
        "!",
        "<!--",
        "-->",
        "<!x>",
        "<?x>",
        "</",
        "</p x='>'>",
        "<p ",
        "<a href=x>",
        "</a>",
    ),
    *("<script>", "</script>", "</SCRIPT >", "<ſcript>", "<style>", "</style", "<svg/>", "<svg>", "</svg>", "<math>"),
    *('<math alttext="x">', "</math>", '<script type="math/tex">x</script>', "<noscript>", "</noscript>", "<title>"),
    *(
        "</title>",
        "<textarea>",
        "<table>",
        "</table>",
        "<tr>",
        "<td>",
        "</td>",
        "<ol>",
        "<li>",
        "</ol>",
        "<dl>",
        "<dt>",
    ),
    *("<dd>", "<pre>", "</pre>", "<p>", "</p>", "<br>", "<hr>", "<div class='nav x'>", "</div>", "<h1>", "</h1>"),
    *('<span class="katex-html">', "</span>", '<img class="tex" alt="x^2">', "<img src=a>", "<link x>", "<meta x>"),
    *(
        "text",
        "more text ",
        "\n",
        "\t",
        " ",
        "  ",
        "\xa0",
        "\u2003",
        "\xad",
        "\ufeff",
        "\x1e",
        "\x1f",
        "\x00",
        "é",
        "中",
    ),
    *("文，", "\U0001f600", "\ud800", "\uffff", "&", "&amp;", "&#", "&#39;", "&#x41;", "&#128;", "&#1;", "&#xd800;"),
    *("&#65", "&#65x", "&#1234567890;", "&#&#65;", "x&#65;", "&&#65;", "&#x;", '"Product"', "phpbb"),
    *('"QAPage"', "php"),
    *('"CollectionPage"', 'og:type" content="website', "Shopify", "MkDocs", '"FAQPage"'),
    *('"Service"', '"Review"', "og:price:amount"),
    *("product:price", "article:published_time", "published_time", "Shop"),
    *("vbulletin", "xenForo", 'NewsArticle"', "Article", '"BlogPosting"', "A", "P", "Q"),
]


def any_page(seed: int) -> str:
    draw = random.Random(seed)
    width = draw.choice([127, 255, 0x10FFFF])  # of its characters: strings are kept in one, two or four bytes each
    pieces = [piece for piece in PIECES if max(map(ord, piece)) <= width]
    return "".join(draw.choices(pieces, k=draw.randint(1, 120)))


PAGES = [any_page(seed) for seed in range(1500)]


def every(find, page: str) -> list[tuple]:
    found, at = [], 0
    while (one := find(page, at)) is not None:
        found.append(one)
        at = one[1]
    return found


def test_tags_and_elements_without_text_are_found_alike() -> None:
    next_opening = source_c.Openings(source.NO_TEXT).find
    for page in PAGES:
        assert source_c.split_tags(page) == source.TAG.split(page)
        assert every(next_opening, page) == every(source.find_opening, page)
        for name in source.NO_TEXT:
            close = [every(lambda page, at, find=find: find(page, name, at), page)  # noqa: B023
                     for find in (source.find_closing, source_c.find_closing)]  # fmt: skip
            assert close[0] == close[1]


def test_kinds_of_pages_are_told_alike() -> None:
    told = [source.kinds_of(page) for page in PAGES]
    assert [source.compiled_kinds()(page) for page in PAGES] == told
    assert all(any(kinds[name] for kinds in told) for name in source.KINDS)


def test_a_page_taken_for_possible_is_left_as_it_is(monkeypatch) -> None:
    monkeypatch.setattr(characters, "is_possible", None)
    possible = [page for page in PAGES if source_c.is_possible(page)]
    assert [characters.without_impossible(page) for page in possible] == possible
    changed = [page for page in PAGES if characters.without_impossible(page) != page]
    assert len(possible) > 50 and len(changed) > 100


def test_layouts_are_the_same() -> None:
    for page in PAGES:
        taken = source.read_source(page)
        ours, theirs = layout.lay_out(taken), blocks_c.lay_out(taken)
        for name in (field.name for field in fields(ours)):
            one, other = getattr(ours, name), getattr(theirs, name)
            assert other == one if name in ("title", "kinds", "numbers") else list(other) == list(one), name


def test_characters_are_counted_alike() -> None:
    model = load_model()
    measures = measures_c.Measures(model.words, model.names)
    for page in PAGES:
        laid_out = layout.lay_out(source.read_source(page))
        if texts := laid_out.texts:
            ours = kinds.counts(texts, np.array([len(text) for text in texts]))
            assert (measures.of(laid_out)[0][: len(kinds.KINDS)] == ours).all()


def test_votes_are_the_same() -> None:
    trees = load_model().second
    rows = np.random.default_rng(1).integers(-50, 2000, (len(trees.columns), 3000), np.int32)
    chance = np.empty(3000, np.int32)
    judge_c.add_chances(rows, *arguments(trees, trees.columns), chance)
    assert (chance == trees.chance(rows)).all()
