"""Parquet parts: whole or absent, a function of their rows, and bounded in memory."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.document import document_schema
from schemas.ledger import ledger_schema
from schemas.manifest import FileEntry
from schemas.storage import HashingFile
from transforms import part_files
from transforms.part_files import PartFile, dictionary_columns

SCHEMA = pa.schema([("url", pa.string()), ("fate", pa.string()), ("text", pa.string()), ("n", pa.int64())])


def row(number: int, text: str | None = "text") -> dict[str, Any]:
    return {"url": f"http://a.example/{number}", "fate": "kept", "text": text, "n": number}


def write(root: Path, rows: Iterable[dict[str, Any]], path: str = "data/en/part.parquet") -> FileEntry:
    part = PartFile(str(root), path, SCHEMA)
    for each in rows:
        part.add(each)
    return part.commit()


def test_the_entry_is_true(tmp_path: Path) -> None:
    entry = write(tmp_path, map(row, range(2500)))
    path = tmp_path / "data" / "en" / "part.parquet"
    assert entry == FileEntry("data/en/part.parquet", 2500, path.stat().st_size, sha256(path.read_bytes()).hexdigest())
    assert pq.read_table(path).to_pylist() == [row(number) for number in range(2500)]
    assert pq.read_schema(path) == SCHEMA


def test_row_groups_are_cut_by_rows_and_by_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, map(row, range(2500)))
    assert groups(tmp_path) == [1000, 1000, 500]
    monkeypatch.setattr(part_files, "MAX_GROUP_CHARS", 100)
    write(tmp_path, [row(n, "x" * 60) for n in range(5)])
    assert groups(tmp_path) == [2, 2, 1]
    write(tmp_path, [row(n, None) for n in range(5)])
    assert groups(tmp_path) == [5]


def groups(root: Path) -> list[int]:
    metadata = pq.ParquetFile(root / "data" / "en" / "part.parquet").metadata
    return [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]


def test_equal_rows_are_equal_bytes(tmp_path: Path) -> None:
    one, two = (write(tmp_path / name, map(row, range(1500))) for name in ("one", "two"))
    assert one == two
    assert write(tmp_path / "three", map(row, range(1, 1501))).sha256 != one.sha256


def test_nothing_has_its_name_before_it_is_whole(tmp_path: Path) -> None:
    part = PartFile(str(tmp_path), "data/en/part.parquet", SCHEMA)
    part.add(row(1))
    assert list(tmp_path.rglob("*.parquet")) == []
    part.commit()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["part.parquet"]


@pytest.mark.slow
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("rows", [0, 5, 1500])
def test_a_discarded_part_leaves_nothing(tmp_path: Path, rows: int) -> None:
    part = PartFile(str(tmp_path), "data/en/part.parquet", SCHEMA)
    for number in range(rows):
        part.add(row(number))
    part.discard()
    del part
    gc.collect()  # the writer closes itself when it goes, into a file that is closed
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = PartFile(str(tmp_path), "data/en/part.parquet", SCHEMA)
    part.add(row(1))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(HashingFile, "write", full)
    with pytest.raises(OSError, match="No space left"):
        part.commit()
    part.discard()
    del part
    gc.collect()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_row_of_another_type_is_an_error(tmp_path: Path) -> None:
    part = PartFile(str(tmp_path), "part.parquet", SCHEMA)
    part.add(row(1) | {"n": "many"})
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        part.commit()
    part.discard()
    assert list(tmp_path.iterdir()) == []


def test_columns_of_few_values_have_a_dictionary() -> None:
    assert dictionary_columns(document_schema(["words"])) == ["dump", "file_path", "language"]
    repeated = ["warc_file", "content_type", "fate", "stage", "reason", "detail", "language"]
    assert dictionary_columns(ledger_schema()) == repeated


def test_parts_are_compressed(tmp_path: Path) -> None:
    write(tmp_path, [row(n, "the same words again and again " * 50) for n in range(100)])
    metadata = pq.ParquetFile(tmp_path / "data" / "en" / "part.parquet").metadata
    columns = [metadata.row_group(0).column(n) for n in range(metadata.num_columns)]
    assert {column.compression for column in columns} == {"ZSTD"}
    encodings = {column.path_in_schema: set(column.encodings) for column in columns}
    assert "RLE_DICTIONARY" in encodings["fate"]
    assert "RLE_DICTIONARY" not in encodings["text"]
