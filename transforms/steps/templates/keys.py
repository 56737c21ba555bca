"""Which lines of a text may be its site's template, and the key by which a line of a site is counted and looked up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from transforms.steps.text.structure import SAID, Line, lines_of
from transforms.steps.urls.forms import hash_key
from transforms.steps.urls.sites import site_of


class Keyed(NamedTuple):
    """A line that may be template.

    number: of the line in `lines_of(text)`, from 0
    key: stable 64-bit hash of its site and its words
    """

    number: int
    line: Line
    key: int


def keyed_lines(url: str, text: str) -> Iterator[Keyed]:
    """Prose, headings and list items of a text, in their order; no code, no rows of tables, nothing without a URL.

    Runs of white space count as one blank. Two lines of one site share a key by chance once in 2^64 pairs.
    """
    site = site_of(url)
    if not site:
        return
    for number, line in enumerate(lines_of(text)):
        if line.kind in SAID and (said := " ".join(line.text.split())):
            yield Keyed(number, line, hash_key(f"{site}\n{said}"))


def text_key(text: str) -> int:
    """By which equal texts are told: a page that was crawled twice counts once."""
    return hash_key(text)
