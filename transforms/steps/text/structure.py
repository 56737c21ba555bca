"""Lines of a text by what they are: prose, headings, list items, rows of tables, code, as Markdown marks them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

Kind = Literal["prose", "heading", "item", "row", "code", "blank"]

FENCE = re.compile(r"\s*(?:```|~~~)")
HEADING = re.compile(r"\s*#{1,6}\s+\S")
ITEM = re.compile(r"\s*(?:[-*+•·▪‣]|\d{1,3}[.)])\s+\S")
ROW = re.compile(r"\s*\|.*\|\s*$")
MARKS = frozenset("-*+•·▪‣|#>=_~ \t\u00a0")  # a line of nothing else says nothing
SAID: frozenset[Kind] = frozenset(("prose", "heading", "item"))  # what a person would read out


class Line(NamedTuple):
    """One line.

    kind: of what it is a line; "code" for what stands between fences, and for the fences
    text: as it stands, without its line break
    """

    kind: Kind
    text: str


@lru_cache(maxsize=2)  # the last text's lines serve the steps that follow each other on it
def lines_of(text: str) -> tuple[Line, ...]:
    """Every line of a text in its order. A fence that nothing closes goes on to the end."""
    fenced = False
    lines = []
    for line in text.split("\n"):
        if FENCE.match(line):
            fenced = not fenced
            lines.append(Line("code", line))
        elif fenced:
            lines.append(Line("code", line))
        else:
            lines.append(Line(kind_of(line), line))
    return tuple(lines)


def kind_of(line: str) -> Kind:
    """What a line outside of code is."""
    if line[:1].isalpha():  # nothing that marks a line begins with a letter
        return "prose"
    if MARKS.issuperset(line):
        return "blank"
    if HEADING.match(line):
        return "heading"
    if ROW.match(line):
        return "row"
    return "item" if ITEM.match(line) else "prose"


@lru_cache(maxsize=2)
def spoken(text: str) -> str:
    """A text without its code, its tables and the marks of its headings, line by line."""
    lines = (line for line in lines_of(text) if line.kind in SAID)
    return "\n".join(line.text.lstrip().lstrip("#").lstrip() if line.kind == "heading" else line.text for line in lines)
