"""Tombstones as they are written are read again; what is none is told in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.faults import BadInput
from schemas.shards.tombstones import (
    SCHEMA,
    OldPlan,
    documents_table,
    read_tombstones,
    tombstones_path,
    tombstones_table,
)

PLANS = {"main": OldPlan("a" * 64, "main-2"), "old": OldPlan("b" * 64, None)}
DOCUMENT: dict[str, Any] = {"url": None, "length": 3, "bytes": 4, "key": 5, "language": "en", "dump": None}
ROWS = [
    DOCUMENT | {"doc_id": "a", "split": "train", "shard": 0, "start": 7, "more": "not kept"},
    DOCUMENT | {"doc_id": "b", "split": "train", "shard": 2, "start": 0},
    DOCUMENT | {"doc_id": "c", "split": "val", "shard": 2, "start": 9},
]


def write(folder: Path, number: int, table: pa.Table) -> Path:
    path = Path(tombstones_path(str(folder), number))
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path)
    return path


def test_they_are_read_as_written_the_earliest_first(tmp_path: Path) -> None:
    assert read_tombstones(str(tmp_path)) == []
    write(tmp_path, 2, tombstones_table(ROWS[:1], {}))
    write(tmp_path, 1, tombstones_table(ROWS, PLANS))
    first, second = read_tombstones(str(tmp_path))
    assert (first.number, second.number, len(second.table)) == (1, 2, 1)
    assert first.table.schema.names == SCHEMA.names and first.plans == PLANS and second.plans == {}
    assert first.of("train")["doc_id"].to_pylist() == ["a", "b"]
    assert first.of("train", 2)["start"].to_pylist() == [0] and len(first.of("val", 0)) == 0
    assert first.knows("main", "a" * 64) and not first.knows("main", "c" * 64) and not first.knows("new", "a" * 64)


def with_metadata(plans: bytes) -> pa.Table:
    return documents_table(ROWS).replace_schema_metadata({b"plans": plans})


@pytest.mark.parametrize(
    "table",
    [
        documents_table(ROWS).drop_columns(["start"]),
        documents_table([row | {"doc_id": None} for row in ROWS]),
        documents_table([row | {"split": None} for row in ROWS]),
        with_metadata(b"no JSON"),
        with_metadata(b"[1]"),
        with_metadata(b'{"main": {"dataset_hash": "a", "rebuilt": null, "\x1b[2J": 1}}'),
        with_metadata(b'{"main": 3}'),
        with_metadata(b"[" * 100_000),
    ],
)
def test_what_is_no_file_of_tombstones_is_told(tmp_path: Path, table: pa.Table) -> None:
    path = write(tmp_path, 1, table)
    refused(tmp_path, path)


@pytest.mark.parametrize("damage", [lambda data: data[:-20], lambda data: b"", lambda data: b"PAR1PAR1"])
def test_damage_is_told(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = write(tmp_path, 1, tombstones_table(ROWS, PLANS))
    path.write_bytes(damage(path.read_bytes()))
    refused(tmp_path, path)


def test_another_name_than_a_number_is_told(tmp_path: Path) -> None:
    refused(tmp_path, write(tmp_path, 1, tombstones_table(ROWS, PLANS)).rename(tmp_path / "tombstones" / "x.parquet"))


def refused(folder: Path, path: Path) -> None:
    with pytest.raises(BadInput) as fault:
        read_tombstones(str(folder))
    line = str(fault.value)
    assert line.startswith(str(path)) and line.isprintable()
    assert line.endswith("; make the shards anew by `bateia shard` with --overwrite, or bring the file back")
