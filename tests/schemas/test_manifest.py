"""The manifest: what makes a directory finished, and what its hash stands for."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from schemas.faults import BadInput
from schemas.manifest import (
    MANY_FILES,
    FileEntry,
    Manifest,
    hash_dataset,
    open_finished,
    read_manifest,
    sorted_files,
    versions,
    write_manifest,
)

FILES = (FileEntry("data/en/a.parquet", 3, 100, "0" * 64), FileEntry("ledger/a.parquet", 5, 50, "1" * 64))
MANIFEST = Manifest("curate", {"recipe": {"name": "tiny"}}, {"bateia": "0.1"}, [], {"read": 5}, FILES, "2" * 64)


def test_it_reads_as_it_was_written(tmp_path: Path) -> None:
    assert read_manifest(str(tmp_path)) is None
    write_manifest(str(tmp_path), MANIFEST)
    assert read_manifest(str(tmp_path)) == MANIFEST
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        "text",
        {"files": []},
        {"files": [{"path": "a"}]},
        {"files": 3},
        asdict(MANIFEST) | {"more": 1},
        {key: value for key, value in asdict(MANIFEST).items() if key != "stage"},
        asdict(MANIFEST) | {"format_version": "1"},
        asdict(MANIFEST) | {"format_version": 1.0},
        asdict(MANIFEST) | {"format_version": True},
        asdict(MANIFEST) | {"format_version": None},
    ],
)
def test_other_manifests_are_refused_by_name(tmp_path: Path, value: Any) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(value))
    with pytest.raises(BadInput, match=f"^{tmp_path}/manifest.json is no Bateia manifest"):
        read_manifest(str(tmp_path))


@pytest.mark.parametrize("data", [b"", b"no JSON", b"{", b"\xff\xfe\x00", b"[" * 200_000, b'{"a\x1b[2J": NaN'])
def test_what_is_no_json_is_refused_in_one_plain_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(data)
    with pytest.raises(BadInput, match=f"^{tmp_path}/manifest.json is no Bateia manifest") as fault:
        read_manifest(str(tmp_path))
    assert str(fault.value).isprintable() and len(str(fault.value)) < 500


def with_format(folder: Path, version: int, **more: Any) -> None:
    (folder / "manifest.json").write_text(json.dumps(asdict(MANIFEST) | {"format_version": version} | more))


def test_a_manifest_of_a_newer_format_says_who_can_read_it(tmp_path: Path) -> None:
    with_format(tmp_path, 3, fields_of_the_future=True, files="elsewhere")
    with pytest.raises(BadInput) as fault:
        read_manifest(str(tmp_path))
    assert str(fault.value) == (
        f"{tmp_path}/manifest.json was written by a newer Bateia (format 3, this one reads 1 and 2); update Bateia"
    )


def test_a_manifest_of_an_older_format_names_the_remedy(tmp_path: Path) -> None:
    with_format(tmp_path, 0)
    with pytest.raises(BadInput) as fault:
        read_manifest(str(tmp_path))
    assert str(fault.value) == (
        f"{tmp_path}/manifest.json was written by an older Bateia (format 0, this one reads 1 and 2); "
        "write its directory anew"
    )


def test_a_manifest_without_a_format_names_the_remedy(tmp_path: Path) -> None:
    value = asdict(MANIFEST)
    del value["format_version"]
    (tmp_path / "manifest.json").write_text(json.dumps(value))
    with pytest.raises(BadInput) as fault:
        read_manifest(str(tmp_path))
    assert str(fault.value) == (
        f"{tmp_path}/manifest.json names no format_version (this Bateia reads 1 and 2); write its directory anew"
    )


def test_a_finished_directory_is_opened_or_the_remedy_is_told(tmp_path: Path) -> None:
    def refused(*stages: str) -> str:
        with pytest.raises(BadInput) as fault:
            open_finished(str(tmp_path), stages, "`bateia curate`")
        return str(fault.value)

    assert refused("curate") == (
        f"{tmp_path} has no manifest.json, so it is not finished; run `bateia curate` to the end first"
    )
    write_manifest(str(tmp_path), MANIFEST)
    assert open_finished(str(tmp_path), ("dedup", "curate"), "`bateia curate`") == MANIFEST
    assert refused("dedup") == f"{tmp_path} was written by stage 'curate'; give an output of `bateia curate`"
    with_format(tmp_path, 9)
    assert "update Bateia" in refused("curate")


def test_versions_are_of_what_is_installed() -> None:
    assert list(versions(("pyarrow", "no-such-package-anywhere", "numpy"))) == ["pyarrow", "numpy"]


def test_the_hash_is_of_the_set_of_files() -> None:
    assert hash_dataset(FILES) == hash_dataset(reversed(FILES))
    first, second = FILES
    others = [
        [first],
        [replace(first, sha256="3" * 64), second],
        [replace(first, path="data/en/b.parquet"), second],
        [replace(first, sha256=second.sha256), replace(second, sha256=first.sha256)],
        [],
    ]
    assert len({hash_dataset(files) for files in (FILES, *others)}) == len(others) + 1
    assert hash_dataset([replace(first, rows=9), second]) == hash_dataset(FILES)  # the bytes tell all


def many_files(count: int) -> list[FileEntry]:
    digests = [sha256(str(number).encode()).hexdigest() for number in range(count)]
    folders = ("ledger", "data/en", "data/ç")
    return [FileEntry(f"{folders[n % 3]}/part-{n:05}.parquet", n, n + 1, digest) for n, digest in enumerate(digests)]


def test_many_files_are_a_table_beside_it_and_the_same_dataset(tmp_path: Path) -> None:
    files = many_files(MANY_FILES + 1)
    few, many = tmp_path / "few", tmp_path / "many"
    whole = replace(MANIFEST, files=tuple(files), dataset_hash=hash_dataset(files))
    write_manifest(str(many), whole)
    write_manifest(str(few), replace(whole, files=tuple(files[1:]), dataset_hash=hash_dataset(files[1:])))
    assert [path.name for path in few.iterdir()] == ["manifest.json"]
    value = json.loads((many / "manifest.json").read_text())
    assert value["format_version"] == 2 and len((many / "manifest.json").read_bytes()) < 1000
    assert sorted(path.name for path in many.iterdir()) == [value["files"]["path"], "manifest.json"]
    read = read_manifest(str(many))
    assert read is not None and list(read.files) == sorted(files, key=lambda file: file.path)
    assert hash_dataset(read.files) == read.dataset_hash == whole.dataset_hash
    assert read.files == sorted_files(reversed(files)) and read.files[-1] == list(read.files)[-1]
    assert list(read.below("data/ç/")) == sorted(files[2::3], key=lambda file: file.path)
    assert (
        list(read.below("data/ç/")) == list(whole.below("data/ç/")) and list(read.files[2:4]) == list(read.files)[2:4]
    )
    with pytest.raises(IndexError):
        read.files[MANY_FILES + 1]
    before = value["files"]["path"]
    write_manifest(str(many), replace(read, files=files[:-1] + many_files(1500)[-1:]))
    assert not (many / before).exists() and len(list(many.iterdir())) == 2


def test_many_sources_are_a_table_beside_it(tmp_path: Path) -> None:
    source = [{"path": f"{number}.warc.gz", "bytes": number} for number in range(MANY_FILES)]
    source += [{"path": "x.warc", "bytes": 9, "problem": "is empty"}, {"path": "/y", "bytes": 2, "file_path": "y"}]
    write_manifest(str(tmp_path), replace(MANIFEST, source=source))
    read = read_manifest(str(tmp_path))
    assert read is not None and read.source == source and read.files == MANIFEST.files
    assert len((tmp_path / "manifest.json").read_bytes()) < 2000


def test_a_table_that_the_manifest_was_not_written_with_is_refused(tmp_path: Path) -> None:
    write_manifest(str(tmp_path), replace(MANIFEST, files=many_files(MANY_FILES + 1)))
    [table] = tmp_path.glob("files-*.parquet")
    data = table.read_bytes()
    for other in (data[:-1], data + b"x", bytes([data[0] ^ 1]) + data[1:]):
        table.write_bytes(other)
        with pytest.raises(BadInput, match=f"^{table} is not the table that manifest.json was written with"):
            read_manifest(str(tmp_path))
    table.unlink()
    with pytest.raises(BadInput, match=f"^{table} can't be read"):
        read_manifest(str(tmp_path))
    value = json.loads((tmp_path / "manifest.json").read_text())
    for path in ("../files-0123456789abcdef.parquet", "/etc/passwd", 3):
        (tmp_path / "manifest.json").write_text(json.dumps(value | {"files": value["files"] | {"path": path}}))
        with pytest.raises(BadInput, match="is no Bateia manifest"):
            read_manifest(str(tmp_path))


@pytest.mark.parametrize("named", ["documents", "./documents", "../{place}/documents", "{folder}/documents"])
def test_it_is_the_same_from_whatever_folder_its_inputs_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """Those beside it from there on, as they are moved together; others by their absolute path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "documents").mkdir()
    typed = named.format(place=tmp_path.name, folder=tmp_path)
    source = [{"path": typed, "dataset_hash": "a"}, {"path": "far/documents", "dataset_hash": "b"}]
    source += [{"path": "s3://bucket/documents", "dataset_hash": "c"}, {"path": "w.warc", "bytes": 3}]
    write_manifest(str(tmp_path / "corpus"), replace(MANIFEST, source=source))
    written = json.loads((tmp_path / "corpus" / "manifest.json").read_text())["source"]
    assert [item["path"] for item in written] == [
        "../documents",
        f"{tmp_path}/far/documents",
        "s3://bucket/documents",
        "w.warc",
    ]
    monkeypatch.chdir("/")
    read = read_manifest(str(tmp_path / "corpus"))
    assert read is not None and [item["path"] for item in read.source] == [
        f"{tmp_path}/documents",
        f"{tmp_path}/far/documents",
        "s3://bucket/documents",
        "w.warc",
    ]
    moved = (tmp_path / "corpus").rename(tmp_path / "documents" / "moved")
    again = read_manifest(str(moved))
    assert again is not None and again.source[0]["path"] == f"{tmp_path}/documents/documents"
