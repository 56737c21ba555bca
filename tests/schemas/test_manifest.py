"""The manifest: what makes a directory finished, and what its hash stands for."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from schemas.faults import BadInput
from schemas.manifest import FileEntry, Manifest, hash_dataset, open_finished, read_manifest, versions, write_manifest

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
    with_format(tmp_path, 2, fields_of_the_future=True, files="elsewhere")
    with pytest.raises(BadInput) as fault:
        read_manifest(str(tmp_path))
    assert str(fault.value) == (
        f"{tmp_path}/manifest.json was written by a newer Bateia (format 2, this one reads 1); update Bateia"
    )


def test_a_manifest_of_an_older_format_names_the_remedy(tmp_path: Path) -> None:
    with_format(tmp_path, 0)
    with pytest.raises(BadInput) as fault:
        read_manifest(str(tmp_path))
    assert str(fault.value) == (
        f"{tmp_path}/manifest.json was written by an older Bateia (format 0, this one reads 1); "
        "write its directory anew"
    )


def test_a_manifest_without_a_format_names_the_remedy(tmp_path: Path) -> None:
    value = asdict(MANIFEST)
    del value["format_version"]
    (tmp_path / "manifest.json").write_text(json.dumps(value))
    with pytest.raises(BadInput) as fault:
        read_manifest(str(tmp_path))
    assert str(fault.value) == (
        f"{tmp_path}/manifest.json names no format_version (this Bateia reads 1); write its directory anew"
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
