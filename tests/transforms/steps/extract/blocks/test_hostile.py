"""Hostile pages: nothing crashes, and twice the page takes about twice the time."""

import time

import pytest

from transforms.steps.extract.blocks.layout import lay_out
from transforms.steps.extract.blocks.main_text import main_text
from transforms.steps.extract.blocks.source import read_source

PAGES = {
    "nested div": lambda n: "<div>" * n + "text",
    "nested div with text": lambda n: "<div>x " * n + "text",
    "nested lists": lambda n: "<ol><li>x" * n + "</ol><li>y" * n + "text",
    "nested tables": lambda n: "<table><tr><td>x" * n + "text",
    "siblings": lambda n: "<p>x" * n + "<p>text",
    "uneven table": lambda n: "<table>" + "<tr><td>x" * n + "<tr>" + "<td>x" * n + "</table><p>text",
    "formatting elements": lambda n: "".join(f"<font size={number}>" for number in range(n)) + "text",
    "paragraphs in links": lambda n: "<a href=x><div>" * n + "text",
    "attributes": lambda n: "<div " + " ".join(f"a{number}=1" for number in range(n)) + ">text",
    "a huge attribute": lambda n: '<div class="' + "a b " * 5 * n + '">text',
    "a huge id and style": lambda n: f"<div id='{'nav-' * n}' style={'display: ' * n} role=x>text",
    "keys without values": lambda n: "<div " + "class  " * n + ">text",
    "open quotes": lambda n: "<div role=x" + " class=\" id='" * n + "<p>text",
    "pictures closed at once": lambda n: "<svg/>" * n + "text</svg>",
    "open references": lambda n: "<p>text" + "&" * n + "&amp" * n + "&#" * n + "&#x" * n,
    "line breaks and spans": lambda n: "text" + "<br><span katex>\xa0</span>" * n,
    "NUL": lambda n: "<p\0>" * n + "<p class=\0>" * n + "text" + "\0" * n,
    "characters beyond the first plane": lambda n: "<p class='\U0001f600 nav'>text" * n + "\U0001f600" * n,
    "quotes": lambda n: "<p>text<a b='\"" * n,
    "open comments": lambda n: "text" + "<!--" * n,
    "open scripts": lambda n: "text" + "<script>" * n,
    "open pictures": lambda n: "<svg>" * n + "text",
    "angle brackets": lambda n: "text" + "<" * n,
    "end tags": lambda n: "<p>" + "</b></div></td>" * n + "text",
    "end tags across": lambda n: "<div>" * n + "</section>" * n + "text",
    "line breaks": lambda n: "text" + "<br> " * n,
    "entities": lambda n: "text &amp;&#8;&bogus" * n,
    "a long title": lambda n: f"<title>{'t ' * n}</title>" + "<p>t " * n + "<p>text",
    "ghosts": lambda n: '<span class="katex-html">' * n + "<p>text",
    "control characters": lambda n: "<p>text\x00\x08\x1e\x1f\ud800" * n,
}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_hostile_page_is_read_to_its_end(name) -> None:
    assert "text" in " ".join(lay_out(read_source(PAGES[name](300))).texts)
    assert isinstance(main_text(PAGES[name](300)), str)


def seconds(html: str) -> float:
    started = time.process_time()
    main_text(html)
    return time.process_time() - started


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PAGES))
def test_time_is_linear(name) -> None:
    # Eight times the page: eight times the time or less, where quadratic work would take sixty-four times.
    small, large = (min(seconds(PAGES[name](n)) for _ in range(2)) for n in (2_000, 16_000))
    assert large < 24 * max(small, 0.01)
