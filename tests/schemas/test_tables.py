"""Parquet files are read in one place: by columns, filters and types, and what can't be read is told in one line."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from schemas.faults import BadInput
from schemas.storage import read_table, remove_temporary, stream_table
from support.paths import ROOT

TABLE = pa.table({"id": ["a", "b", "c", "d"], "start": [0, 5, 9, 12], "language": ["en", None, "pt", "en"]})


@pytest.fixture
def table_path(tmp_path: Path) -> str:
    """In folders named like Hive's partitions, which are no columns of ours."""
    folder = tmp_path / "language=xx" / "start=7"
    folder.mkdir(parents=True)
    pq.write_table(TABLE, folder / "a b.parquet", row_group_size=2)
    return str(folder / "a b.parquet")


def test_columns_come_as_asked_for_and_folders_are_none(table_path: str) -> None:
    assert read_table(table_path).equals(TABLE)
    assert read_table(table_path, ["start", "id"]).equals(TABLE.select(["start", "id"]))


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (pc.field("start") > 5, ["c", "d"]),
        ([("language", "in", ["en"])], ["a", "d"]),
        ([("start", ">=", 5), ("language", "=", "en")], ["d"]),
        ([("start", "<", 0)], []),
    ],
)
def test_rows_are_chosen_by_columns_that_are_not_shown(table_path: str, filters: object, ids: list[str]) -> None:
    assert read_table(table_path, ["id"], filters)["id"].to_pylist() == ids  # pyright: ignore[reportArgumentType]


def test_types_are_those_of_the_schema(table_path: str) -> None:
    schema = pa.schema([pa.field("start", pa.int32(), nullable=False), ("language", pa.string())])
    assert read_table(table_path, schema=schema).schema == schema


@pytest.mark.parametrize(
    "schema",
    [
        pa.schema([("start", pa.list_(pa.int64()))]),
        pa.schema([("id", pa.int64())]),
        pa.schema([pa.field("language", pa.string(), nullable=False)]),
        pa.schema([("absent", pa.int64())]),
    ],
)
def test_other_types_nulls_and_columns_are_refused(table_path: str, schema: pa.Schema) -> None:
    refused(table_path, lambda path: read_table(path, schema=schema, remedy="write it anew"))


def refused(path: str, read: Callable[[str], object]) -> str:
    with pytest.raises(BadInput) as fault:
        read(path)
    line = str(fault.value)
    assert line.startswith(f"{path} can't be read (") and line.endswith("); write it anew")
    assert line.isprintable() and len(line) < len(path) + 300
    return line


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


DAMAGES: list[Callable[[bytes], bytes]] = [
    lambda data: b"",
    lambda data: b"PAR1",
    lambda data: b"PAR1" * 50,
    lambda data: b"<html>no such key</html>",
    cut,
    lambda data: data[:-8] + b"\xff\xff\xff\x7f" + data[-4:],  # the footer's length
    lambda data: data[:-200] + b"\x00" * 192 + data[-8:],
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_told_in_one_line(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(TABLE, path)
    path.write_bytes(damage(path.read_bytes()))
    refused(str(path), lambda path: read_table(path, remedy="write it anew"))
    refused(str(path), lambda path: list(stream_table(path, 2, remedy="write it anew")))


def test_a_file_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder.parquet").mkdir()
    for name in ("absent.parquet", "folder.parquet"):
        refused(str(tmp_path / name), lambda path: read_table(path, remedy="write it anew"))
        refused(str(tmp_path / name), lambda path: stream_table(path, 2, remedy="write it anew"))


def test_names_of_strangers_do_not_reach_the_terminal(tmp_path: Path) -> None:
    """Arrow's message on a missing column lists those that there are."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"\x1b[2J\u202egotcha\nbateia: all is well" * 40: [1]}), path)
    refused(str(path), lambda path: read_table(path, ["start"], remedy="write it anew"))


def test_a_page_that_is_damaged_ends_a_stream_there(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    numbers = pa.table({"n": np.random.default_rng(1).integers(0, 1 << 60, 4000)})
    pq.write_table(numbers, path, row_group_size=1000, compression="zstd", use_dictionary=False)
    data = bytearray(path.read_bytes())
    third = pq.ParquetFile(path).metadata.row_group(2).column(0).data_page_offset
    data[third + 30 : third + 400] = bytes(370)
    path.write_bytes(data)
    seen = []
    refused(str(path), lambda path: [seen.append(len(b)) for b in stream_table(path, 1000, remedy="write it anew")])
    assert seen == [1000, 1000]
    refused(str(path), lambda path: read_table(path, remedy="write it anew"))


def test_a_stream_has_all_rows_and_the_files_own_schema(table_path: str) -> None:
    stream = stream_table(table_path, 3)
    assert stream.schema == TABLE.schema
    batches = list(stream)
    assert all(len(batch) <= 3 for batch in batches)
    assert pa.Table.from_batches(batches).equals(TABLE)


def test_what_a_killed_process_left_is_removed_from_one_folder(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    for name in (".a.parquet.7-ab.tmp", "a.parquet", ".hidden", "a.tmp", "deeper/.b.7-ab.tmp"):
        (tmp_path / name).write_bytes(b"x")
    remove_temporary(str(tmp_path))
    remove_temporary(str(tmp_path / "absent"))
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"a.parquet", ".hidden", "a.tmp", "deeper/.b.7-ab.tmp"}


# --- One reader -------------------------------------------------------------------------------------------------------

# Modules outside schemas/ that may import pyarrow's readers: they write tables, or read a dataset's texts and ledgers.
# No name may stay here without need.
MAY_IMPORT_PARQUET = {
    "transforms/part_files.py",
    "transforms/documents.py",
    "transforms/dedup/corpus.py",
    "transforms/dedup/audit.py",
    "pipelines/stages/tokenizers/sample.py",
    # Tables of others: one's own texts, and Common Crawl's index.
    "transforms/steps/sources/tables.py",
    "pipelines/engine/kinds.py",
    "pipelines/crawls/columnar.py",
    "pipelines/crawls/ordering.py",
    "pipelines/crawls/selecting.py",
    "trainer/post/conversations.py",
}
READERS = {"pyarrow.parquet", "pyarrow.dataset"}


def imports_a_reader(source: str) -> bool:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and any(alias.name in READERS for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            if names & READERS:
                return True
    return False


@pytest.mark.slow
def test_tables_of_shards_have_one_reader() -> None:
    """Documents' and plans' tables are read by schemas/shards, so nothing else needs pyarrow's readers."""
    files = [path for room in ("transforms", "pipelines", "trainer", "deploy") for path in (ROOT / room).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix() for path in files if imports_a_reader(path.read_text())}
    assert found == MAY_IMPORT_PARQUET


@pytest.mark.parametrize(
    "source",
    [
        "import pyarrow.parquet as pq",
        "def f():\n    import pyarrow.dataset as ds",
        "from pyarrow import parquet",
        "from pyarrow.parquet import read_table",
    ],
)
def test_a_second_reader_is_found(source: str) -> None:
    assert imports_a_reader(source) and not imports_a_reader("import pyarrow as pa\nfrom pyarrow import fs")
