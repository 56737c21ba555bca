"""Tables of data, and tables that only arrange a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from transforms.steps.extract.blocks.layout import HEADINGS, Layout

LONGEST_CELL = 250  # characters; a longer cell is a column of a page, not a value
MOST_COLUMNS = 60  # short rows are filled up to the longest, which a hostile page could make a product of two sizes
MOST_BLOCKS = 3  # of text in a cell, for the same reason


def within(page: Layout, node: int) -> Iterator[int]:
    """Containers in a container, in their order; they are numbered as they open."""
    depth, inner = page.depths[node], node + 1
    while inner < len(page.depths) and page.depths[inner] > depth:
        yield inner
        inner += 1


@dataclass(frozen=True)
class Table:
    """A table of data. rows: each row's cells, as containers. blocks: the blocks in them."""

    rows: list[list[int]]
    blocks: frozenset[int]


def table_of(page: Layout, node: int) -> Table | None:
    """A table of data; None if the table arranges a page.

    It does if it holds another table, a heading, code or a form, a cell of more text than a value has, or if it has
    no two rows or columns, or more columns than anyone reads.
    """
    rows: list[list[int]] = []
    for inner in within(page, node):
        name = page.infos[inner].name
        if name == "tr":
            rows.append([])
        elif name in ("td", "th"):
            first, end = page.firsts[inner], page.ends[inner]
            if end - first > MOST_BLOCKS or sum(map(len, page.texts[first:end])) > LONGEST_CELL:
                return None
            if not rows:
                rows.append([])
            rows[-1].append(inner)
        elif name in ("table", "pre", "form") or name in HEADINGS:
            return None
    rows = [row for row in rows if any(page.ends[cell] > page.firsts[cell] for cell in row)]
    if len(rows) < 2 or not 2 <= max(map(len, rows)) <= MOST_COLUMNS:
        return None
    cells = (cell for row in rows for cell in row)
    return Table(rows, frozenset(block for cell in cells for block in range(page.firsts[cell], page.ends[cell])))


def cell_text(page: Layout, cell: int) -> str:
    lines = page.texts[page.firsts[cell] : page.ends[cell]]
    return " ".join(" ".join(lines).split()).replace("|", "\\|")


def mostly(page: Layout, kept: np.ndarray, cells: list[int]) -> bool:
    """Whether at least half of the text of these cells, the first to the last, is kept."""
    first, end = page.firsts[cells[0]], page.ends[cells[-1]]
    sizes = np.array(list(map(len, page.texts[first:end])))
    return 2 * int(sizes[kept[first:end]].sum()) >= int(sizes.sum())


def table_text(page: Layout, table: Table, kept: np.ndarray) -> str:
    """A table in Markdown. Of a table that is mostly not kept, the rows that mostly are."""
    rows = table.rows
    if not mostly(page, kept, [rows[0][0], rows[-1][-1]]):
        rows = [row for row in rows if mostly(page, kept, row)]
    if not rows:
        return ""
    columns = max(map(len, rows))
    lines = []
    for row in rows:
        cells = [cell_text(page, cell) for cell in row] + [""] * (columns - len(row))
        lines.append(f"| {' | '.join(cells)} |")
    lines.insert(1, "|" + " --- |" * columns)
    return "\n".join(lines)
