"""A page's own title: what a browser's tab would show."""

from __future__ import annotations

import time

import pytest

from transforms.steps.extract.title import MAX_CHARS, title_of


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<html><head><title>Gold in the river</title></head>", "Gold in the river"),
        ("<TITLE\nlang='pt'>\n  A bateia\n\t &amp; o rio&#8217;s </TITLE >", "A bateia & o rio’s"),
        ("<title>One</title><svg><title>Two</title></svg>", "One"),
        ("<titles>no</titles><title>x&#146;y &nbsp;z</title>", "x’y z"),
        ("<title>&lt;b&gt; stays text</title>", "<b> stays text"),
        ("<title>a\0b\ud800c\u200bd</title>", "abcd"),
        ("<title></title>", None),
        ("<title>never closed", None),
        ("<p>none</p>", None),
        ("", None),
        (f"<title>{'long ' * 400}</title>", ("long " * 400)[:MAX_CHARS].rstrip()),
    ],
)
def test_the_title_is_as_a_browser_shows_it(html: str, title: str | None) -> None:
    assert title_of(html) == title


@pytest.mark.parametrize("html", ["<title " * 200_000, "<title>" * 200_000, "<title" + " " * 1_000_000])
def test_it_takes_time_linear_in_the_page(html: str) -> None:
    started = time.process_time()
    title_of(html)
    assert time.process_time() - started < 5
