"""docs-*.parquet: its one reader, and which documents' tokens lie where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from schemas.faults import BadInput
from schemas.shards.documents import (
    documents_in_rows,
    documents_of_spans,
    index_documents,
    read_documents,
    stream_documents,
)
from schemas.shards.layout import docs_schema
from schemas.shards.tombstones import OldPlan, Tombstones, read_tombstones, tombstones_path, tombstones_table

Write = Callable[..., str]


def forget(folder: Path, number: int, *documents: tuple[int, int, int]) -> list[Tombstones]:
    """Tombstones of documents in train/, given by shard, start and length."""
    known = {"split": "train", "bytes": 1, "key": 1, "url": "https://gone.example/"}
    rows = [known | {"doc_id": f"gone-{at}", "shard": n, "start": at, "length": size} for n, at, size in documents]
    path = Path(tombstones_path(str(folder), number))
    path.parent.mkdir(exist_ok=True)
    pq.write_table(tombstones_table(rows, {"main": OldPlan("0" * 64, "main-2")}), path)
    return read_tombstones(str(folder))


def spans_of(folder: Path, start: int, length: int, *given: Any) -> list[tuple[Any, ...]]:
    """begin, end, id and whether it is forgotten of each part of a span of shard 0."""
    index = index_documents(str(folder), "train", 0, *given)
    return [(part.begin, part.end, part.document["doc_id"], part.forgotten) for part in index.spans(start, length)]


def test_columns_and_filters(write_documents: Write) -> None:
    path = write_documents([(0, 5), (5, 7), (12, 3)])
    table = read_documents(path, ("length", "url"))
    assert table.schema.names == ["length", "url"] and table["length"].to_pylist() == [5, 7, 3]
    assert read_documents(path, ("doc_id",), pc.field("length") < 7)["doc_id"].to_pylist() == ["0-0", "0-12"]
    assert read_documents(path, ("start",), [("url", "=", "https://0-5.example/")])["start"].to_pylist() == [5]


def test_a_stream_keeps_columns_that_the_reader_does_not_know(write_documents: Write) -> None:
    stream = stream_documents(write_documents([(at, 1) for at in range(10)]), 3)
    assert stream.schema == docs_schema(("score",))
    rows = [row for batch in stream for row in batch.to_pylist()]
    assert [row["start"] for row in rows] == list(range(10)) and rows[0]["quality"] == {"score": 0.5}


def without(name: str) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.drop_columns([name])


def replaced(name: str, values: Any) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(table.schema.names.index(name), name, values)


@pytest.mark.parametrize(
    "change",
    [
        without("start"),
        without("length"),
        replaced("start", pa.array([None, 5], pa.int64())),
        replaced("length", pa.array(["many", "more"])),
        replaced("length", pa.array([[1], [2]])),
        replaced("start", pa.array([0.5, 1.5])),
    ],
)
def test_hostile_tables_are_refused_in_one_line(
    write_documents: Write, tmp_path: Path, change: Callable[[pa.Table], pa.Table]
) -> None:
    path = write_documents([(0, 5), (5, 7)])
    pq.write_table(change(pq.ParquetFile(path).read()), path)
    readers: list[Callable[[], object]] = [
        lambda: read_documents(path, ("start", "length")),
        lambda: index_documents(str(tmp_path), "train", 0),
    ]
    for read in readers:
        with pytest.raises(BadInput) as fault:
            read()
        assert str(fault.value).startswith(f"{path} can't be read (") and str(fault.value).isprintable()
        assert str(fault.value).endswith("; ask `bateia shards verify` what else is amiss")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"train/docs-00007\.parquet can't be read .*; bring it back$"):
        read_documents(str(tmp_path / "train" / "docs-00007.parquet"), ("start",), remedy="bring it back")
    with pytest.raises(BadInput, match=r"train/docs-00007\.parquet can't be read .*; ask `bateia shards verify`"):
        documents_of_spans(str(tmp_path), "train", [(7, 1, 3)])


def test_spans_are_made_of_documents_and_gaps(write_documents: Write, tmp_path: Path) -> None:
    write_documents([(0, 10), (20, 10)])
    parts = spans_of(tmp_path, 5, 30, (), ("doc_id",))
    assert parts == [(5, 10, "0-0", False), (10, 20, None, True), (20, 30, "0-20", False), (30, 35, None, True)]
    [part] = index_documents(str(tmp_path), "train", 0, columns=("url", "cluster_id")).spans(22, 3)
    assert part.document == {"url": "https://0-20.example/", "cluster_id": None}
    assert (part.shard, part.start, part.length, part.tokens) == (0, 20, 10, 3)


def test_what_is_forgotten_is_known_by_its_id_alone(write_documents: Write, tmp_path: Path) -> None:
    write_documents([(0, 10), (10, 10)])
    tombstones = forget(tmp_path, 1, (0, 20, 5), (1, 0, 10))
    assert spans_of(tmp_path, 15, 10, tombstones, ("doc_id",)) == [(15, 20, "0-10", False), (20, 25, "gone-20", True)]
    index = index_documents(str(tmp_path), "train", 0, tombstones, ("doc_id", "url", "warc_file"))
    assert [part.document for part in index.spans(20, 5)] == [{"doc_id": "gone-20", "url": None, "warc_file": None}]
    assert index.forgotten.tolist() == [False, False, True] and index.ends.tolist() == [10, 20, 25]


def test_a_tombstone_outweighs_a_row_that_an_interrupted_forget_left(write_documents: Write, tmp_path: Path) -> None:
    write_documents([(0, 10), (10, 10)])
    tombstones = forget(tmp_path, 1, (0, 10, 10))
    assert spans_of(tmp_path, 0, 20, tombstones, ("doc_id",)) == [(0, 10, "0-0", False), (10, 20, "gone-10", True)]


def test_documents_reached_are_those_that_share_a_token(write_documents: Write, tmp_path: Path) -> None:
    """Against every pair of a document and a span, documents in any order and with gaps between them."""
    pick = np.random.default_rng(4)
    for _ in range(60):
        bounds = np.sort(pick.choice(60, 12, replace=False))
        order = pick.permutation(6)
        starts, ends = bounds[::2][order], bounds[1::2][order]
        write_documents(list(zip(starts.tolist(), (ends - starts).tolist(), strict=True)))
        spans = [(int(begin), int(begin + size)) for begin, size in zip(*pick.integers(1, 20, (2, 3)), strict=True)]
        expected = [int(a) for a, b in zip(starts, ends, strict=True) if any(s < b and a < e for s, e in spans)]
        index = index_documents(str(tmp_path), "train", 0, (), ("doc_id",), spans)
        assert index.starts.tolist() == sorted(expected)
        assert [row["doc_id"] for row in index.documents] == [f"0-{start}" for start in sorted(expected)]


def test_rows_are_told_apart_and_shards_read_once_each(write_documents: Write, tmp_path: Path) -> None:
    write_documents([(0, 10), (10, 10)], shard=0)
    write_documents([(0, 8), (8, 8)], shard=3)
    rows = [[(3, 6, 6), (0, 0, 4)], [(0, 18, 2)], []]
    named = documents_in_rows(str(tmp_path), "train", rows, ("doc_id",))
    assert [[(part.shard, part.document["doc_id"], part.tokens) for part in row] for row in named] == [
        [(3, "3-0", 2), (3, "3-8", 4), (0, "0-0", 4)],
        [(0, "0-10", 2)],
        [],
    ]


def test_documents_are_named_once_in_order_and_forgotten_ones_are_not(write_documents: Write, tmp_path: Path) -> None:
    write_documents([(0, 10), (20, 10)], shard=0)
    write_documents([(0, 5)], shard=1)
    named = documents_of_spans(str(tmp_path), "train", [(1, 0, 5), (0, 25, 3), (0, 5, 20), (1, 2, 1)])
    assert [document["doc_id"] for document in named] == ["1-0", "0-20", "0-0"]
    assert list(named[0]) == ["doc_id", "url", "warc_file", "warc_offset", "language", "cluster_id"]
    assert documents_of_spans(str(tmp_path), "train", []) == []
