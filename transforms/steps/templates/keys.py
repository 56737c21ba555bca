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
    keys: dict[str, int] = {}  # a hostile page says half a million times the same
    for number, line in enumerate(lines_of(text)):
        if line.kind not in SAID or not (said := " ".join(line.text.split())):
            continue
        if (key := keys.get(said)) is None:
            key = keys[said] = hash_key(f"{site}\n{said}")
        yield Keyed(number, line, key)


def text_key(text: str) -> int:
    """By which equal texts are told: a page that was crawled twice counts once."""
    return hash_key(text)
