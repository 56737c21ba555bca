"""Connected components by stars: large star and small star of Kiveris et al., "Connected Components in MapReduce and
Beyond", SoCC 2014.

Nodes are uint64. Edges are rows of a uint64 array (n, 2). Every function sees the rows of some owners, all rows of each
of them, so any number of machines may share the owners. Rounds of large star and small star end in a forest of stars:
every node linked to the smallest node of its component and to nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NO_EDGES = np.empty((0, 2), np.uint64)


class Groups(NamedTuple):
    """Rows (owner, value) sorted, each once. starts, sizes: where each owner's rows begin and how many they are."""

    rows: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray


def group(rows: np.ndarray) -> Groups:
    rows = distinct(rows)
    owners = rows[:, 0]
    starts = np.flatnonzero(np.concatenate(([True], owners[1:] != owners[:-1]))) if len(rows) else np.empty(0, np.int64)
    return Groups(rows, starts, np.diff(np.append(starts, len(rows))))


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


def both_ways(edges: np.ndarray) -> np.ndarray:
    """Edges as rows (owner, neighbour) for both ends."""
    return np.concatenate([edges, edges[:, ::-1]])


def large_star(rows: np.ndarray) -> np.ndarray:
    """Rows (owner, neighbour) of both ways: larger neighbours are linked to the smallest of owner and neighbours."""
    found = group(rows)
    if not len(found.rows):
        return NO_EDGES
    owners, values = found.rows.T
    least = np.minimum(owners, np.repeat(values[found.starts], found.sizes))
    larger = values > owners
    return np.column_stack([values[larger], least[larger]])


def small_star(rows: np.ndarray) -> np.ndarray:
    """Rows (owner, smaller neighbour): the owner and these neighbours are linked to the smallest of them."""
    found = group(rows)
    if not len(found.rows):
        return NO_EDGES
    owners, values = found.rows.T
    least = np.repeat(values[found.starts], found.sizes)
    first = np.zeros(len(values), bool)
    first[found.starts] = True
    nodes = np.where(first, owners, values)  # the smallest needs no edge to itself; its row carries the owner
    return np.column_stack([nodes, least])


def not_converged(rows: np.ndarray) -> int:
    """Owners that are neither the smallest of their neighbourhood nor linked to one smaller node alone: 0 for stars."""
    found = group(rows)
    if not len(found.rows):
        return 0
    owners, smallest = found.rows[found.starts].T
    return int(((smallest < owners) & (found.sizes > 1)).sum())
