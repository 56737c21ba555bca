"""Of each cluster one document stays: which, and what is told about the others."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pytest

from schemas.corpus import CLUSTER_SCHEMA
from transforms.steps.dedup.survivors import MEMBER_SCHEMA, NoSurvivor, choose_survivors


def member(id: str, dump: str = "CC-1", chars: int = 10, text: str = "same", **more: Any) -> dict[str, Any]:
    """earlier, kept: of an earlier corpus, and whether that kept it. root: its cluster."""
    row = {"root": 1, "node": 0, "id": id, "url": f"http://{id}.example/", "dump": dump, "chars": chars}
    return row | {"exact": text.encode().ljust(16), "earlier": False, "kept": False} | more


def old(id: str, kept: bool = False, **more: Any) -> dict[str, Any]:
    return member(id, earlier=True, kept=kept, **more)


def chosen(members: list[dict[str, Any]], keep: str = "first") -> list[dict[str, Any]]:
    numbered = [{**row, "node": row["node"] or place} for place, row in enumerate(members)]
    return choose_survivors(pa.Table.from_pylist(numbered, MEMBER_SCHEMA), keep).to_pylist()


@pytest.mark.parametrize(
    ("keep", "members", "survivor"),
    [
        ("first", [member("b"), member("a")], "a"),
        ("first", [member("a", dump="CC-2"), member("b", dump="CC-1")], "b"),  # the dump counts before the id
        ("first", [member("b", chars=99), member("a")], "a"),
        ("longest", [member("b", chars=99), member("a")], "b"),
        ("longest", [member("b"), member("a")], "a"),
        ("longest", [member("a", dump="CC-2", chars=9), member("b", chars=9), member("c", chars=8)], "b"),
        ("longest", [member("a", chars=0), member("b", chars=0)], "a"),
        ("first", [member("a"), old("z", kept=True, dump="CC-9")], "z"),
        ("longest", [member("a", chars=99), old("z", kept=True)], "z"),
        ("first", [member("a"), old("b"), old("z", kept=True)], "z"),  # one that was removed is no survivor
        ("longest", [member("a"), old("b", chars=99), old("z", kept=True)], "z"),
        ("first", [member("a"), old("y", kept=True), old("x", kept=True)], "x"),  # of two earlier corpora
        ("longest", [member("a"), old("y", kept=True, chars=20), old("x", kept=True)], "y"),
    ],
)
def test_who_survives(keep: str, members: list[dict[str, Any]], survivor: str) -> None:
    new = sorted(row["id"] for row in members if not row["earlier"])
    for seed in range(3):
        found = chosen(random.Random(seed).sample(members, len(members)), keep)
        assert sorted(row["id"] for row in found) == new  # of the earlier ones nothing is told
        assert {row["survivor_id"] for row in found} == {survivor}
        assert {row["survivor_url"] for row in found} == {f"http://{survivor}.example/"}
        assert [row["id"] for row in found if row["match"] is None] == [id for id in new if id == survivor]
        assert {row["earlier"] for row in found} == {survivor not in new}


def test_the_same_document_given_twice_survives_once() -> None:
    found = chosen([member("a", node=8), member("a", node=3)])
    assert [(row["node"], row["match"]) for row in found] == [(3, None), (8, "exact")]


def test_copies_are_exact_or_near_to_the_survivor() -> None:
    found = chosen([member("a"), member("b", text="other"), member("c"), member("d", text="other")])
    assert [row["match"] for row in found] == [None, "near", "exact", "near"]
    found = chosen([member("a", text="x"), member("b"), old("c", kept=True)])
    assert [(row["id"], row["match"]) for row in found] == [("a", "near"), ("b", "exact")]


def test_a_cluster_is_named_by_its_first_document_whoever_survives() -> None:
    members = [member("b", dump="CC-2"), member("c", dump="CC-3", chars=99), old("z", kept=True, dump="CC-5")]
    for more, keep, name, dump in (
        ([], "first", "b", "CC-2"),
        ([], "longest", "b", "CC-2"),
        ([old("y", dump="CC-1")], "first", "y", "CC-1"),  # though it was removed long ago
    ):
        found = chosen([*members, *more], keep)
        assert {(row["cluster_id"], row["first_seen_dump"]) for row in found} == {(name, dump)}
        assert {row["cluster_size"] for row in found} == {3 + len(more)}  # earlier ones are counted


def test_clusters_are_apart() -> None:
    found = chosen(
        [
            member("a", root=1),
            member("d", root=9),
            member("b", root=1),
            old("e", root=5, kept=True),
            member("c", root=9, chars=50),
            member("f", root=5),
        ],
        "longest",
    )
    assert [(row["id"], row["survivor_id"], row["cluster_id"], row["cluster_size"]) for row in found] == [
        ("a", "a", "a", 2),
        ("b", "a", "a", 2),
        ("f", "e", "e", 2),
        ("c", "c", "c", 2),
        ("d", "c", "c", 2),
    ]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_cluster_that_an_earlier_corpus_removed_whole_is_a_defect(place: int) -> None:
    clusters = [[member(f"{n}a", root=n), member(f"{n}b", root=n)] for n in range(3)]
    clusters[place].append(old(f"{place}c", root=place))
    with pytest.raises(NoSurvivor, match=f"{place}a has none"):
        chosen([row for cluster in clusters for row in cluster])


def test_its_columns_are_those_of_clusters_on_disk() -> None:
    found = choose_survivors(pa.Table.from_pylist([member("a"), member("b", node=1)], MEMBER_SCHEMA), "first")
    assert found.column_names == [*CLUSTER_SCHEMA.names, "node"]
    assert found.select(CLUSTER_SCHEMA.names).cast(CLUSTER_SCHEMA).num_rows == 2


def test_rows_that_came_in_pieces_are_one_table() -> None:
    pieces = [pa.Table.from_pylist([member(name, node=node)], MEMBER_SCHEMA) for node, name in enumerate("cab")]
    found = choose_survivors(pa.concat_tables(pieces), "first").to_pylist()
    assert [(row["id"], row["node"], row["survivor_id"]) for row in found] == [
        ("a", 1, "a"),
        ("b", 2, "a"),
        ("c", 0, "a"),
    ]
