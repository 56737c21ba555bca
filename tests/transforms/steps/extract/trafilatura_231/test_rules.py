"""Each rule finds what trafilatura's own XPath finds, walked in Python or in C."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from lxml import html
from trafilatura import xpaths

from support.paths import ROOT
from transforms.steps.extract.trafilatura_231 import install, rules, walk

WALKS = {"python": install.IN_PYTHON, "compiled": install.compiled()}
TAGS = [*rules.BLOCKS, *rules.CONTAINERS, "aside", "details", "ul", "ol", "h1", "a", "body", "table"]
# Whole values that rules ask for, pieces of their patterns, and what comes near to them.
VALUES = [
    *("post", "entry", "articleContent", "article-content", "article__body", "articleBody", "body-text"),
    *("Body-Text", "post-text", "post_content", "postentry", "postContent", "articletext", "articleText"),
    *("page-content", "Page-content", "Main-content", "main-content", "content-main", "contentBody", "content"),
    *("content__body", "primary-x", "xprimary", "story", "story-body", "article", "postarea", "cell", "FullText"),
    *("article", "x-article", "theme-content", "hidden", "comments", "comment-list", "Commentary", "commentary"),
    *("Comment", "comolx", "disqus_thread", "xdisqus_thread", "dsq-comments", "post-comments", "mvp-post-add-box"),
    *("mvp-post-add-wrap", "infinite-scroll", "infinitescroll", "elementor-share-buttons", "shar", "share"),
    *("xshare", "Share", "social", "viral", "newsletter", "cookie", "xcookie", "tags", "sidebar", "bread-crumb"),
    *("breadcrumb", "button", "author", "jp-x", "dpsp-content", "bmdh", "footer", "Footer", "nav", "Nav", "menu"),
    *("related", "message-container", "premium", "ad-x", "xad-x", "subnav", "avigation", "navbar", "bar", "dfpAd"),
    *("dfpad", "outbrain", "paidcontent", "widget", "byline", "share-", "sociable", "embed", "tag-list"),
    *("consent", "modal-content", "elated", "next-", "most-popular", "meta", "rating", "user-info", "-icon"),
    *("slide", "overlay", "options", "expand", "blurred", "mol-factbox", "yin", "nfoline", "comments-title"),
    *("reply-1", "-reply-", "message", "akismet", "reader-comments", "suggest-links", "hide-x", "x-hide-"),
    *("hide-print", "hide", "noprint", "notloaded", "bottom", "xbottom", "bottomx", "page-bottom", "link"),
    *("permalink", "teaser", "Teaser", "TEASER", "caption", "display:none", "border:0", "navigation"),
    *("Navigation", "MostPopularStories", "true", "false", "display:none", "display: none", "caption"),
    *("caption-x", "Caption", "elementor-share-buttons", "x-elementor-share-buttons-y"),
]
NAMES = ["id", "class", "style", "role", "itemprop", "data-component", "data-lp-replacement-content", "aria-hidden"]

ORIGINALS: list[tuple[str, Any, Callable[[Any], Any]]] = [
    ("boilerplate", xpaths.OVERALL_DISCARD_XPATH[0], lambda way: way.find_all(rules.BOILERPLATE)),
    ("hidden", xpaths.OVERALL_DISCARD_XPATH[1], lambda way: way.find_all(rules.HIDDEN)),
    ("comments", xpaths.REMOVE_COMMENTS_XPATH[0], lambda way: way.find_all(rules.COMMENTS)),
    (
        "comments and lists",
        xpaths.REMOVE_COMMENTS_AND_LISTS_XPATH[0],
        lambda way: install.Each(way.find_all(rules.COMMENTS), way.find_all(rules.COMMENT_LISTS)),
    ),
    ("follow-ups", xpaths.RAW_TREE_PRUNE_XPATH[0], lambda way: install.FollowUps(way.find_all(rules.FOLLOW_UP))),
    ("share buttons", xpaths.RAW_TREE_PRUNE_XPATH[1], lambda way: way.find_all(rules.SHARE_BUTTONS)),
    ("chrome", xpaths.PRECISION_DISCARD_XPATH[1], lambda way: way.find_all(rules.CHROME)),
    ("teaser", xpaths.TEASER_DISCARD_XPATH[0], lambda way: way.find_all(rules.TEASER)),
    ("caption", xpaths.DISCARD_IMAGE_ELEMENTS[0], lambda way: way.find_all(rules.CAPTION)),
]
FIRSTS = [
    ("article", xpaths.BODY_XPATH[0], rules.ARTICLE),
    ("story", xpaths.BODY_XPATH[2], rules.STORY),
    ("main", xpaths.BODY_XPATH[3], rules.MAIN),
]


def way_of(name: str) -> install.Walk:
    way = WALKS[name]
    if way is None:
        pytest.skip("the compiled walk is not built here (pip install -e . with Cython and a compiler builds it)")
    return way


def any_value(chance: random.Random) -> str:
    words = chance.choices(VALUES, k=chance.choice([0, 1, 1, 1, 2, 3]))
    if chance.random() < 0.1:
        words = [chance.choice(["ß", "İ", "\N{GRINNING FACE}", "a" * 400, "\xa0"]), *words]
    return chance.choice([" ", "-", "", "\n"]).join(words)


def any_tree(seed: int, elements: int = 150) -> Any:
    """A tree of elements with attributes in any order, of which some are in no piece of text or in several."""
    chance = random.Random(seed)
    root = html.Element("body")
    nodes = [root]
    for _ in range(elements):
        attributes = {name: any_value(chance) for name in chance.sample(NAMES, chance.choice([0, 1, 1, 2, 3]))}
        child = html.Element(chance.choice(TAGS), attributes)
        child.text = child.tail = "text"
        chance.choice(nodes[-20:]).append(child)
        nodes.append(child)
    return root


@cache
def trees() -> list[Any]:
    """Made when a test asks, not while tests are collected."""
    return [any_tree(seed) for seed in range(60)]


@pytest.mark.parametrize("name", WALKS)
@pytest.mark.parametrize(("original", "make"), [row[1:] for row in ORIGINALS], ids=[row[0] for row in ORIGINALS])
def test_a_rule_finds_what_its_expression_finds(name: str, original: Any, make: Callable[[Any], Any]) -> None:
    find, found = make(way_of(name)), 0
    for tree in trees():
        theirs = original(tree)
        ours = find(tree)
        assert set(ours) == set(theirs) and len(ours) == len(theirs)
        found += len(theirs)
    assert found > 5


@pytest.mark.parametrize("name", WALKS)
@pytest.mark.parametrize(("original", "rule"), [row[1:] for row in FIRSTS], ids=[row[0] for row in FIRSTS])
def test_the_first_found_is_the_same(name: str, original: Any, rule: rules.Rule) -> None:
    find, found = way_of(name).find_first(rule), 0
    for tree in trees():
        for top in [tree, *tree]:
            theirs = next(iter(original(top)), None)
            assert next(iter(find(top)), None) is theirs
            found += theirs is not None
    assert found > 20


@pytest.mark.parametrize("name", WALKS)
def test_nothing_outside_the_tree_is_found(name: str) -> None:
    tree = html.fromstring("<div id='comments'><p>a</p><div id='comments'>b</div>c</div>")
    outer = html.Element("body")
    outer.append(tree)
    outer.append(html.fromstring("<div id='comments'>d</div>"))
    assert way_of(name).find_all(rules.COMMENTS)(tree) == [tree[1]]
    assert way_of(name).find_all(rules.COMMENTS)(html.Element("div")) == []


@pytest.mark.parametrize("name", WALKS)
def test_what_is_remembered_is_bounded_and_changes_nothing(name: str) -> None:
    asked = []

    def test(attributes: rules.Attributes) -> bool:
        asked.append(attributes["class"])
        return attributes["class"].endswith("7")

    find = way_of(name).find_all(rules.Rule(("p",), ("class",), test))
    tree = html.Element("body")
    for number in range(3 * walk.MAX_VERDICTS):
        tree.append(html.Element("p", {"class": str(number), "id": "x"}))
    tree.append(html.Element("p", {"class": 1000 * "a" + "7"}))
    for _ in range(2):
        assert len(find(tree)) == len(range(7, 3 * walk.MAX_VERDICTS, 10)) + 1
    assert len(asked) > 5 * walk.MAX_VERDICTS, "not all are remembered"
    asked.clear()
    few = html.Element("body")
    few.extend([html.Element("p", {"class": "7"}) for _ in range(100)])
    assert len(find(few)) == 100
    assert len(asked) <= 1, "equal attributes are judged once"


def test_the_compiled_walk_refuses_another_lxml() -> None:
    way_of("compiled")
    code = """
import lxml.etree
lxml.etree.LIBXML_VERSION = (2, 9, 14)
from transforms.steps.extract.trafilatura_231 import install
assert install.compiled() is None
try:
    import transforms.steps.extract.trafilatura_231.walk_c
except ImportError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "built for lxml" in told.stdout and "(2, 9, 14)" in told.stdout, told.stderr
