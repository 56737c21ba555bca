"""What a page's blocks are like, as integers: the columns that the model asks about.

All arithmetic is on integers, so the same page has the same features on every machine. Shares are in thousandths.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from transforms.steps.extract.blocks.alike import Alike, alike_columns
from transforms.steps.extract.blocks.characters import KINDS
from transforms.steps.extract.blocks.layout import HEADINGS, Layout
from transforms.steps.extract.blocks.shape import LEVELS, Shape, running, share
from transforms.steps.extract.blocks.tags import BLOCKS, MASK_NAMES

PROSE = 60  # characters, wide ones threefold: about ten words; less is seldom a sentence
LINKED = 300  # thousandths: a block with a larger share of linked characters is not read as prose
CAPACITY = 320  # rows of a page, more than there are columns
FAR = 9_999  # where there is no heading
LIKES = 4  # levels at which containers of the same name and class are summed

LAST = {**dict.fromkeys(".!?。！？؟۔।։", 1), **dict.fromkeys("\"”»’)]'", 2), **dict.fromkeys(":：,;，、；", 3), "…": 4}
NAMES = (*BLOCKS, "body")
LEVEL_OF = np.array([HEADINGS.get(name, 0) for name in NAMES])
PARAGRAPH = np.array([name == "p" for name in NAMES])
ARTICLE = NAMES.index("article")


class Columns:
    """Rows of numbers by name, a number for each of n blocks."""

    def __init__(self, n: int) -> None:
        self.names: list[str] = []
        self.matrix = np.empty((CAPACITY, n), np.int32)

    def add(self, **rows: np.ndarray) -> None:
        for name, row in rows.items():
            self.matrix[len(self.names)] = row
            self.names.append(name)

    def add_all(self, names: list[str], rows: np.ndarray) -> None:
        """rows: names × n."""
        start = len(self.names)
        self.matrix[start : start + len(names)] = rows
        self.names += names

    def chosen(self, names: list[str]) -> np.ndarray:
        """int32, a row for each of these names."""
        return self.matrix.take(places(tuple(self.names), tuple(names)), axis=0)


@cache
def places(names: tuple[str, ...], chosen: tuple[str, ...]) -> np.ndarray:
    """Where the chosen names stand. All pages have the same."""
    index = {name: number for number, name in enumerate(names)}
    return np.array([index[name] for name in chosen])


def shifted(rows: np.ndarray, by: int) -> np.ndarray:
    """Each block's value `by` blocks on, 0 beyond the page."""
    moved = np.zeros_like(rows)
    if by > 0:
        moved[..., :-by] = rows[..., by:]
    else:
        moved[..., -by:] = rows[..., :by]
    return moved


def features(page: Layout, shape: Shape, alike: Alike) -> Columns:
    """The columns of a page that has a block."""
    out = Columns(len(page.texts))
    own = shape.code[shape.node]
    prose = (shape.size >= PROSE) & (shape.linked < LINKED)
    level = LEVEL_OF[own]
    known: dict[str, int] = {}
    text = np.array([known.setdefault(each, len(known)) for each in page.texts])
    of_blocks(out, page, shape, own, np.bincount(text)[text])
    of_masks(out, page, shape)
    quantities = np.stack(
        [shape.size, shape.size * shape.linked // 1000, shape.size * prose, prose, level > 0, PARAGRAPH[own]]
    )
    totals = running(quantities)
    of_containers(out, shape, quantities, totals[:, -1])
    of_neighbours(out, shape, own, totals)
    of_headings(out, page, shape, level, quantities[2])
    of_page(out, page, shape, own, totals[:, -1])
    out.add(**alike_columns(shape, alike, text, quantities[2], int(totals[2, -1])))
    return out


def of_blocks(out: Columns, page: Layout, shape: Shape, own: np.ndarray, times: np.ndarray) -> None:
    """A block by itself, and its place on the page. times: how often the page has a text."""
    n, texts = len(own), page.texts
    index = np.arange(n)
    before = running(shape.size)
    out.add(length=shape.size, linked=shape.linked, words=shape.words())
    out.add_all(list(KINDS[2:]), shape.classes[2:])
    out.add_all([f"{name}_share" for name in KINDS[2:]], share(shape.classes[2:], shape.length))
    out.add(last=np.array([LAST.get(text[-1], 0) for text in texts]), heading=LEVEL_OF[own], tag=own)
    out.add(times=times, index=index, rest=n - index)
    out.add(index_share=index * 1000 // n, text_share=share(before[:-1], int(before[-1])))
    out.add(depth=np.array(page.depths)[shape.node])


def of_masks(out: Columns, page: Layout, shape: Shape) -> None:
    """What names and classes say: 1 of a container anywhere above, 2 of one of the nearest three, 3 of its own."""
    masks, above = np.array([tag[4] for tag in page.infos]), np.array(page.above)
    own, near = masks[shape.node], masks[shape.lines[:3]]
    near = near[0] | near[1] | near[2]
    out.add_all([f"in_{name}" for name in MASK_NAMES], bits_of(above[shape.node]) + bits_of(near) + bits_of(own))


def bits_of(masks: np.ndarray) -> np.ndarray:
    """uint8, bits × masks."""
    rows = np.unpackbits(masks.astype("<i8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    return rows[:, : len(MASK_NAMES)].T


def of_containers(out: Columns, shape: Shape, quantities: np.ndarray, whole: np.ndarray) -> None:
    """What a block's containers hold, and what all containers of the same name and class hold."""
    held = shape.held(quantities)
    blocks = shape.ends - shape.firsts
    per, count = held.take(shape.lines, axis=1), blocks.take(shape.lines)
    largest = np.maximum(per[2].max(axis=1, keepdims=True), 1)
    for name, rows in {
        "text": per[0],
        "linked": share(per[1], per[0]),
        "prose_share": share(per[2], per[0]),
        "prose_blocks": per[3],
        "prose_of_largest": share(per[2], largest),
        "prose_per_block": per[2] // np.maximum(count, 1),
        "share_of_page": share(per[2], int(whole[2])),
    }.items():
        out.add_all([f"{name}_{level}" for level in LEVELS], rows)
    number = np.bincount(shape.sign)
    alike = shape.alike(held[:3])
    which = shape.sign[shape.lines[:LIKES]]
    for name, row in {
        "alike": number,
        "alike_prose": share(alike[2], int(whole[2])),
        "alike_linked": share(alike[1], alike[0]),
        "alike_mean": alike[2] // number,
    }.items():
        out.add_all([f"{name}_{level}" for level in LEVELS[:LIKES]], row.take(which))
    out.add_all([f"tag_{level}" for level in LEVELS[1:LIKES]], shape.code[shape.lines[1:LIKES]])


def of_neighbours(out: Columns, shape: Shape, own: np.ndarray, totals: np.ndarray) -> None:
    rows = np.stack([shape.size, shape.linked, own])
    n = len(own)
    index = np.arange(n)
    for by in (-2, -1, 1, 2):
        out.add_all([f"{name}_at_{by}" for name in ("length", "linked", "tag")], shifted(rows, by))
    for by in (3, 8, 20):
        low, high = np.maximum(index - by, 0), np.minimum(index + by + 1, n)
        above = totals.take(high, axis=1)
        around = above - totals.take(low, axis=1)
        out.add_all([f"prose_after_{by}"], (above[2] - totals[2, :-1])[None])
        out.add_all([f"linked_around_{by}"], share(around[1], around[0])[None])


def of_headings(out: Columns, page: Layout, shape: Shape, level: np.ndarray, prose: np.ndarray) -> None:
    """Where a block stands to headings, the page's title, and the container with most prose of its own."""
    n = len(level)
    index, no = np.arange(n), np.full(n, -FAR)
    at_heading = np.maximum.accumulate(np.where(level > 0, index, -FAR))
    ones = np.flatnonzero(level == 1)
    top = int(ones[0]) if len(ones) else -1
    title = page.title.casefold()
    longest = min(300, len(title) + 1)  # casefold makes no text shorter
    titled = np.array([5 < len(text) < longest and text.casefold() in title for text in page.texts])
    last = np.flatnonzero(titled)
    out.add(since_heading=np.minimum(index - at_heading, FAR))
    out.add(heading_above=np.where(at_heading >= 0, level[np.maximum(at_heading, 0)], 0))
    out.add(since_h1=index - top if top >= 0 else no, titled=titled)
    out.add(since_title=index - int(last[-1]) if len(last) else no)
    prose_at = np.flatnonzero(prose)
    begin, stop = (int(prose_at[0]), int(prose_at[-1])) if len(prose_at) else (0, 0)
    out.add(since_first_prose=index - begin, until_last_prose=stop - index)
    of_node = np.bincount(shape.node, weights=prose)
    centre = int(of_node.argmax())
    low, high, middle = shape.firsts[shape.chain], shape.ends[shape.chain], int(shape.firsts[centre])
    to_centre = ((low > middle) | (high <= middle)).sum(axis=0)
    out.add(to_centre=to_centre)
    out.add(to_h1=((low > top) | (high <= top)).sum(axis=0) if top >= 0 else np.full(n, 20))
    out.add(centre_share=np.full(n, int(of_node[centre]) * 1000 // max(int(prose.sum()), 1)))


def of_page(out: Columns, page: Layout, shape: Shape, own: np.ndarray, whole: np.ndarray) -> None:
    n = len(own)
    text, linked, prose, prose_blocks, headings, paragraphs = map(int, whole)
    numbers = {
        "blocks": n,
        "text": text,
        "linked": linked * 1000 // max(text, 1),
        "prose": prose,
        "prose_share": prose * 1000 // max(text, 1),
        "prose_blocks": prose_blocks,
        "headings": headings,
        "paragraphs": paragraphs,
        "longest": int(shape.size.max()),
        "articles": int((shape.code == ARTICLE).sum()),
        "money": int(shape.classes[-1].sum()),
        "digits": int(shape.classes[-2].sum()) * 1000 // max(int(shape.length.sum()), 1),
        "signs": int(shape.sign.max()) + 1,
        **page.kinds,
    }
    out.add_all([f"page_{name}" for name in numbers], np.array(list(numbers.values()))[:, None])
