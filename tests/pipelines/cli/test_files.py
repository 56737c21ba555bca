"""Files of results: whole or absent, and never in place of what a stage wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cli.options import write_file
from schemas.faults import BadInput
from schemas.manifest import Manifest, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_manifest(str(tmp_path), Manifest("shard", {}, {}, [], {}, (), ""))
    (tmp_path / "report.html").write_text("the stage's")
    (tmp_path / "memorized.html").write_text("of an earlier call")
    (tmp_path / "file").write_text("mine")
    return tmp_path


@pytest.mark.parametrize("name", ["new.html", "deep/er/new.html", "memorized.html"])
def test_files_of_ones_own_are_written(folder: Path, name: str) -> None:
    write_file(str(folder / name), "é")
    assert (folder / name).read_text("utf-8") == "é"
    assert not list(folder.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("report.html", "is what stage 'shard' wrote"),
        ("manifest.json", "is what stage 'shard' wrote"),
        ("file/x.html", "can't be written"),
        (".", "can't be written"),
    ],
)
def test_what_is_there_stays(folder: Path, name: str, line: str) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*")}
    with pytest.raises(BadInput, match=line):
        write_file(f"{folder}/{name}", "x")
    assert {path: path.read_bytes() for path in folder.rglob("*")} == before


def test_a_scheme_that_nothing_writes_is_told() -> None:
    with pytest.raises(BadInput, match=r"foo://x/y\.html: foo:// can't be read or written"):
        write_file("foo://x/y.html", "x")
