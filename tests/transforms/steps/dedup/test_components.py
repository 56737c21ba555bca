"""Connected components by stars, against union-find."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from transforms.packed import partition_of
from transforms.steps.dedup.components import (
    NO_EDGES,
    band_stars,
    both_ways,
    distinct,
    group_by_owner,
    large_star,
    not_converged,
    small_star,
)

Edges = list[tuple[int, int]]
MOST_ROUNDS = 40


def array(rows: Edges) -> np.ndarray:
    return np.array(rows, np.uint64).reshape(-1, 2)


def components(edges: Edges) -> dict[int, int]:
    """Every node that is not the smallest of its component, with the smallest: by union-find."""
    parent: dict[int, int] = {}

    def find(node: int) -> int:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in edges:
        low, high = sorted((find(one), find(other)))
        parent[high] = low
    return {node: root for node in sorted(parent) if (root := find(node)) != node}


def shuffled(rows: np.ndarray, change: Callable[[np.ndarray], np.ndarray], partitions: int) -> np.ndarray:
    """`change` on each partition of the rows' owners alone, as workers do it; what comes out in any order."""
    owner = partition_of(rows[:, 0], partitions)
    return np.concatenate([NO_EDGES, *(change(rows[owner == number]) for number in range(partitions))])


def settle(edges: np.ndarray, partitions: int = 1) -> tuple[dict[int, int], int]:
    """Rounds of large and small star until nothing is not_converged: the stars, and how many rounds that took."""
    rows, rounds = both_ways(edges), 0
    while sum(not_converged(rows[partition_of(rows[:, 0], partitions) == number]) for number in range(partitions)):
        rows = shuffled(rows, large_star, partitions)
        rows = both_ways(shuffled(rows, small_star, partitions))
        rounds += 1
        assert rounds <= MOST_ROUNDS
    stars = distinct(rows[rows[:, 0] > rows[:, 1]])
    return dict(stars.tolist()), rounds


def randomly(nodes: int, edges: int, seed: int) -> Edges:
    rng = random.Random(seed)
    drawn = [(rng.randrange(nodes), rng.randrange(nodes)) for _ in range(edges)]
    return [edge for edge in drawn if edge[0] != edge[1]]


def spread(edges: Edges, seed: int = 1) -> Edges:
    """The same graph with its nodes named at random over all of uint64, edges in any order and direction."""
    rng = random.Random(seed)
    nodes = sorted({node for edge in edges for node in edge})
    names = {node: rng.getrandbits(64) for node in nodes}
    named = [(names[a], names[b]) if rng.random() < 0.5 else (names[b], names[a]) for a, b in edges]
    return rng.sample(named, len(named))


CHAIN = [(n, n + 1) for n in range(4_999)]
CLIQUE = [(a, b) for a in range(30) for b in range(a)]
GRAPHS = {
    "nothing": [],
    "one edge": [(0, 1)],
    "the largest nodes": [(2**64 - 1, 2**64 - 2), (0, 2**64 - 1)],
    "chain": CHAIN,
    "chain of any names": spread(CHAIN),
    "ring": [*CHAIN, (4_999, 0)],
    "star around the smallest": [(n, 0) for n in range(1, 500)],
    "star around the largest": [(n, 500) for n in range(500)],
    "star of any names": spread([(n, 0) for n in range(1, 500)]),
    "clique": CLIQUE,
    "two cliques": CLIQUE + [(a + 100, b + 100) for a, b in CLIQUE],
    "two cliques joined": [*CLIQUE, *((a + 100, b + 100) for a, b in CLIQUE), (29, 129)],
    "binary tree": spread([(n, n // 2) for n in range(2, 2_000)]),
    "the same edge again, and back": [(1, 2), (1, 2), (2, 1), (3, 2), (3, 2)],
    "many pairs": spread([(2 * n, 2 * n + 1) for n in range(500)]),
    **{f"random, {edges} edges": spread(randomly(1_000, edges, edges)) for edges in (100, 500, 1_000, 5_000)},
}


@pytest.mark.parametrize("edges", GRAPHS.values(), ids=GRAPHS)
def test_stars_are_the_connected_components(edges: Edges) -> None:
    expected = components(edges)
    stars, rounds = settle(array(edges))
    assert stars == expected
    assert bool(rounds) == (not_converged(both_ways(array(edges))) > 0)


@pytest.mark.parametrize("seed", range(30))
def test_small_random_graphs(seed: int) -> None:
    """Where every odd shape turns up: unions of trees, rings and knots of up to 12 nodes."""
    edges = randomly(12, seed % 16, seed)
    assert settle(array(edges))[0] == components(edges)


@pytest.mark.slow
@pytest.mark.parametrize("partitions", [2, 3, 16, 257])
@pytest.mark.parametrize("name", ["nothing", "chain of any names", "two cliques joined", "random, 1000 edges"])
def test_owners_may_be_shared_among_any_number_of_machines(name: str, partitions: int) -> None:
    edges = array(GRAPHS[name])
    assert settle(edges, partitions) == settle(edges)


def test_a_chain_of_five_thousand_settles_in_few_rounds() -> None:
    for name in ("chain", "chain of any names", "ring"):
        assert settle(array(GRAPHS[name]))[1] <= 16  # the logarithm of its length, not its length


@pytest.mark.parametrize(
    ("edges", "count"),
    [
        ([], 0),
        ([(1, 0)], 0),
        ([(1, 0), (2, 0), (3, 0)], 0),
        ([(1, 0), (5, 4)], 0),
        ([(1, 0), (1, 0)], 0),  # the same edge twice is one
        ([(1, 0), (2, 1)], 1),  # 1 is the end of two edges and not their smallest
        ([(2, 0), (2, 1)], 1),
        ([(1, 0), (2, 1), (3, 2)], 2),
        ([(1, 0), (2, 0), (2, 1)], 2),
    ],
)
def test_unsettled(edges: Edges, count: int) -> None:
    assert not_converged(both_ways(array(edges))) == count


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([(1, 0)], []),
        ([(1, 2)], [(2, 1)]),
        ([(5, 3), (5, 4), (5, 7), (5, 9)], [(7, 3), (9, 3)]),  # the owner is linked by its smaller neighbours
        ([(5, 7), (2, 3)], [(3, 2), (7, 5)]),
    ],
)
def test_large_star(rows: Edges, expected: Edges) -> None:
    assert distinct(large_star(array(rows))).tolist() == [list(row) for row in expected]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([(1, 0)], [(1, 0)]),
        ([(5, 3), (5, 4), (5, 1)], [(3, 1), (4, 1), (5, 1)]),
        ([(5, 3), (5, 3)], [(5, 3)]),
        ([(5, 3), (4, 2)], [(4, 2), (5, 3)]),
    ],
)
def test_small_star(rows: Edges, expected: Edges) -> None:
    assert distinct(small_star(array(rows))).tolist() == [list(row) for row in expected]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([(9, 1)], []),
        ([(9, 1), (8, 2)], []),
        ([(9, 1), (9, 1)], []),  # a document meets itself
        ([(9, 3), (9, 1), (9, 2)], [(2, 1), (3, 1)]),
        ([(9, 3), (8, 1), (9, 2), (8, 3)], [(3, 1), (3, 2)]),
        ([(9, 2), (9, 1), (8, 1), (8, 2)], [(2, 1)]),
    ],
)
def test_documents_of_one_key_are_linked_to_the_smallest(rows: Edges, expected: Edges) -> None:
    assert band_stars(array(rows)).tolist() == [list(row) for row in expected]


def test_keys_link_as_all_pairs_would() -> None:
    rng = random.Random(4)
    rows = [(rng.randrange(300), rng.randrange(2**63)) for _ in range(600)]
    pairs = [(a, b) for key, a in rows for other, b in rows if key == other and a > b]
    assert settle(band_stars(array(rows)))[0] == components(pairs)


def test_groups_know_their_owners_rows() -> None:
    found = group_by_owner(array([(7, 2), (3, 9), (7, 1), (7, 2)]))
    assert found.rows.tolist() == [[3, 9], [7, 1], [7, 2]]
    assert (found.starts.tolist(), found.sizes.tolist()) == ([0, 1], [1, 2])
    nothing = group_by_owner(NO_EDGES)
    assert (len(nothing.rows), len(nothing.starts), len(nothing.sizes)) == (0, 0, 0)
    assert NO_EDGES.dtype == distinct(NO_EDGES).dtype == both_ways(NO_EDGES).dtype == np.uint64
