"""The kept blocks as text or as Markdown: headings, lists, tables, code, in the order in which a page has them."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import numpy as np

from transforms.steps.extract.blocks.layout import HEADINGS, Layout
from transforms.steps.extract.blocks.tables import Table, table_of, table_text

Format = Literal["text", "markdown"]

LISTS = frozenset(["ul", "ol", "menu", "dir"])
SHAPING = frozenset([*HEADINGS, *LISTS, "li", "table", "blockquote", "pre", "listing"])  # most containers only hold
BROKEN_LINE = 45  # characters; a line as long that ends within a sentence was broken to fit, as e-mails are
NUMBERS = re.compile(r"[\d\s.:]*")
LONG = 40  # characters; a longer text that stands twice on a page is a template's copy


class Role(NamedTuple):
    """What a block's containers make of it.

    heading: level, 0 if it is none.
    item: the innermost list item, -1 if there is none.
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


class Roles:
    """The roles of containers, each worked out once from that of the container around it."""

    def __init__(self, page: Layout) -> None:
        self.page = page
        self.known: dict[int, Role] = {0: Role()}

    def of(self, node: int) -> Role:
        way, known = [], self.known
        while (role := known.get(node)) is None:
            way.append(node)
            node = self.page.parents[node]
        for node in reversed(way):
            name = self.page.infos[node][1]
            role = known[node] = inner(role, name, node) if name in SHAPING else role
        return role


def inner(role: Role, name: str, node: int) -> Role:
    """The role within a container of this name, one of SHAPING."""
    if name in HEADINGS:
        return role._replace(heading=HEADINGS[name])
    if name == "li":
        return role._replace(item=node)
    if name in LISTS:
        return role._replace(item=-1, depth=role.depth + 1)
    if name == "table":
        return role._replace(item=-1, table=node)
    if name == "blockquote":
        return role._replace(quoted=role.quoted + 1)
    return role._replace(code=True)  # pre, listing


def begins(page: Layout, item: int, block: int) -> bool:
    """Whether a list item is this block, or this block and what is nested in it, and no container of more."""
    own = page.nodes[block] == item or page.ends[item] - page.firsts[item] == 1
    return own and page.firsts[item] == block


def unbroken(text: str) -> str:
    """Lines that were broken within a sentence, joined: the next one goes on in lower case."""
    if "\n" not in text:
        return text
    first, *rest = text.split("\n")
    pieces = [first]
    before = first
    for line in rest:
        broken = len(before) >= BROKEN_LINE and (before[-1].isalpha() or before[-1] == ",") and line[0].islower()
        pieces += [" " if broken else "\n", line]
        before = line
    return "".join(pieces)


def first_heading(page: Layout, kept: np.ndarray) -> int:
    """The page's h1: the one that has most of the title, or else the first that is kept; -1 if there is neither.

    One that stands late in the title ("An article - The site") is the site's, and none unless it is kept.
    """
    title, best, most, infos = page.title.casefold(), -1, 0, page.infos
    for block in [block for block, node in enumerate(page.nodes) if infos[node][1] == "h1"]:
        heading = page.texts[block].casefold()
        shared = len(heading) if heading in title else len(title) if len(title) > 9 and title in heading else 0
        if shared <= 2 or not (kept[block] or title.find(heading) <= len(heading)):
            shared = int(kept[block])
        if shared > most:
            best, most = block, shared
    return best


class Writer:
    """Writes blocks one after the other."""

    def __init__(self, page: Layout, kept: np.ndarray, form: Format) -> None:
        self.page, self.kept, self.markdown = page, kept, form == "markdown"
        self.pieces: list[str] = []
        self.list_before = -1
        self.roles = Roles(page)
        self.tables: dict[int, Table | None] = {}
        self.written: set[int] = set()

    def put(self, text: str, of_list: int = -1) -> None:
        if text:
            if self.pieces:
                together = not self.markdown or (of_list >= 0 and self.list_before >= 0)
                self.pieces.append("\n" if together else "\n\n")
            self.pieces.append(text)
            self.list_before = of_list

    def block(self, block: int) -> None:
        page, text, role = self.page, self.page.texts[block], self.roles.of(self.page.nodes[block])
        level, item, _, quoted, within, code = role
        if within >= 0 and (table := self.table(within)) is not None and block in table.blocks:
            if within not in self.written:
                self.written.add(within)
                self.put(table_text(page, table, self.kept))
        elif code:
            if not NUMBERS.fullmatch(text):
                self.put(f"```\n{text}\n```" if self.markdown else text)
        elif level:
            text = " ".join(text.split())
            self.put(f"{'#' * level} {text}" if self.markdown else text)
        elif item >= 0 and begins(page, item, block):
            self.put_item(role, unbroken(text))
        elif self.markdown and quoted:
            self.put("> " + unbroken(text).replace("\n", "\n> "))
        else:
            self.put(unbroken(text))

    def put_item(self, role: Role, text: str) -> None:
        number = self.page.numbers.get(role.item, 0)
        mark = f"{number}. " if number else "- "
        indent = "  " * (role.depth - 1) if self.markdown else ""
        text = text.replace("\n", "\n" + indent + " " * len(mark)) if self.markdown else text
        self.put(f"{indent}{mark}{text}", role.item)

    def table(self, node: int) -> Table | None:
        if node not in self.tables:
            self.tables[node] = table_of(self.page, node)
        return self.tables[node]


def render(page: Layout, kept: np.ndarray, form: Format) -> str:
    """The kept blocks, the page's h1 first. kept: a bool for each block."""
    blocks = kept.nonzero()[0].tolist()
    if not blocks:
        return ""
    writer = Writer(page, kept, form)
    top = first_heading(page, kept)
    if top >= 0:
        writer.block(top)
    seen: set[str] = set()
    for block in blocks:
        text = page.texts[block]
        if block == top:
            continue
        if len(text) >= LONG:
            if text in seen:
                continue
            seen.add(text)
        writer.block(block)
    return "".join(writer.pieces)
