"""Counts of documents add up, shard by shard, to those of all, and can be taken apart again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.upkeep.counts import added, count_documents, members_by_slice, subtracted, totals
from schemas.shards.documents import docs_fields

COLUMNS = ("length", "bytes", "language", "dump", "url")


def made_up(seed: int, rows: int) -> pa.Table:
    pick = np.random.default_rng(seed)
    names: dict[str, list[Any]] = {
        "language": ["en", "pt", "", None],
        "dump": ["CC-1", "CC-2", None, ""],
        "url": ["https://a.example/x", "https://www.a.example/", "http://b.example", "no url", None],
    }
    values: dict[str, Any] = {
        name: [some[at] for at in pick.integers(0, len(some), rows)] for name, some in names.items()
    }
    values |= {"length": pick.integers(1, 5000, rows).tolist(), "bytes": pick.integers(1, 9000, rows).tolist()}
    return pa.Table.from_pydict({name: values[name] for name in COLUMNS}, docs_fields(COLUMNS))


def test_counts_of_parts_add_up_to_those_of_the_whole() -> None:
    parts = [made_up(seed, rows) for seed, rows in enumerate((40, 1, 0, 25))]
    total = count_documents(docs_fields(COLUMNS).empty_table())
    for part in parts:
        total = added(total, count_documents(part))
    assert total == count_documents(pa.concat_tables(parts))
    assert sum(row["tokens"] for row in total["languages"].values()) == total["tokens"]
    assert sum(total["lengths"].values()) == total["documents"] == 66


def test_what_is_subtracted_leaves_the_rest() -> None:
    one, other = made_up(1, 30), made_up(2, 50)
    both = count_documents(pa.concat_tables([one, other]))
    left = subtracted(both, count_documents(one))
    assert {name: value for name, value in left.items() if name != "lengths"} == {
        name: value for name, value in count_documents(other).items() if name != "lengths"
    }
    assert {name: count for name, count in left["lengths"].items() if count} == count_documents(other)["lengths"]
    nothing = subtracted(both, both)
    assert (nothing["documents"], nothing["languages"], nothing["dumps"]) == (0, {}, {})


def test_slices_have_the_documents_that_they_name() -> None:
    table = made_up(3, 60)
    names = ["all", "language-en", "language-und", "domain-a.example", "domain-none.example"]
    members = dict(members_by_slice(table, names))
    rows = table.to_pylist()
    assert len(members["all"]) == 60 and len(members["domain-none.example"]) == 0
    assert members["language-en"].to_pylist() == [row for row in rows if row["language"] == "en"]
    assert members["language-und"].to_pylist() == [row for row in rows if not row["language"]]
    assert members["domain-a.example"].to_pylist() == [row for row in rows if "a.example" in (row["url"] or "")]
    assert dict(members_by_slice(table.slice(0, 0), names))["language-en"].num_rows == 0
    assert totals(members["all"]) == totals(table)
