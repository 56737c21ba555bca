"""Counts of shards without what is forgotten. Subtracted, so that no table is read for it but the forgotten ones'."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipelines.forget_tombstones import SCHEMA
from pipelines.verify_counts import in_slice, tally, totals
from schemas.shards import SPLITS, VAL


def left_counts(counts: dict[str, Any], documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The manifest's counts without the documents, and how many were ever forgotten. What has none left is left out."""
    gone = {split: table_of([row for row in documents if row["split"] == split]) for split in SPLITS}
    left = dict(counts)
    for split in SPLITS:
        left[split] = without(counts[split], tally(gone[split]))
        left[split]["lengths"] = {length: count for length, count in left[split]["lengths"].items() if count}
    slices = {name: without(told, totals(in_slice(gone[VAL], name))) for name, told in counts["slices"].items()}
    left["slices"] = {name: told for name, told in slices.items() if told["documents"]}
    before = counts.get("forgotten", {"documents": 0, "tokens": 0, "bytes": 0})
    now = totals(table_of(documents))
    return left | {"forgotten": {name: before[name] + now[name] for name in now}}


def table_of(documents: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(documents, schema=SCHEMA)


def without(have: dict[str, Any], gone: dict[str, Any]) -> dict[str, Any]:
    """Numbers less numbers, tables of them entry by entry; entries of which nothing is left go."""
    left = {}
    for name, value in have.items():
        taken = gone.get(name, {} if isinstance(value, dict) else 0)
        left[name] = without(value, taken) if isinstance(value, dict) else value - taken
    return {name: value for name, value in left.items() if not is_nothing(value)}


def is_nothing(value: Any) -> bool:
    return isinstance(value, dict) and "documents" in value and not value["documents"]
