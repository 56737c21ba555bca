"""The compiled loops do what the expressions and the Python beside them do, on whole pages and on torn ones."""

from __future__ import annotations

import html
import random
from dataclasses import fields

import numpy as np
import pytest

from transforms.steps.extract import characters
from transforms.steps.extract.blocks import characters as kinds
from transforms.steps.extract.blocks import layout, source, tags
from transforms.steps.extract.blocks.judge import arguments
from transforms.steps.extract.blocks.model import load_model

characters_c = pytest.importorskip("transforms.steps.extract.characters_c", reason="no compiler built it")
source_c = pytest.importorskip("transforms.steps.extract.source_c", reason="no compiler built it")
layout_c = pytest.importorskip("transforms.steps.extract.blocks.layout_c", reason="no compiler built it")
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


NAMES = [
    "div",
    "DIV",
    "p",
    "li",
    "span",
    "a",
    "img",
    "IMG",
    "mjx-math",
    "td",
    "article",
    "blocKquote",
    "dıv",
    "x" * 20,
    "div\0",
    "a\0",
]
KEYS = [
    " class",
    " id",
    " role",
    "\tid",
    "\nid",
    " itemprop",
    " style",
    " hidden",
    " data-id",
    " xid",
    " data-class",
    "class",
]
KEYS += [" CLASS", " Style", " alt", "\xa0id", " ıd", " claſs", "/class", " classes", " aria-hidden", "=", " title"]
VALUES = [*tags.HINTS, "contentinfo", "navBar", "HTMLNav", "adAds", "ad", "ADS", "ads2", "publİ", "linK", "likE-é"]
VALUES += ["display:none", "DISPLAY : None", "visibility\n:\thidden", "display:block", "katex-html", "MathJax", "tex"]
VALUES += [
    "mwe-math-fallback-image-inline",
    "x" * 199 + "nav",
    "x" * 197 + "nav",
    "y" * 195 + " menu",
    "a\x00nav",
    ">",
    " ",
    "'",
    "é",
]


def any_tags(seed: int) -> str:
    """Tags with what tags.py looks for, in the right places and in wrong ones."""
    draw = random.Random(seed)
    page = []
    for _ in range(draw.randint(1, 12)):
        page.append("</" if draw.random() < 0.2 else "<" + draw.choice(NAMES))
        for _ in range(draw.choice([0, 1, 1, 2, 3])):
            quote = draw.choice(['"', '"', '"', "'", ""])
            value = draw.choice(["", " ", "-", "_"]).join(draw.choices(VALUES, k=draw.choice([0, 1, 1, 2, 3])))
            between = draw.choice(["=", "=", "=", " = ", "=\n", "", "=="])
            page.append(draw.choice(KEYS) + between + quote + value + (quote if draw.random() < 0.9 else ""))
        page.append(draw.choice([">", ">", ">", "/>", " >", " /", "\x1d>"]) + draw.choice(["text", " ", ""]))
    return "".join(page)


TEXTS = [
    "text",
    "one two",
    " ",
    "  ",
    "\n",
    "\t",
    "\v",
    "\f",
    "\x1c",
    "\x7f",
    "\x85",
    "\xa0",
    "\xad",
    "\u2028",
    "\ufeff",
    "é",
]
TEXTS += [
    "中文",
    "\ud800",
    "\U0001f600",
    "<br>",
    "<br>",
    "<br> <br>",
    "<b>",
    "</b>",
    "<a href=x>",
    "</a>",
    "<!-- x -->",
    "<",
]
TEXTS += [
    "&amp;",
    "&nbsp;",
    "&AMP;",
    "&lt",
    "&notin;",
    "&notit;",
    "&lang;",
    "&hellip;",
    "&bogus;",
    "&;",
    "&",
    "& ",
    "&#32;",
]
TEXTS += [
    "&#38;",
    "&#039;",
    "&#x2019;",
    "&#X2019;",
    "&#160;",
    "&#173;",
    "&#128;",
    "&#30;",
    "&#0;",
    "&#xd800;",
    "&#xfeff;",
]
TEXTS += [
    "&#x1f600;",
    "&#99999999999999999999;",
    "&#65",
    "&#x;",
    "&#;",
    "&#x41g;",
    "amp;",
    "#39;",
    "&thetasym;",
    "&thetasyms;",
]
TEXTS += ["<p>", "<pre>", "</pre>", "<hr>", '<math alttext="x">x</math>', '<img class="tex" alt="y">', "<td>"]


def any_text(seed: int) -> str:
    """Texts with white space, line breaks and references of every kind."""
    draw = random.Random(seed)
    width = draw.choice([127, 255, 0xFFFF, 0x10FFFF])
    return "".join(draw.choices([text for text in TEXTS if max(map(ord, text)) <= width], k=draw.randint(1, 40)))


PAGES = [any_page(seed) for seed in range(1500)]


def test_tags_and_elements_without_text_are_found_alike() -> None:
    silent = source_c.Silent(source.NO_TEXT, source.TO_THE_END, source.formula, html.unescape)
    for page in PAGES:
        assert source_c.split_tags(page) == source.TAG.split(page)
        for noscript in (False, True):
            assert silent.without_silent(page, noscript) == source.without_silent(page, noscript)


def test_kinds_of_pages_are_told_alike() -> None:
    told = [source.kinds_of(page) for page in PAGES]
    assert [source.compiled_kinds()(page) for page in PAGES] == told
    assert all(any(kinds[name] for kinds in told) for name in source.KINDS)


def test_what_is_impossible_goes_alike(monkeypatch) -> None:
    compiled = [characters.without_impossible(page) for page in PAGES]
    found = [characters_c.has_impossible(page) for page in PAGES]
    assert found == [characters.IMPOSSIBLE.search(page) is not None for page in PAGES]
    monkeypatch.setattr(characters, "characters_c", None)
    assert [characters.without_impossible(page) for page in PAGES] == compiled
    same = sum(page == other for page, other in zip(PAGES, compiled, strict=True))
    assert same > 50 and len(PAGES) - same > 100


def require_same_layout(page: str) -> None:
    taken = source.read_source(page)
    ours, theirs = layout.lay_out(taken), layout_c.lay_out(taken)
    for name in (field.name for field in fields(ours)):
        one, other = getattr(ours, name), getattr(theirs, name)
        assert other == one if name in ("title", "kinds", "numbers") else list(other) == list(one), (name, page)


def test_layouts_are_the_same() -> None:
    for page in PAGES:
        require_same_layout(page)


def test_tags_say_the_same() -> None:
    for seed in range(1500):
        require_same_layout(any_tags(seed))


def test_texts_are_tidied_alike() -> None:
    for seed in range(1500):
        require_same_layout(any_text(seed))


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
