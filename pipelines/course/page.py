"""A page of the course: parts made of a few kinds of blocks, which one template shows.

Texts may be hostile, as they come from pages and from models; file names and addresses are ours and checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct

from pipelines.reports.render import render

TEXT_CHARS = 4000
File = Annotated[str, Meta(pattern=r"^[a-z0-9@_-]+(/[a-z0-9@_-]+)*\.html$")]  # below the course's folder
Address = Annotated[str, Meta(pattern=r"^https://[A-Za-z0-9./_:()-]+$")]


class Text(Struct, frozen=True, tag="text"):
    """A paragraph."""

    text: str


class Table(Struct, frozen=True, tag="table"):
    """caption: for screen readers; rows: as many cells as heads, the first of which names the row; in_words: whether
    cells are texts, which wrap, and no numbers."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    in_words: bool = False


class Line(Struct, frozen=True):
    """One line of a chart. points: (x, y), x from 0 on."""

    name: str
    points: tuple[tuple[float, float], ...]


class Chart(Struct, frozen=True, tag="chart"):
    """label: what is drawn; unit: of the x axis, by one and by several, such as "step|steps"."""

    label: str
    unit: str
    lines: tuple[Line, ...]
    from_zero: bool = False


class Passage(Struct, frozen=True, tag="passage"):
    """A text as it stands. begin: what it continues; about: a line on it."""

    about: str
    begin: str
    text: str


class Open(Struct, frozen=True, tag="open"):
    """Another page of the course's folder."""

    file: File
    name: str
    about: str


Block = Text | Table | Chart | Passage | Open


class Part(Struct, frozen=True):
    """A part of a page, with its heading."""

    title: str
    blocks: tuple[Block, ...]


class Paper(Struct, frozen=True):
    """Where it comes from. authors: all of them, or the first and "et al."."""

    title: str
    authors: str
    year: int
    url: Address


class Neighbour(Struct, frozen=True):
    """Another section's page."""

    file: File
    title: str


class CoursePage(Struct, frozen=True):
    """A section's page, or the first page of all.

    language: en or pt
    place: which section it is, such as "3 of 10"
    lead: what it is about, in a sentence or two
    tries: what to do next
    words: headings and other words of ours in the page's language, by their names in the template
    before, after: the sections around it; None at the ends
    """

    language: str
    place: str
    title: str
    lead: str
    parts: tuple[Part, ...]
    tries: tuple[str, ...]
    papers: tuple[Paper, ...]
    words: dict[str, str]
    before: Neighbour | None
    after: Neighbour | None


def render_page(page: CoursePage, versions: dict[str, str]) -> str:
    return render("course.html", page=page, versions=versions, ends=ends, TEXT_CHARS=TEXT_CHARS)


def ends(unit: str) -> Callable[[float], str]:
    """What stands below the last x of a chart."""
    one, _, many = unit.partition("|")
    return lambda last: f"{last:,.0f} {one if last == 1 else many or one}"
