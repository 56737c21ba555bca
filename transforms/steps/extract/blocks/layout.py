"""A page as blocks of text in containers: what a browser would set as paragraphs, list items, cells and headings."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from transforms.steps.extract.blocks import tags
from transforms.steps.extract.blocks.source import LINE_BREAK, TEX, Source
from transforms.steps.extract.blocks.tags import (
    BLOCK,
    BLOCK_END,
    BREAK,
    GHOST,
    GHOST_END,
    GROUP,
    IMAGE,
    LINK,
    LINK_END,
    NO_TAG,
    RULE,
    Tag,
    remembered,
    tag_of,
    tex_of_image,
)

SCOPES = frozenset(GROUP[name] for name in ("table", "td", "caption"))
TABLE_PARTS = frozenset(GROUP[name] for name in ("table", "td", "tr", "caption", "tbody"))
PARAGRAPH, PRE, ITEM = GROUP["p"], GROUP["pre"], GROUP["li"]
# A start tag closes an open one of its own group, unless one of these groups has been opened since.
CLOSES = {
    GROUP[name]: tuple(GROUP[other] for other in within)
    for name, within in {
        "li": ("ul",),
        "dt": ("dl",),
        "td": ("tr", "table"),
        "tr": ("table",),
        "tbody": ("table",),
    }.items()
}
HEADINGS = {f"h{level}": level for level in range(1, 7)}
# Characters that are no text and that XML can't hold, and the byte order mark and soft hyphen, which nobody sees.
INVISIBLE = dict.fromkeys([*range(9), 11, 12, *range(14, 28), 127, 0xAD, 0xFEFF, 0xFFFE, 0xFFFF])
SOME_INVISIBLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1b\x7f\xad\ufeff\ufffe\uffff]")
PARAGRAPH_BREAK = re.compile(rf"{LINE_BREAK}(?:[^\S{LINE_BREAK}]*{LINE_BREAK})+")
DISPLAY = re.compile(r"^\{\s*\\(?:displaystyle|textstyle)\b(.*)\}$", re.S)


@dataclass
class Layout:
    """Blocks and containers of a page, as lists of numbers side by side.

    texts: each block's text.
    links: characters of it that lie in links.
    nodes: number of the container that it lies in.
    parents: each container's container; the first, the page itself, has -1.
    infos: each container's tag.
    above: bits of its tag's mask and of the masks of all that it lies in.
    depths: containers that it lies in.
    firsts, ends: the blocks that it holds, as a range.
    numbers: of items in numbered lists.
    title: the text of <title>.
    """

    title: str
    kinds: dict[str, int]
    texts: list[str]
    links: list[int]
    nodes: list[int]
    parents: Sequence[int]
    infos: Sequence[Tag]
    above: Sequence[int]
    depths: Sequence[int]
    firsts: Sequence[int]
    ends: Sequence[int]
    numbers: dict[int, int]


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
    for number in range(1, len(pieces), 2):
        tex = " ".join(pieces[number].split())
        if (inner := DISPLAY.match(tex)) is not None:
            tex = inner[1].strip()
        pieces[number] = "" if not tex or (tex == last and not pieces[number - 1].strip()) else f"${tex}$"
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


PAGE = Tag(BLOCK, "body", len(tags.BLOCKS), sign="body")


class Builder:
    """Goes through a page's tags and texts once. What is opened is popped once, so the whole is linear."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.links: list[int] = []
        self.nodes: list[int] = []
        # Of each container: what holds it, its tag, all masks above, depth, first block. One list is faster than five.
        self.rows: list[tuple[int, Tag, int, int, int]] = [(-1, PAGE, 0, 0, 0)]
        self.ends: list[int] = [0]
        self.numbers: dict[int, int] = {}
        self.items: dict[int, int] = {}  # of a numbered list, the number of its last item
        self.stack: list[int] = [0]
        self.open: list[list[int]] = [[] for _ in tags.BLOCKS]  # by group, the depths at which it is open
        self.scopes: list[int] = [0]  # depths of tables and their cells
        self.pre = 0
        self.buffer: list[str] = []
        self.linked = 0

    def flush(self) -> None:
        """End a block."""
        raw = "".join(self.buffer)
        self.buffer.clear()
        linked, self.linked = self.linked, 0
        if self.pre:
            self.add(tidy_code(raw), linked)
        elif LINE_BREAK in raw and len(pieces := PARAGRAPH_BREAK.split(raw)) > 1:
            for piece in pieces:
                self.add(tidy(piece), linked * len(piece) // len(raw))
        else:
            self.add(tidy(raw), linked)

    def add(self, text: str, linked: int) -> None:
        if text:
            self.texts.append(text)
            self.links.append(min(linked, len(text)))
            self.nodes.append(self.stack[-1])

    def start(self, tag: Tag) -> None:
        _, _, _, group, mask, _ = tag
        stack, opened = self.stack, self.open
        depths, paragraphs = opened[group], opened[PARAGRAPH]
        if depths and group in CLOSES:
            top = depths[-1]
            for other in CLOSES[group]:
                if opened[other] and opened[other][-1] > top:
                    break
            else:
                self.pop_to(top)
        if paragraphs and paragraphs[-1] > self.scopes[-1]:
            self.pop_to(paragraphs[-1])
        parent, node, depth = stack[-1], len(self.rows), len(stack)
        outer = self.rows[parent]
        depths.append(depth)
        stack.append(node)
        self.rows.append((parent, tag, outer[2] | mask, depth, len(self.texts)))
        self.ends.append(0)
        if group in SCOPES:
            self.scopes.append(depth)
        elif group == PRE:
            self.pre += 1
        elif group == ITEM and outer[1][1] == "ol":
            self.items[parent] = self.numbers[node] = self.items.get(parent, 0) + 1

    def end(self, group: int) -> None:
        """An end tag. One that ends nothing is passed over, as browsers do; </p> then is an empty paragraph."""
        depths = self.open[group]
        ends = bool(depths) and (depths[-1] >= self.scopes[-1] or group in TABLE_PARTS)
        if self.buffer and (ends or group == PARAGRAPH):
            self.flush()
        if ends:
            self.pop_to(depths[-1])

    def pop_to(self, depth: int) -> None:
        stack, rows, now = self.stack, self.rows, len(self.texts)
        while len(stack) > depth:
            node = stack.pop()
            group = rows[node][1][3]
            self.ends[node] = now
            self.open[group].pop()
            if group in SCOPES:
                self.scopes.pop()
            elif group == PRE:
                self.pre -= 1

    def finish(self, source: Source) -> Layout:
        if self.buffer:
            self.flush()
        self.pop_to(1)
        self.ends[0] = len(self.texts)
        parents, infos, above, depths, firsts = zip(*self.rows, strict=True)
        return Layout(
            source.title, source.kinds, self.texts, self.links, self.nodes,
            parents, infos, above, depths, firsts, self.ends, self.numbers,
        )  # fmt: skip


def lay_out(source: Source) -> Layout:
    """The blocks of a page's source."""
    builder = Builder()
    buffer, parts = builder.buffer, iter(source.parts())
    in_link, after_link, ghost, ghosts = False, False, "", 0
    if text := next(parts):
        buffer.append(text)
    for raw, text in zip(parts, parts, strict=True):
        tag = remembered(raw) or tag_of(raw) if raw is not None else NO_TAG
        kind = tag[0]
        if ghosts:
            # Within what only repeats a formula: until its own end tag, or the next block
            if kind in (BLOCK, BLOCK_END):
                ghosts = 0
            else:
                if tag[1] == ghost:
                    ghosts += -1 if kind == GHOST_END else 1
                if ghosts:
                    continue
        if kind == BLOCK:
            if buffer:
                builder.flush()
            builder.start(tag)
        elif kind == BLOCK_END:
            builder.end(tag[3])
        elif kind == LINK:
            if after_link and buffer:
                buffer.append(" ")  # links side by side are set apart by style alone
            in_link = True
        elif kind == LINK_END:
            in_link, after_link = False, True
        elif kind == BREAK:
            buffer.append(LINE_BREAK)
        elif kind == IMAGE and raw is not None:
            buffer.append(f"{TEX}{tex_of_image(raw)}{TEX}")
        elif kind == RULE:
            if buffer:
                builder.flush()
        elif kind == GHOST:
            ghost, ghosts = tag[1], 1
            continue
        if text and (buffer or not text.isspace()):
            after_link = False
            buffer.append(text)
            if in_link:
                builder.linked += len(text)
    return builder.finish(source)
