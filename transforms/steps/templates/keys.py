"""Which lines of a text may be its site's template, and the key by which a line of a site is counted and looked up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from transforms.steps.text.structure import SAID, Line, lines_of
from transforms.steps.urls.forms import hash_key
from transforms.steps.urls.sites import site_of

# A line of a program in plain text, where nothing fences it: what it ends with, a comment, a tag.
CODE = re.compile(r"(?:[;{}(\[]|=>|/>)$|^(?://|<)")


class Keyed(NamedTuple):
    """A line that may be template.

    number: of the line in `lines_of(text)`, from 0
    key: stable 64-bit hash of its site and its words
    """

    number: int
    line: Line
    key: int


def keyed_lines(url: str, text: str) -> Iterator[Keyed]:
    """Prose, headings and list items of a text, in their order; nothing without a URL.

    No code, fenced or by how a line ends, no rows of tables, and no line that the text says more than once: that is a
    part of what it lists, such as "Weight:" for each of many goods. Runs of white space count as one blank. Two lines
    of one site share a key by chance once in 2^64 pairs.
    """
    site = site_of(url)
    if not site:
        return
    lines = [(number, line, " ".join(line.text.split())) for number, line in enumerate(lines_of(text))]
    times = Counter(said for _, _, said in lines)
    for number, line, said in lines:
        if line.kind in SAID and times[said] == 1 and CODE.search(said) is None:
            yield Keyed(number, line, hash_key(f"{site}\n{said}"))


def text_key(text: str) -> int:
    """By which equal texts are told: a page that was crawled twice counts once."""
    return hash_key(text)
