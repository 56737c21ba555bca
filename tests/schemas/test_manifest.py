"""The manifest: what makes a directory finished, and what its hash stands for."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from schemas.manifest import FileEntry, Manifest, hash_dataset, read_manifest, write_manifest

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
    ],
)
def test_other_manifests_are_refused_by_name(tmp_path: Path, value: Any) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(value))
    with pytest.raises(ValueError, match=f"^{tmp_path}/manifest.json is no Bateia manifest"):
        read_manifest(str(tmp_path))


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
