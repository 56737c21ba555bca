"""A document goes only for one that contains it: who is compared with whom, and what is told of it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.corpus import VERIFIED_CLUSTER_SCHEMA
from transforms.steps.dedup import verified as module
from transforms.steps.dedup.contained import word_runs
from transforms.steps.dedup.settings import digest, normalised
from transforms.steps.dedup.verified import (
    VERIFIED_SCHEMA,
    describe_verified,
    in_survival_order,
    nodes_to_compare,
    verify_members,
)

Row = dict[str, Any]
A, B = "a b c d e f g h i j k l m n o p q r s t", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"


def keys(letters: str) -> bytes:
    return "".join(letter.ljust(8) for letter in letters).encode()


def member(id: str, text: str, bands: str = "x", lines: str = "", **more: Any) -> Row:
    """bands, lines: a letter for each. earlier: of an earlier corpus, which kept it. root: its cluster."""
    row: Row = {"root": 1, "id": id, "url": f"http://{id}.example/", "dump": "CC-1", "chars": len(text), "text": text}
    row |= {"exact": digest(normalised(text)), "earlier": False, "kept": True}
    return row | {"bands": keys(bands) or None, "lines": keys(lines)} | more


def chosen(members: list[Row], least: float = 0.9, keep: str = "longest", seed: int = 0) -> dict[str, Row]:
    """Rows of clusters/ by id. The members come in an order that `seed` draws; nodes are their places in `members`."""
    rows = [row | {"node": place, "start": 0, "runs": 0} for place, row in enumerate(members)]
    rows = random.Random(seed).sample(rows, len(rows))
    listed = nodes_to_compare(pa.Table.from_pylist(rows, VERIFIED_SCHEMA), keep)[:, 0].tolist()
    texts = {row["node"]: word_runs(str(row["text"])) for row in rows if row["node"] in listed}
    rows = [row | {"runs": len(texts.get(row["node"], ()))} for row in rows]
    table = in_survival_order(pa.Table.from_pylist(rows, VERIFIED_SCHEMA), keep)
    nodes = table.column("node").to_pylist()

    def read(indices: np.ndarray) -> list[np.ndarray]:
        return [texts.get(nodes[index], np.empty(0, np.uint32)) for index in indices]

    described = describe_verified(table, verify_members(table, least, read))
    assert described.column_names[:10] == VERIFIED_CLUSTER_SCHEMA.names[:10]
    described.select(VERIFIED_CLUSTER_SCHEMA.names).cast(VERIFIED_CLUSTER_SCHEMA)
    return {row["id"]: row for row in described.to_pylist()}


def survivors(found: dict[str, Row]) -> dict[str, str]:
    return {id: row["survivor_id"] for id, row in found.items()}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([member("a", A), member("b", B)], {"a": "a", "b": "b"}),  # linked, and nothing alike
        ([member("a", A), member("b", A + " u")], {"a": "b", "b": "b"}),
        ([member("a", A), member("b", A + "  ")], {"a": "b", "b": "b"}),
        # c is linked to b alone, which went for a: what stands for b is compared with c
        ([member("a", A + " u v", "x"), member("b", A + " u", "xy"), member("c", A, "y")], dict.fromkeys("abc", "a")),
        # and c stays if it is no part of that
        (
            [member("a", A + " u v", "x"), member("b", A + " u", "xy"), member("c", B[:40], "y")],
            {**dict.fromkeys("ab", "a"), "c": "c"},
        ),
        # one that stayed is compared with in its turn: b is not in a, but c is in b
        (
            [member("a", A + " " + A, "x"), member("b", B, "xy"), member("c", B[:-3], "xy")],
            {"a": "a", "b": "b", "c": "b"},
        ),
        # equal ones share the fate of the first
        ([member("a", A + " u"), member("b", A), member("c", A, "")], dict.fromkeys("abc", "a")),
        ([member("a", A + " u"), member("b", B[:40]), member("c", B[:40], "")], {"a": "a", "b": "b", "c": "b"}),
        # a long line leads to it too, if it is one of the three that a document asks by
        ([member("a", A + " u", "x", "defgc"), member("b", A, "y", "abc")], {"a": "a", "b": "a"}),
        ([member("a", A + " u", "x", "defgc"), member("b", A, "y", "qrsc")], {"a": "a", "b": "b"}),
        # clusters are apart
        ([member("a", A + " u", root=1), member("b", A, root=2)], {"a": "a", "b": "b"}),
        # an earlier corpus' document stands for a longer one only if it contains it
        ([member("a", A + " u"), member("z", A, earlier=True)], {"a": "z"}),
        ([member("a", A + " " + B), member("z", A, earlier=True)], {"a": "a"}),
    ],
)
def test_who_goes(members: list[Row], expected: dict[str, str], seed: int) -> None:
    assert survivors(chosen(members, seed=seed)) == expected


def test_scores_are_told_of_those_that_go_and_of_those_that_stay() -> None:
    found = chosen([member("a", f"{A} {B}", "xy"), member("b", B, "x"), member("c", B[:-3] + " u v w x y", "x")])
    told = ("match", "cluster_id", "cluster_size", "contained", "compared_id", "compared_url")
    assert [found["a"][name] for name in told] == [None, "a", 2, None, None, None]
    assert [found["b"][name] for name in told] == ["near", "a", 2, 1.0, "a", "http://a.example/"]
    assert [found["c"][name] for name in told] == [None, None, 1, pytest.approx(19 / 24), "a", "http://a.example/"]


def test_only_different_texts_are_read() -> None:
    members = [
        member("a", A),
        member("b", A),
        member("c", A + " u", root=2),
        member("d", A, root=2),
        member("e", A, root=2),
    ]
    rows = [row | {"node": place, "start": 0, "runs": 0} for place, row in enumerate(members)]
    assert sorted(nodes_to_compare(pa.Table.from_pylist(rows, VERIFIED_SCHEMA), "longest").tolist()) == [[2, 2], [3, 2]]
    assert nodes_to_compare(pa.Table.from_pylist(rows[:2], VERIFIED_SCHEMA), "longest").shape == (0, 2)


def test_of_a_chain_of_unlike_documents_none_goes_and_none_goes_the_next_time() -> None:
    words = [f"w{number}" for number in range(2_000)]
    chain = [
        member(f"{place:03}", " ".join(words[place * 15 : place * 15 + 100]), chr(500 + place) + chr(501 + place))
        for place in range(100)
    ]
    copies = [
        row | {"id": f"copy{row['id']}", "text": row["text"] + " x", "exact": row["id"].encode().ljust(16)}
        for row in chain
    ]
    found = chosen([*chain, *copies])
    stay = {id for id, row in found.items() if row["match"] is None}
    assert len(stay) == 100
    again = chosen([row for row in [*chain, *copies] if row["id"] in stay])
    assert {id for id, row in again.items() if row["match"] is None} == stay


def test_the_work_grows_with_the_cluster_and_not_with_its_square(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0

    def counted(*given: Any) -> float:
        nonlocal compared
        compared += 1
        return 0.0

    monkeypatch.setattr(module, "share_contained", counted)
    draw = random.Random(1)
    members = [
        member(f"{number:04}", f"{A} {number} {draw.random()}", "vwxyz"[draw.randrange(5) :]) for number in range(400)
    ]
    assert len({row["survivor_id"] for row in chosen(members).values()}) == 400
    assert 400 < compared <= 400 * module.MAX_COMPARED


def test_texts_are_read_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [
        member("a", A + " u v"),
        member("b", A + " u"),
        member("c", A),
        member("d", B, root=2),
        member("e", B + " 21", root=2),
    ]
    whole = chosen(members)
    monkeypatch.setattr(module, "RUNS_AT_ONCE", 20)
    assert chosen(members) == whole
    assert survivors(whole) == {"a": "a", "b": "a", "c": "a", "d": "e", "e": "e"}
