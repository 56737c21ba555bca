"""Each edit in C leaves the tree that trafilatura's own function leaves, on trees that no page would be as bad as."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import copy
from functools import cache
from typing import Any

import pytest
from lxml.etree import XPath, tostring
from lxml.html import HTMLParser, fromstring
from trafilatura import htmlprocessing, main_extractor, readability_lxml, xpaths
from trafilatura.settings import MANUALLY_CLEANED, MANUALLY_STRIPPED, Extractor
from trafilatura.utils import trim

from transforms.steps.extract.trafilatura_231 import install, rules
from transforms.steps.extract.trafilatura_231.edits import Edits
from transforms.steps.extract.trafilatura_text import HIDDEN

pytestmark = pytest.mark.skipif(install.compiled() is None, reason="the extensions are not built here")

OPTIONS = Extractor(precision=True, comments=False)
TAGS = [
    *(
        "div",
        "div",
        "p",
        "p",
        "p",
        "a",
        "a",
        "a",
        "span",
        "section",
        "article",
        "ul",
        "ol",
        "li",
        "li",
        "dl",
        "dd",
        "dt",
    ),
    *("table", "table", "tr", "td", "th", "h1", "h2", "b", "i", "em", "sub", "sup", "br", "hr", "blockquote", "pre"),
    *("q", "del", "details", "summary", "strong", "header", "figure", "form", "img", "font", "code", "main", "script"),
    *("list", "item", "p", "td", "body", "style"),
    *MANUALLY_CLEANED,
    *MANUALLY_STRIPPED,
]
WORDS = [
    "gold ",
    "in, the, ",
    "\xa0",
    " ",
    "\n",
    "",
    "",
    "",
    "",
    "the gravel stays behind, ",
    "\u2003",
    "Å\u3000",
    "é" * 40,
    "x" * 130,
]
VALUES = [
    *("sidebar", "footer", "content", "teaser", "caption", "comments", "hidden", "link", "bottom", "post", "x", "y"),
    *("w3-code", "hljs-x", "schema-faq-question", "presentation", "none", "border: 0", "infinite-scroll", "menu"),
    *("article-body", "elementor-share-buttons", "negative promo", "main story", "mvp-post-add-box", "tweet"),
]
NAMES = ["class", "class", "class", "id", "style", "role", "href", "data-x", "title"]


def page(seed: int) -> Any:
    """A page of tags as they fall, as the parser mends it, and of elements where no parser would put them."""
    chance = random.Random(seed)
    source, open_tags = ["<html><head><title>t</title></head><body>"], []
    for _ in range(chance.choice([20, 150, 400])):
        if open_tags and chance.random() < 0.45:
            source.append(f"</{open_tags.pop()}>")
        else:
            tag = chance.choice(TAGS)
            attributes = " ".join(
                f'{name}="{chance.choice(VALUES)}"' for name in chance.sample(NAMES, chance.choice([0, 0, 1, 2]))
            )
            source.append(f"<{tag} {attributes}>")
            open_tags.append(tag)
        source.append(chance.choice(WORDS))
    tree = fromstring("".join(source), parser=HTMLParser(remove_comments=True, remove_pis=True, encoding="utf-8"))
    if chance.random() < 0.5:  # of one name inside one another, which the parser doesn't allow of forms and tables
        elements = list(tree.iter("form", "table", "aside", "figure", "nav", "div", "a", "p"))[1:]
        for element in chance.sample(elements, len(elements) // 3):
            into = chance.choice(elements)
            if into is not element and element not in into.iterancestors():
                into.append(element)
    return tree


@cache
def pages() -> list[Any]:
    """Made when a test asks, not while tests are collected."""
    return [page(seed) for seed in range(400)]


@pytest.fixture(scope="module")
def edits() -> Edits:
    return Edits(HIDDEN)


def as_text(tree: Any) -> str:
    return tostring(tree, encoding="unicode")


def in_place(edit: Callable[[Any], Any]) -> Callable[[Any], str]:
    def edited(tree: Any) -> str:
        copied = copy(tree)
        edit(copied)
        return as_text(copied)

    return edited


def assert_alike(theirs: Callable[[Any], str], ours: Callable[[Any], str], trees: list[Any], at_least: int) -> None:
    changed = 0
    for number, tree in enumerate(trees):
        before, expected = as_text(tree), theirs(tree)
        assert ours(tree) == expected, number
        assert as_text(tree) == before, "what is taken out for a copy is put back"
        changed += expected != before
    assert changed >= at_least, "the trees have what is taken out"


def cleaned(tree: Any) -> Any:
    return htmlprocessing.tree_cleaning(copy(tree), OPTIONS)


def converted(tree: Any) -> Any:
    return htmlprocessing.convert_tags(cleaned(tree), OPTIONS)


def plain(edits: Edits) -> list[Any]:
    fit = [tree for tree in pages() if edits.fit(tree)]
    assert len(fit) > 250
    return fit


def test_hidden_and_comments(edits: Edits) -> None:
    hidden = [XPath("|".join(f"//{name}" for name in HIDDEN))]
    theirs = in_place(lambda tree: htmlprocessing.prune_unwanted_nodes(tree, hidden))
    assert_alike(theirs, in_place(edits.remove_hidden), pages(), 100)
    comments = [*xpaths.RAW_TREE_PRUNE_XPATH, *xpaths.REMOVE_COMMENTS_AND_LISTS_XPATH]
    theirs = in_place(lambda tree: htmlprocessing.prune_unwanted_nodes(tree, comments))
    assert_alike(theirs, in_place(edits.remove_comments), pages(), 40)


def test_cleaning(edits: Edits) -> None:
    assert_alike(lambda tree: as_text(cleaned(tree)), lambda tree: as_text(edits.cleaned(tree)), plain(edits), 250)


def test_conversion(edits: Edits) -> None:
    def ours(tree: Any) -> str:
        copied = edits.cleaned(tree)
        edits.convert(copied)
        return as_text(copied)

    assert_alike(lambda tree: as_text(converted(tree)), ours, plain(edits), 250)
    trees = [tree for tree in pages() if tree.find(".//math") is None and tree.find(".//graphic") is None]
    theirs = in_place(lambda tree: htmlprocessing.convert_tags(tree, OPTIONS))
    assert_alike(theirs, in_place(edits.convert), trees, 250)


def test_sections_of_parts_and_wholes(edits: Edits) -> None:
    def theirs(tree: Any) -> Any:
        return main_extractor.prune_unwanted_sections(tree, {"p", "table"}, OPTIONS)

    trees = [converted(tree) for tree in plain(edits)]
    assert_alike(in_place(theirs), in_place(edits.sections), trees, 60)
    parts = 0
    for tree in trees:
        for place in range(0, sum(1 for _ in tree.iter()), 3):
            left, right = (list(copy(tree).iter())[place] for _ in range(2))
            roots = [element.getroottree().getroot() for element in (left, right)]
            theirs(left)
            edits.sections(right)
            assert as_text(left) == as_text(right)
            assert as_text(roots[0]) == as_text(roots[1]), "of what is around the part, no more and no less goes"
            parts += 1
    assert parts > 400


def test_readability(edits: Edits) -> None:
    found = 0
    for tree in plain(edits):
        raw = htmlprocessing.prune_unwanted_nodes(copy(tree), xpaths.OVERALL_DISCARD_XPATH)
        theirs = readability_lxml.Document(raw, min_text_length=25).summary()
        assert edits.readability(edits.readable.copy_without(tree), lambda _: False).summary() == theirs
        found += len(theirs) > 200
    assert found > 100


def test_an_article_too_short_to_win_ends_readability(edits: Edits) -> None:
    ended = 0
    for tree in plain(edits):
        theirs = edits.by_readability(tree, 0)
        assert theirs is not None, "asked for its text whatever its length, it gives it"
        chars = len(trim(tostring(theirs, method="text", encoding="unicode")))
        for wins_from in (chars // 2 or 1, chars or 1):
            ours = edits.by_readability(tree, wins_from)
            if chars:
                assert ours is not None and as_text(ours) == as_text(theirs), "it has as many as it takes to win"
        ours = edits.by_readability(tree, 20 * chars + 5000)
        ended += ours is None or len(ours) == 0
    assert ended > 200


def test_attributes_that_nothing_asks_for_go_and_others_stay_in_order(edits: Edits) -> None:
    gone = 0
    for tree in pages():
        expected = copy(tree)
        for element in expected.iter("*"):
            for name in ("href", "data-x", "title"):
                gone += element.attrib.pop(name, None) is not None
        shed = copy(tree)
        edits.shed(shed)
        for element in (*expected.iter("*"), *shed.iter("*")):
            for name in set(element.attrib) - set(NAMES) - {"type"}:
                del element.attrib[name]
        assert as_text(shed) == as_text(expected)
    assert gone > 1000


def test_what_is_not_elements_and_text_is_left_to_trafilatura(edits: Edits) -> None:
    assert edits.fit(fromstring("<html><body><p>a</p></body></html>"))
    for source in ("<math><mi>x</mi></math>", "<graphic src='a.png'>", "<!-- a -->", "<?php a ?>"):
        assert not edits.fit(fromstring(f"<html><body><p>a</p>{source}</body></html>"))
    assert not edits.fit(fromstring("<html><body><p>a</p></body></html>")[0]), "a part of a document"


def test_paragraphs_are_measured_over_the_whole_document(edits: Edits) -> None:
    for tree in pages():
        chars = len("".join(tree.xpath("//p//text()")))
        within = list(tree.iter("*"))[-1]
        assert edits.nodes.has_paragraphs(within, chars + 1) is False
        assert chars == 0 or edits.nodes.has_paragraphs(within, chars) is True


def test_lengths_are_those_of_trimmed_text(edits: Edits) -> None:
    spaces = "".join(chr(code) for code in range(0x110000) if chr(code).isspace())
    tree = fromstring("<html><body><p>a</p><p>b</p></body></html>")
    allowed = [space for space in spaces if space >= " " or space in "\t\n\r"]
    assert len(allowed) > 20
    near = [chr(ord(space) + step) for space in allowed if space > "~" for step in (-1, 1)]
    for character in [*allowed, *near]:
        tree[0][0].text = f"{character}a{character}{character}, b"
        tree[0][1].text = f"{character}c{character}"
        expected = trim(tree.text_content())
        assert edits.nodes.text_length(tree) == len(expected), repr(character)
        assert edits.nodes.length_and_commas(tree) == (len(expected), expected.count(","))


def test_rules_shared_by_two_walks_are_one_finder(edits: Edits) -> None:
    from transforms.steps.extract.trafilatura_231 import walk_c

    finder = walk_c.finder_of(rules.HIDDEN)
    assert walk_c.finder_of(finder) is finder and finder.rule is rules.HIDDEN
