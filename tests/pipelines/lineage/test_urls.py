"""The index of addresses: a question opens few files of many, answers as without it, and never by a stale one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.lineage import urls as index_module
from pipelines.lineage.explain import explain
from pipelines.lineage.pages import spellings
from pipelines.lineage.urls import buckets_for, hash_of, open_index, read_bucket
from schemas import storage
from schemas.faults import BadInput
from schemas.ledger import ledger_schema
from schemas.manifest import FileEntry, Manifest, hash_dataset, read_manifest, write_manifest
from support.forked import forked_workers

Call = Callable[..., subprocess.CompletedProcess[str]]
FILES, ROWS = 1000, 3


def url_of(file: int, row: int) -> str:
    return f"https://www.site-{row}.example/{file}"


def ledger_row(file: int, row: int) -> dict[str, object]:
    known: dict[str, object] = {
        "url": url_of(file, row),
        "record_id": f"<{file}-{row}>",
        "warc_file": f"{file}.warc.gz",
    }
    return known | {"warc_offset": row, "bytes": 10, "fate": "dropped", "stage": "language", "reason": "other_language"}


def write_documents(folder: Path, files: int) -> Path:
    """A finished curation of so many ledger files that dropped all pages."""
    (folder / "ledger").mkdir(parents=True)
    entries = []
    for file in range(files):
        table = pa.Table.from_pylist([ledger_row(file, row) for row in range(ROWS)], schema=ledger_schema())
        path = f"ledger/part-{file:05}.parquet"
        pq.write_table(table, folder / path)
        entries.append(FileEntry(path, ROWS, (folder / path).stat().st_size, f"{file:064x}"))
    write_manifest(str(folder), Manifest("curate", {}, {}, [], {}, tuple(entries), hash_dataset(entries)))
    return folder


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_documents(tmp_path_factory.mktemp("many") / "documents", FILES)


@contextmanager
def opened() -> Iterator[set[str]]:
    """Files that are read, but for manifests and the index's own description."""
    read_bucket.cache_clear()
    seen: set[str] = set()
    locate, open_read = storage.locate, storage.open_read

    def located(path: str) -> object:
        if path.endswith(".parquet"):
            seen.add(path)
        return locate(path)

    def opened_read(path: str) -> object:
        seen.add(path)
        return open_read(path)

    with (
        mock.patch.object(storage, "locate", located),
        mock.patch.object(index_module, "open_read", opened_read),
    ):
        yield seen


@pytest.mark.slow
def test_a_question_opens_two_files_of_a_thousand(many: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = url_of(617, 1)
    with mock.patch.object(index_module, "LEAST_FILES", FILES + 1), opened() as without:
        plain = explain(asked, str(many))
    assert len(without) == FILES and not (many / ".urls").exists()
    assert "<617-1> in 617.warc.gz at byte 1" in plain
    assert explain(asked, str(many)) == plain
    assert "addresses of 1,000 files are indexed, once" in capsys.readouterr().err
    with opened() as seen:
        assert explain(asked, str(many)) == plain
    assert {Path(path).name for path in seen} == {"part-00617.parquet", "00000.bin"}
    for typed in spellings(asked):
        with opened() as seen:
            assert explain(typed, str(many)) == plain
        assert len(seen) == 2, typed
    with opened() as seen, pytest.raises(BadInput, match="has seen no page"):
        explain("https://never.example/", str(many))
    assert {Path(path).name for path in seen} == {"00000.bin"}
    assert not capsys.readouterr().err
    assert not (many / ".urls" / "work").exists()


def test_every_address_is_found_where_there_are_many_buckets(tmp_path: Path) -> None:
    folder = write_documents(tmp_path / "documents", 70)
    with mock.patch.multiple(index_module, ROWS_PER_BUCKET=4, BUCKETS_PER_UNIT=4):
        explain(url_of(0, 0), str(folder))
    manifest = read_manifest(str(folder))
    assert manifest is not None
    index = open_index(str(folder), manifest)
    assert index is not None and len(index.sizes) == 64 == len(list((folder / ".urls" / "buckets").iterdir()))
    for file in range(70):
        for row in range(ROWS):
            assert index.files([url_of(file, row)]) == {f"ledger/part-{file:05}.parquet"}
    assert len(index.files([url_of(3, 0), url_of(5, 1), "https://never.example/"])) == 2


def test_an_index_of_another_output_or_version_is_made_anew(tmp_path: Path) -> None:
    folder = write_documents(tmp_path / "documents", 64)
    explain(url_of(0, 0), str(folder))
    path = folder / ".urls" / "index.json"
    for field, other in (("of", "another hash"), ("version", 0), ("files", 63)):
        path.write_text(json.dumps(json.loads(path.read_text()) | {field: other}))
        (folder / ".urls" / "buckets" / "00000.bin").write_bytes(b"")
        read_bucket.cache_clear()
        assert "dropped at language" in explain(url_of(63, 2), str(folder))
    path.write_text("no JSON")
    assert "dropped at language" in explain(url_of(63, 2), str(folder))


def test_without_an_index_a_question_is_answered_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_documents(tmp_path / "documents", 64)
    with mock.patch.object(index_module, "make_index", side_effect=PermissionError("somebody else's")):
        assert "dropped at language" in explain(url_of(63, 2), str(folder))
    with mock.patch.object(index_module, "MOST_HERE_ROWS", 10):
        assert "dropped at language" in explain(url_of(63, 2), str(folder))
    assert f"64 files are looked through; `bateia index --in {folder}` makes answers quick" in capsys.readouterr().err
    assert not (folder / ".urls").exists()


@pytest.mark.parametrize("damage", [b"", b"12345", b"\xff" * 12 * 192, None])
def test_a_damaged_bucket_hides_no_page(
    tmp_path: Path, damage: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_documents(tmp_path / "documents", 64)
    explain(url_of(0, 0), str(folder))
    path = folder / ".urls" / "buckets" / "00000.bin"
    assert path.stat().st_size == 12 * 64 * ROWS
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    read_bucket.cache_clear()
    assert "dropped at language" in explain(url_of(63, 2), str(folder))
    assert "so all files are looked through; remove .urls/" in capsys.readouterr().err


@pytest.mark.slow
def test_workers_write_the_same_index_and_nothing_else(tmp_path: Path, bateia: Call) -> None:
    folder = write_documents(tmp_path / "documents", 64)
    explain(url_of(0, 0), str(folder))
    here = {path.name: path.read_bytes() for path in (folder / ".urls").rglob("*") if path.is_file()}
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    ended = bateia("index", "--in", folder, "--quiet")
    assert (ended.returncode, ended.stdout) == (0, f"the index of {folder} is there and of just this output\n")
    (folder / ".urls" / "index.json").unlink()
    with forked_workers() as begun:
        ended = bateia("index", "--in", folder, "--workers", 2, "--quiet")
    assert len(begun) >= 2
    assert ended.returncode == 0 and "indexed: the addresses of 64 files" in ended.stdout, ended.stderr
    assert {path.name: path.read_bytes() for path in (folder / ".urls").rglob("*") if path.is_file()} == here
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == before
    assert not list(folder.glob("*.log")) and not list(folder.glob(".lease*"))


def test_spellings_have_one_hash() -> None:
    for url in ("https://www.a.example/x/", "http://www.www.a.example/?u=http://b/", "a.example", "http://"):
        assert {hash_of(spelt) for spelt in spellings(url)} == {hash_of(url)}
    assert hash_of("https://a.example/x") != hash_of("https://a.example/X")
    assert hash_of("https://a.example/\udcff") >= 0


@pytest.mark.parametrize("rows, buckets", [(0, 1), (1 << 18, 1), ((1 << 18) + 1, 2), (3 << 18, 4), (1 << 30, 4096)])
def test_buckets_have_a_size_that_is_read_whole(rows: int, buckets: int) -> None:
    assert buckets_for(rows) == buckets
    assert np.log2(buckets) % 1 == 0
