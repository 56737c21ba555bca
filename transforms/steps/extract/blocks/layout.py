"""A page as blocks of text in containers: what a browser would set as paragraphs, list items, cells and headings."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from transforms.steps.extract.blocks import tags
from transforms.steps.extract.blocks.source import LINE_BREAK, TEX, Source
from transforms.steps.extract.blocks.tags import Tag, tag_of

SCOPES = frozenset(["table", "td", "th", "caption"])
TABLE_PARTS = frozenset(["table", "td", "th", "tr", "caption", "tbody", "thead", "tfoot"])
# Start tags that close elements of these names that are open within the nearest one of the second names.
CLOSES = {
    "li": (("li",), ("ul", "ol", "menu", "dir")),
    "dt": (("dt", "dd"), ("dl",)),
    "dd": (("dt", "dd"), ("dl",)),
    "td": (("td", "th"), ("tr", "table")),
    "th": (("td", "th"), ("tr", "table")),
    "tr": (("tr", "caption"), ("table",)),
    "tbody": (("tbody", "thead", "tfoot", "tr", "caption"), ("table",)),
    "thead": (("tbody", "thead", "tfoot", "tr", "caption"), ("table",)),
    "tfoot": (("tbody", "thead", "tfoot", "tr", "caption"), ("table",)),
}
HEADINGS = {f"h{level}": level for level in range(1, 7)}
# Characters that are no text and that XML can't hold, and the byte order mark and soft hyphen, which nobody sees.
INVISIBLE = dict.fromkeys([*range(9), 11, 12, *range(14, 28), 127, 0xAD, 0xFEFF, 0xFFFE, 0xFFFF])
SOME_INVISIBLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1b\x7f\xad\ufeff\ufffe\uffff]")
DISPLAY = re.compile(r"^\{\s*\\(?:displaystyle|textstyle)\b(.*)\}$", re.S)


@dataclass
class Layout:
    """Blocks and containers of a page, as lists of numbers side by side.

    texts: each block's text.
    links: characters of it that lie in links.
    nodes: number of the container that it lies in.
    parents: each container's container; the first, the page itself, has -1.
    infos: each container's tag.
    firsts, ends: the blocks that it holds, as a range.
    title: the text of <title>.
    """

    title: str
    texts: list[str] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=lambda: [-1])
    infos: list[Tag] = field(default_factory=lambda: [Tag(tags.BLOCK, "body", len(tags.BLOCKS), 0, "body")])
    firsts: list[int] = field(default_factory=lambda: [0])
    ends: list[int] = field(default_factory=lambda: [0])


def tidy(raw: str) -> str:
    """Text as it is read: entities as characters, white space as single spaces, formulas between dollar signs."""
    if "&" in raw:
        raw = html.unescape(raw)
    if SOME_INVISIBLE.search(raw):
        raw = raw.translate(INVISIBLE)
    if TEX in raw:
        raw = with_formulas(raw)
    if LINE_BREAK in raw:
        return "\n".join(filter(None, (" ".join(line.split()) for line in raw.split(LINE_BREAK))))
    return " ".join(raw.split())


def with_formulas(raw: str) -> str:
    pieces, last = raw.split(TEX), ""
    for at in range(1, len(pieces), 2):
        tex = " ".join(pieces[at].split())
        if (inner := DISPLAY.match(tex)) is not None:
            tex = inner[1].strip()
        pieces[at] = "" if not tex or (tex == last and not pieces[at - 1].strip()) else f"${tex}$"
        last = tex
    return "".join(pieces)


def tidy_code(raw: str) -> str:
    """Text of <pre>: lines and indentation as they are, tabs too."""
    raw = html.unescape(raw).replace(LINE_BREAK, "\n").replace("\r\n", "\n").translate(INVISIBLE).replace(TEX, "$")
    lines = [line.rstrip() for line in raw.replace("\xa0", " ").split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines)


class Builder:
    """Goes through a page's tags and texts once. Every step pops what it looked at, so the whole is linear."""

    def __init__(self, title: str) -> None:
        self.page = Layout(title)
        self.stack: list[int] = [0]
        self.open: dict[str, list[int]] = {}  # name -> depths at which it is open
        self.scopes: list[int] = []  # depths of tables and their cells
        self.pre = 0
        self.buffer: list[str] = []
        self.linked = 0

    def flush(self) -> None:
        if self.buffer:
            raw = "".join(self.buffer)
            self.buffer.clear()
            if self.pre:
                self.add(tidy_code(raw))
            elif LINE_BREAK * 2 in raw:
                pieces = re.split(f"{LINE_BREAK}{{2,}}", raw)
                each = self.linked / len(raw)
                for piece in pieces:
                    self.linked = int(each * len(piece))
                    self.add(tidy(piece))
            else:
                self.add(tidy(raw))
        self.linked = 0

    def add(self, text: str) -> None:
        if text:
            page = self.page
            page.texts.append(text)
            page.links.append(min(self.linked, len(text)))
            page.nodes.append(self.stack[-1])

    def start(self, tag: Tag) -> None:
        self.flush()
        name = tag.name
        if name in CLOSES:
            self.close_open(*CLOSES[name])
        elif (depths := self.open.get("p")) and depths[-1] > (self.scopes[-1] if self.scopes else 0):
            self.pop_to(depths[-1])
        page = self.page
        page.parents.append(self.stack[-1])
        self.stack.append(len(page.infos))
        page.infos.append(tag)
        page.firsts.append(len(page.texts))
        page.ends.append(-1)
        self.open.setdefault(name, []).append(len(self.stack) - 1)
        if name in SCOPES:
            self.scopes.append(len(self.stack) - 1)
        elif name == "pre":
            self.pre += 1

    def close_open(self, names: tuple[str, ...], within: tuple[str, ...]) -> None:
        floor = max((self.open[name][-1] for name in within if self.open.get(name)), default=0)
        depths = [self.open[name][-1] for name in names if self.open.get(name)]
        # All of the names that are open within the nearest container: the outermost of the innermost ones.
        if inner := [depth for depth in depths if depth > floor]:
            self.pop_to(min(inner))

    def end(self, name: str) -> None:
        self.flush()
        depths = self.open.get(name)
        if not depths:
            return
        if name not in TABLE_PARTS and self.scopes and depths[-1] < self.scopes[-1]:
            return
        self.pop_to(depths[-1])

    def pop_to(self, depth: int) -> None:
        page = self.page
        while len(self.stack) > depth:
            node = self.stack.pop()
            name = page.infos[node].name
            page.ends[node] = len(page.texts)
            self.open[name].pop()
            if name in SCOPES:
                self.scopes.pop()
            elif name == "pre":
                self.pre -= 1

    def finish(self) -> Layout:
        self.flush()
        self.pop_to(1)
        self.page.ends[0] = len(self.page.texts)
        return self.page


def lay_out(source: Source) -> Layout:
    """The blocks of a page's source."""
    builder = Builder(source.title)
    parts, buffer = source.parts, builder.buffer
    in_link, ghost, ghosts = False, "", 0
    if parts[0]:
        buffer.append(parts[0])
    for at in range(1, len(parts), 2):
        raw, text = parts[at], parts[at + 1]
        if raw is not None:
            tag = tag_of(raw)
            kind = tag.kind
            if ghosts:
                ghosts += (tag.name == ghost) * (kind != tags.GHOST_END and kind != tags.BLOCK_END) - (
                    tag.name == ghost
                ) * (kind == tags.GHOST_END)
                if kind == tags.BLOCK or kind == tags.BLOCK_END:
                    ghosts = 0
                if ghosts or kind == tags.GHOST_END:
                    if not ghosts and text:
                        buffer.append(text)
                    continue
            if kind == tags.BLOCK:
                builder.start(tag)
            elif kind == tags.BLOCK_END:
                builder.end(tag.name)
            elif kind == tags.LINK:
                if not in_link and buffer and not buffer[-1][-1:].isspace() and buffer[-1] == "\0":
                    buffer.append(" ")
                in_link = True
            elif kind == tags.LINK_END:
                in_link = False
            elif kind == tags.BREAK:
                buffer.append(LINE_BREAK)
            elif kind == tags.IMAGE:
                if tag.text:
                    buffer.append(f"{TEX}{tag.text}{TEX}")
            elif kind == tags.RULE:
                builder.flush()
            elif kind == tags.GHOST:
                ghost, ghosts = tag.name, 1
                continue
        if text:
            buffer.append(text)
            if in_link:
                builder.linked += len(text)
    return builder.finish()
