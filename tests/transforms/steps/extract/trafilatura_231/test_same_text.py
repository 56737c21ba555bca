"""The shorter ways give the text that trafilatura gives: page by page, also of hostile and damaged pages."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from lxml.html import HTMLParser, fromstring
from trafilatura.external import try_readability
from trafilatura.utils import trim

from pipelines.sample.build import SampleIndex
from schemas.document import Page
from support.paths import CORPUS, ROOT
from transforms.steps.extract.trafilatura_231 import install, rules, stop_words, studied
from transforms.steps.warc.reader import Response, Unit, page_of, read_unit

SETTINGS = {"fast": False, "favor": "precision", "deduplicate": True}
# One way a process: each changes trafilatura for good.
CODE = """
import json, logging, sys, threading
from transforms.steps.extract.characters import without_impossible
from transforms.steps.extract.trafilatura_231.studied import load_barely
from transforms.steps.extract.trafilatura_text import NestedTooDeep, trafilatura_extractor

def text_of(html):
    try:
        return main_text(without_impossible(html))
    except (NestedTooDeep, RecursionError):
        return "nested too deep"

logging.disable(logging.CRITICAL)
settings, way, pages = json.load(sys.stdin)
if way != "plain":  # as in an extraction child
    load_barely()
    assert not {"courlan", "htmldate", "trafilatura.downloads", "urllib3"} & set(sys.modules)
main_text = trafilatura_extractor(settings, way)
json.dump([text_of(page) for page in pages], sys.stdout)
"""
LONG = "The pan turns slowly, and the light sand leaves it with the water while the heavy grains stay behind. "
SHORT = "Read more here. "
ATTRIBUTES = [
    *("class='content'", "class='comments'", "id='sidebar'", "class='post-body'", "style='display:none'", "id='main'"),
    *(
        "class='teaser'",
        "class='widget'",
        "role='navigation'",
        "class='footer'",
        "",
        "",
        "",
        "id='header'",
        "class='link'",
    ),
    *("class='disqus'", "class='infinite-scroll'", "class='article-body'", "id='content-main'", "class='hidden'"),
]
TAGS = [
    *("div", "p", "span", "section", "article", "main", "ul", "ol", "li", "table", "tr", "td", "h1"),
    *("h2", "h3", "blockquote", "pre", "a", "b", "em", "details", "aside", "form"),
]


def any_page(seed: int) -> str:
    """A page whose elements are nested, closed and named as chance has it."""
    chance = random.Random(seed)
    parts, open_tags = ["<html><head><title>Gold</title></head><body>"], []
    for _ in range(chance.choice([20, 60, 200])):
        if open_tags and chance.random() < 0.4:
            parts.append(f"</{open_tags.pop()}>")
        tag = chance.choice(TAGS)
        parts.append(f"<{tag} {chance.choice(ATTRIBUTES)}>")
        open_tags.append(tag)
        if chance.random() < 0.7:
            parts.append(
                chance.choice([LONG, LONG * 3, SHORT, f"<a href='/x'>{SHORT}</a>", f"{chance.random()} words, " * 9])
            )
        if chance.random() < 0.1:
            parts.append(
                chance.choice(["<br>", "<img src=a.jpg>", "<script>var a = '<p>';</script>", "<iframe></iframe>"])
            )
    return "".join(parts) + chance.choice(["", "</body></html>"])


HOSTILE = [
    "",
    " ",
    "x",
    "<p>",
    LONG,
    f"<p>{LONG * 3}</p>",
    f"<textarea><p>{LONG * 9}</p></textarea>",
    f"<div><iframe>{LONG}</iframe></div>",
    f"<body><p>{LONG * 3}</p><body class='comments'><p>{LONG * 3}{SHORT}</p>",
    f"<html><body><div class='comments'><p>{LONG * 9}</p></div></body></html>",
    f"<html class='hidden'><body class='sidebar menu'><p>{LONG * 9}</p></body></html>",
    f"<html><body><article><p>{LONG * 2}</p><xmp>{'&lt;' * 900}</xmp></article></body></html>",
    f"<html><body><article><p>{LONG * 2}</p><plaintext>{'<' * 900}",
    f"<html><body><p>{LONG}</p><title></title><p>{LONG * 9}</p></body></html>",
    "<html><body>" + "<div>" * 300 + LONG * 5 + "</body></html>",
    "<html><body>" + "<table><tr><td>" * 60 + LONG * 5 + "</body></html>",
    "<html><body><article>" + f"<p>{LONG}</p>" * 30 + "</article></body></html>",
    "<html><body>" + "".join(f"<p class='c{n}' id='i{n}'>{n} {SHORT}</p>" for n in range(500)) + "</body></html>",
    '<html><body><script type=\'application/ld+json\'>{"@type": "DiscussionForumPosting"}</script>'
    + f"<div id='comments'><p>{LONG * 4}</p></div><p>{LONG}</p></body></html>",
    f"<html><body><p>{LONG * 4}</p><svg:title xmlns:svg='x'>a</svg:title><x:y class='sidebar'>{LONG}</x:y></body>",
    f"<html><body><div id=a class=link style='border:0'>{LONG * 5}</div><div class=link id=a>{LONG * 5}</div></body>",
    "<html><body><p>\u3000" + "金の砂は重い。" * 90 + "</p><p>\xa0\u2003</p></body></html>",
    f"<?xml version='1.0'?><!DOCTYPE html><html/><body><p>{LONG * 4}</p></body></html>",
]


def texts(way: str, pages: list[str], settings: dict = SETTINGS) -> list[str]:
    given = json.dumps([settings, way, pages])
    told = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, input=given, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def pages_of(path: Path) -> list[str]:
    unit = Unit(path.name, path.stat().st_size, 0, path.stat().st_size)
    with path.open("rb") as stream:
        read = [page_of(event, path.name) for event in read_unit(stream, unit) if isinstance(event, Response)]
    return [page.html for page in read if isinstance(page, Page)]


def same(pages: list[str], settings: dict = SETTINGS) -> int:
    """How many of the pages have a text, which is the same in every way."""
    plain = texts("plain", pages, settings)
    for way in ("python", "compiled") if install.compiled() else ("python",):
        assert texts(way, pages, settings) == plain
    return len(list(filter(None, plain)))


@pytest.mark.slow
def test_texts_of_hostile_and_made_up_pages_are_the_same() -> None:
    assert same([*HOSTILE, *map(any_page, range(150))]) > 100


@pytest.mark.slow
@pytest.mark.parametrize("changed", [{"deduplicate": False}, {"favor": "recall"}, {"favor": "balance"}, {"fast": True}])
def test_texts_by_other_settings_are_the_same(changed: dict) -> None:
    assert same(list(map(any_page, range(12))), SETTINGS | changed) > 5


@pytest.mark.slow
def test_texts_of_the_embedded_crawl_are_the_same(sample: SampleIndex) -> None:
    pages = [html for path in sample.warc_files for html in pages_of(Path(path))]
    assert same(pages[::6]) > 25


@pytest.mark.slow
@pytest.mark.skipif(not (CORPUS / "public").is_dir(), reason="no real pages (set BATEIA_CORPUS)")
def test_texts_of_real_pages_are_the_same() -> None:
    pages = [page for path in sorted((CORPUS / "public").glob("*.warc.gz"))[:1] for page in pages_of(path)]
    assert same(pages[::5][:80]) > 40


@pytest.mark.skipif(install.compiled() is None, reason="the compiled walk is not built here")
def test_no_text_of_readability_is_longer_than_its_bound() -> None:
    """Whatever the page: the bound is None, or at least the length of what readability gives."""
    bound = install.Walk(*install.compiled()).most_chars(rules.BOILERPLATE, rules.HIDDEN, rules.UNLIKELY)  # type: ignore[misc]
    parser = HTMLParser(collect_ids=False, remove_comments=True, remove_pis=True, huge_tree=True)
    find = [install.IN_PYTHON.find_all(rule) for rule in (rules.BOILERPLATE, rules.HIDDEN)]
    bounded = near = 0
    for page in [*filter(str.strip, HOSTILE), *map(any_page, range(150))]:
        tree = fromstring(page, parser=parser)
        most = bound(tree)
        for element in [element for each in find for element in each(tree)]:
            if element.getparent() is not None:
                element.drop_tree()
        length = len(trim("".join(try_readability(tree).itertext())))
        if most is not None:
            bounded += 1
            near += length > most // 2
            assert length <= most, page
    assert bounded > 100 and near > 20, "the bound says something, and not too much"


@pytest.mark.slow
def test_stop_words_are_the_same() -> None:
    code = "from trafilatura import external; from justext.core import define_stoplist\n"
    code += "import hashlib; words = sorted(define_stoplist(external.jt_stoplist_init()))\n"
    code += "print(hashlib.sha256('\\n'.join(words).encode()).hexdigest())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    ours = "\n".join(sorted(stop_words.stop_words()))
    assert told.stdout.strip() == hashlib.sha256(ours.encode()).hexdigest()


def test_the_pinned_version_is_the_one_that_was_studied() -> None:
    assert studied.is_studied(), "study the new version, then change FILES' sum"


def test_another_version_runs_as_it_is() -> None:
    code = f"""
from transforms.steps.extract.trafilatura_231 import studied
studied.SHA256 = "another"
from lxml.etree import XPath
from trafilatura import xpaths
from transforms.steps.extract.trafilatura_text import trafilatura_extractor
text = trafilatura_extractor({SETTINGS!r})({f"<html><body><p>{LONG * 5}</p></body></html>"!r})
assert text.startswith("The pan") and isinstance(xpaths.BODY_XPATH[0], XPath)
"""
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
