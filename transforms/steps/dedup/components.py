"""Connected components by stars: large star and small star of Kiveris et al., "Connected Components in MapReduce and
Beyond", SoCC 2014.

Nodes are uint64. Edges are rows (owner, neighbour) of a uint64 array (n, 2). A function is given some owners with all
rows of each, so owners can be spread over any number of machines. Rounds of large star and small star end in star
graphs: every node is linked to the smallest node of its component and to nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NO_EDGES = np.empty((0, 2), np.uint64)
ASKS = np.uint64(1 << 63)  # bit of a node that asks who else has a line; numbers of nodes are smaller
MAX_SHARING = 100  # nodes; a line that more have is of a site or a form, and leads nowhere


class OwnedRows(NamedTuple):
    """Rows (owner, value), grouped by owner.

    rows: sorted, each once, uint64 of shape (n, 2)
    starts: the index of each owner's first row
    sizes: the number of each owner's rows
    """

    rows: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray


def group_by_owner(rows: np.ndarray) -> OwnedRows:
    rows = distinct(rows)
    owners = rows[:, 0]
    starts = np.flatnonzero(np.concatenate(([True], owners[1:] != owners[:-1]))) if len(rows) else np.empty(0, np.int64)
    return OwnedRows(rows, starts, np.diff(np.append(starts, len(rows))))


def distinct(rows: np.ndarray) -> np.ndarray:
    """The rows sorted, each once."""
    if not len(rows):
        return NO_EDGES
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    return rows[np.concatenate(([True], (rows[1:] != rows[:-1]).any(axis=1)))]


def band_stars(rows: np.ndarray) -> np.ndarray:
    """Rows (key, node) to edges (node, smallest node of that key) with node > smallest."""
    if not len(rows):
        return NO_EDGES
    order = np.argsort(rows[:, 0])
    keys, nodes = rows[order, 0], rows[order, 1]
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    smallest = np.repeat(np.minimum.reduceat(nodes, starts), np.diff(np.append(starts, len(nodes))))
    linked = nodes > smallest
    return distinct(np.column_stack([nodes[linked], smallest[linked]]))


def line_stars(rows: np.ndarray) -> np.ndarray:
    """Rows (key, node) as `band_stars` takes them, but only keys of MAX_SHARING nodes at most, of which one ASKS."""
    if not len(rows):
        return NO_EDGES
    rows = rows[np.argsort(rows[:, 0])]
    starts = np.flatnonzero(np.concatenate(([True], rows[1:, 0] != rows[:-1, 0])))
    sizes = np.diff(np.append(starts, len(rows)))
    asked = np.logical_or.reduceat(rows[:, 1] >= ASKS, starts)
    wanted = np.repeat(asked & (sizes > 1) & (sizes <= MAX_SHARING), sizes)
    return band_stars(np.column_stack([rows[wanted, 0], rows[wanted, 1] & ~ASKS]))


def both_ways(edges: np.ndarray) -> np.ndarray:
    """Edges as rows (owner, neighbour) for both ends."""
    return np.concatenate([edges, edges[:, ::-1]])


def large_star(rows: np.ndarray) -> np.ndarray:
    """Rows (owner, neighbour) of both ways: larger neighbours are linked to the smallest of owner and neighbours."""
    groups = group_by_owner(rows)
    if not len(groups.rows):
        return NO_EDGES
    owners, values = groups.rows.T
    least = np.minimum(owners, np.repeat(values[groups.starts], groups.sizes))
    larger = values > owners
    return np.column_stack([values[larger], least[larger]])


def small_star(rows: np.ndarray) -> np.ndarray:
    """Rows (owner, smaller neighbour): the owner and these neighbours are linked to the smallest of them."""
    groups = group_by_owner(rows)
    if not len(groups.rows):
        return NO_EDGES
    owners, values = groups.rows.T
    least = np.repeat(values[groups.starts], groups.sizes)
    first = np.zeros(len(values), bool)
    first[groups.starts] = True
    nodes = np.where(first, owners, values)  # the smallest needs no edge to itself: the owner takes its row
    return np.column_stack([nodes, least])


def not_converged(rows: np.ndarray) -> int:
    """Owners that are neither the smallest of their neighbourhood nor linked to one smaller node alone: 0 for stars."""
    groups = group_by_owner(rows)
    if not len(groups.rows):
        return 0
    owners, smallest = groups.rows[groups.starts].T
    return int(((smallest < owners) & (groups.sizes > 1)).sum())
