"""The kept blocks as text or as Markdown: headings, lists, tables, code, in the order in which a page has them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from transforms.steps.extract.blocks.layout import HEADINGS, Layout
from transforms.steps.extract.blocks.tables import rows_of, table_text

Format = Literal["text", "markdown"]

LISTS = frozenset(["ul", "ol", "menu", "dir"])
# A line as long as this that ends within a sentence was broken to fit, as e-mails are.
BROKEN_LINE = 45  # characters
BROKEN = re.compile(rf"(?<=[^\n]{{{BROKEN_LINE}}})(?<=[^\W\d_]|,)\n(?=[^\W\d_])")
NUMBERS = re.compile(r"[\d\s.:]*")
LONG = 40  # characters; a longer text that stands twice on a page is a template's copy


@dataclass(frozen=True)
class Place:
    """What a block's containers make of it.

    heading: level, 0 if it is none.
    item: the list item that begins with it, -1 if none does.
    depth: lists that it lies in.
    quoted: block quotes that it lies in.
    table: the innermost table, -1 if there is none.
    code: whether it lies in <pre>.
    """

    heading: int = 0
    item: int = -1
    depth: int = 0
    quoted: int = 0
    table: int = -1
    code: bool = False


def place_of(page: Layout, block: int) -> Place:
    heading, item, depth, quoted, table, code = 0, -1, 0, 0, -1, False
    node = page.nodes[block]
    while node > 0:
        name = page.infos[node].name
        if name in HEADINGS:
            heading = heading or HEADINGS[name]
        elif name == "li":
            item = node if item < 0 and depth == 0 else item
        elif name in LISTS:
            depth += 1
        elif name == "table":
            table = node if table < 0 else table
        elif name == "blockquote":
            quoted += 1
        elif name in ("pre", "listing"):
            code = True
        node = page.parents[node]
    if item >= 0 and not begins(page, item, block):
        item = -1
    return Place(heading, item, depth, quoted, table, code)


def begins(page: Layout, item: int, block: int) -> bool:
    """Whether a list item is this block, or this block and what is nested in it, and no container of more."""
    own = page.nodes[block] == item or page.ends[item] - page.firsts[item] == 1
    return own and page.firsts[item] == block


def unbroken(text: str) -> str:
    """Lines that were broken within a sentence, joined: the next one goes on in lower case."""
    if "\n" not in text:
        return text
    return BROKEN.sub(lambda match: " " if text[match.end()].islower() else "\n", text)


def first_heading(page: Layout, kept: np.ndarray) -> int:
    """The page's h1, if there is one that its title repeats or that is kept; -1 if there is none."""
    title = page.title.casefold()
    for block, node in enumerate(page.nodes):
        if page.infos[node].name == "h1" and (kept[block] or named(page.texts[block].casefold(), title)):
            return block
    return -1


def named(heading: str, title: str) -> bool:
    return len(heading) > 2 and (heading in title or (len(title) > 9 and title in heading))


class Writer:
    """Writes blocks one after the other."""

    def __init__(self, page: Layout, kept: np.ndarray, form: Format) -> None:
        self.page, self.kept, self.markdown = page, kept, form == "markdown"
        self.pieces: list[str] = []
        self.list_before = -1
        self.tables: dict[int, list[list[int]] | None] = {}
        self.written: set[int] = set()
        self.numbers: dict[int, tuple[int, int]] = {}  # of a list, its last item that was written, and that one's number

    def put(self, text: str, of_list: int = -1) -> None:
        if text:
            if self.pieces:
                together = not self.markdown or (of_list >= 0 and self.list_before >= 0)
                self.pieces.append("\n" if together else "\n\n")
            self.pieces.append(text)
            self.list_before = of_list

    def block(self, block: int) -> None:
        page, text, place = self.page, self.page.texts[block], place_of(self.page, block)
        if place.table >= 0 and self.table(place.table) is not None:
            self.put_table(place.table, block)
        elif place.code:
            if not NUMBERS.fullmatch(text):
                self.put(f"```\n{text}\n```" if self.markdown else text)
        elif place.heading:
            text = " ".join(text.split())
            self.put(f"{'#' * place.heading} {text}" if self.markdown else text)
        elif place.item >= 0:
            self.put_item(place, unbroken(text))
        elif self.markdown and place.quoted:
            self.put("> " + unbroken(text).replace("\n", "\n> "))
        else:
            self.put(unbroken(text))

    def put_item(self, place: Place, text: str) -> None:
        number = self.number(place.item)
        mark = f"{number}. " if number else "- "
        indent = "  " * (place.depth - 1) if self.markdown else ""
        text = text.replace("\n", "\n" + indent + " " * len(mark)) if self.markdown else text
        self.put(f"{indent}{mark}{text}", place.item)

    def number(self, item: int) -> int:
        """A list item's number in its list, 0 if the list is not numbered."""
        page, parent = self.page, self.page.parents[item]
        if page.infos[parent].name != "ol":
            return 0
        last, number = self.numbers.get(parent, (parent, 0))  # counted on, so that long lists take no longer
        items = (node for node in range(last + 1, item + 1) if page.infos[node].name == "li")
        number += sum(page.parents[node] == parent for node in items)
        self.numbers[parent] = (item, number)
        return number

    def table(self, node: int) -> list[list[int]] | None:
        if node not in self.tables:
            self.tables[node] = rows_of(self.page, node)
        return self.tables[node]

    def put_table(self, node: int, block: int) -> None:
        """A table as a whole, at its first kept cell; its caption by itself."""
        rows, page = self.table(node), self.page
        if rows is None or not any(page.firsts[cell] <= block < page.ends[cell] for row in rows for cell in row):
            self.put(page.texts[block])
        elif node not in self.written:
            self.written.add(node)
            self.put(table_text(page, rows, self.kept))


def render(page: Layout, kept: np.ndarray, form: Format) -> str:
    """The kept blocks, the page's h1 first. kept: a bool for each block."""
    writer = Writer(page, kept, form)
    top = first_heading(page, kept) if kept.any() else -1
    if top >= 0:
        writer.block(top)
    seen: set[str] = set()
    for block in np.flatnonzero(kept).tolist():
        text = page.texts[block]
        if block == top or (len(text) >= LONG and text in seen):
            continue
        seen.add(text)
        writer.block(block)
    return "".join(writer.pieces)
