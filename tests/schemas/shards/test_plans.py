"""Files of a plan: their one reader, positions of tokens, and rows by their number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.faults import BadInput
from schemas.shards.layout import PLAN_SCHEMA
from schemas.shards.plans import SHARD_BITS, PlanRows, offset_of, positions, read_spans, shard_of

ROWS = [  # row, slot, shard, start, length
    (0, 0, 1, 0, 5),
    (0, 1, 0, 2, 3),
    (1, 0, 0, 5, 8),
    (2, 0, 1, 5, 1),
    (2, 1, 2, 0, 6),
    (2, 2, 0, 0, 1),
]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Writes spans as a file of a plan; returns its path."""

    def write_rows(rows: list[tuple[int, ...]] = ROWS, name: str = "rows-00000.parquet") -> str:
        values = [dict(zip(PLAN_SCHEMA.names, row, strict=True)) for row in rows]
        pq.write_table(pa.Table.from_pylist(values, PLAN_SCHEMA), tmp_path / name)
        return str(tmp_path / name)

    return write_rows


def test_positions_are_one_number_and_back() -> None:
    shard, offset = np.array([0, 0, 5, (1 << 23) - 1], np.int32), np.array([0, 7, 7, (1 << SHARD_BITS) - 1])
    position = positions(shard, offset)
    assert position.dtype == np.int64 and position.tolist() == [
        (s << 40) + o for s, o in zip(shard.tolist(), offset.tolist(), strict=True)
    ]
    for width in (np.int64, np.uint64):
        assert shard_of(position.astype(width)).tolist() == shard.tolist()
        assert offset_of(position.astype(width)).tolist() == offset.tolist()
    assert positions(3, offset[:1]).tolist() == [3 << 40]
    assert (shard_of((3 << 40) + 9), offset_of((3 << 40) + 9)) == (3, 9)


def test_spans_have_the_plans_types_and_know_their_positions(write: Callable[..., str]) -> None:
    table = read_spans(write())
    assert [table.row.dtype, table.slot.dtype, table.shard.dtype] == [np.int64, np.int32, np.int32]
    assert list(zip(*(getattr(table, name).tolist() for name in PLAN_SCHEMA.names), strict=True)) == ROWS
    assert table.begins.tolist() == [(shard << 40) + start for _, _, shard, start, _ in ROWS]
    assert (table.ends - table.begins).tolist() == [length for *_, length in ROWS]


def test_spans_of_some_shards(write: Callable[..., str]) -> None:
    table = read_spans(write(), shards={1, 2, 9})
    assert list(zip(table.row.tolist(), table.shard.tolist(), strict=True)) == [(0, 1), (2, 1), (2, 2)]
    assert len(read_spans(write(), shards=()).row) == 0


def test_rows_are_found_over_files(write: Callable[..., str], tmp_path: Path) -> None:
    write(ROWS[:3], "rows-00000.parquet")
    write(ROWS[3:], "rows-00001.parquet")
    rows = PlanRows(str(tmp_path), (("rows-00000.parquet", 0, 2), ("rows-00001.parquet", 2, 1)))
    assert rows.rows == 3
    assert [rows.spans(row) for row in (2, 0, 1)] == [
        [(1, 5, 1), (2, 0, 6), (0, 0, 1)],
        [(1, 0, 5), (0, 2, 3)],
        [(0, 5, 8)],
    ]
    assert np.concatenate(list(rows.first_spans())).tolist() == [[1, 0, 5], [0, 5, 8], [1, 5, 1]]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (ROWS[:-4] + ROWS[3:], "lacks some of its 3 rows"),
        (ROWS[2:], "lacks some of its 3 rows"),
        ([*ROWS, (3, 0, 0, 0, 1)], "lacks some of its 3 rows"),
        ([*ROWS[:5], (2, 2, 0, 0, 0)], "has a span without tokens"),
        ([*ROWS[:5], (2, 2, 0, -1, 4)], "has a span without tokens"),
    ],
)
def test_other_rows_than_the_plan_names_are_refused(
    write: Callable[..., str], tmp_path: Path, rows: Any, said: str
) -> None:
    path = write(rows)
    with pytest.raises(BadInput) as fault:
        PlanRows(str(tmp_path), (("rows-00000.parquet", 0, 3),)).spans(0)
    assert str(fault.value) == f"{path} {said}; make the plan anew by `bateia plan` with --overwrite"


def other_type(table: pa.Table) -> pa.Table:
    return table.set_column(3, "start", pa.array(["a"] * len(table)))


def with_null(table: pa.Table) -> pa.Table:
    return table.set_column(2, "shard", pa.array([None] + [0] * (len(table) - 1), pa.int32()))


def too_wide(table: pa.Table) -> pa.Table:
    return table.set_column(4, "length", pa.array([1 << 40] * len(table)))


@pytest.mark.parametrize("change", [other_type, with_null, too_wide, lambda table: table.drop_columns(["slot"])])
def test_hostile_tables_are_refused_in_one_line(
    write: Callable[..., str], change: Callable[[pa.Table], pa.Table]
) -> None:
    path = write()
    pq.write_table(change(pq.ParquetFile(path).read()), path)
    with pytest.raises(BadInput) as fault:
        read_spans(path)
    assert str(fault.value).startswith(f"{path} can't be read (") and str(fault.value).isprintable()
    assert str(fault.value).endswith("; make the plan anew by `bateia plan` with --overwrite")
    with pytest.raises(BadInput, match=r"; ask the one who made it$"):
        read_spans(path, remedy="ask the one who made it")
