"""Tables of data, and tables that only arrange a page."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from transforms.steps.extract.blocks.layout import HEADINGS, Layout

LONGEST_CELL = 250  # characters; a longer cell is a column of a page, not a value
MOST_BLOCKS = 3  # of text in a cell, for the same reason


def within(page: Layout, node: int) -> Iterator[int]:
    """Containers in a container, in their order; they are numbered as they open."""
    depth, at = page.depths[node], node + 1
    while at < len(page.depths) and page.depths[at] > depth:
        yield at
        at += 1


def rows_of(page: Layout, table: int) -> list[list[int]] | None:
    """Cells of each row, as containers; None if the table arranges a page.

    It does if it holds another table, a heading or code, a cell of more text than a value has, or no two rows or columns.
    """
    rows: list[list[int]] = []
    for node in within(page, table):
        name = page.infos[node].name
        if name == "tr":
            rows.append([])
        elif name in ("td", "th"):
            first, end = page.firsts[node], page.ends[node]
            if end - first > MOST_BLOCKS or sum(map(len, page.texts[first:end])) > LONGEST_CELL:
                return None
            if not rows:
                rows.append([])
            rows[-1].append(node)
        elif name in ("table", "pre", "form") or name in HEADINGS:
            return None
    rows = [row for row in rows if any(page.ends[cell] > page.firsts[cell] for cell in row)]
    return rows if len(rows) > 1 and max(map(len, rows)) > 1 else None


def cell_text(page: Layout, cell: int) -> str:
    lines = page.texts[page.firsts[cell] : page.ends[cell]]
    return " ".join(" ".join(lines).split()).replace("|", "\\|")


def table_text(page: Layout, rows: list[list[int]], kept: np.ndarray) -> str:
    """A table in Markdown. Of a table that is mostly not kept, the rows that mostly are."""
    sizes = np.array(list(map(len, page.texts)))

    def mostly(first: int, end: int) -> bool:
        return 2 * int(sizes[first:end][kept[first:end]].sum()) >= int(sizes[first:end].sum())

    ends = [(page.firsts[row[0]], page.ends[row[-1]]) for row in rows]
    if not mostly(ends[0][0], ends[-1][1]):
        rows = [row for row, (first, end) in zip(rows, ends, strict=True) if mostly(first, end)]
    if not rows:
        return ""
    columns = max(map(len, rows))
    lines = []
    for row in rows:
        cells = [cell_text(page, cell) for cell in row] + [""] * (columns - len(row))
        lines.append(f"| {' | '.join(cells)} |")
    lines.insert(1, "|" + " --- |" * columns)
    return "\n".join(lines)
