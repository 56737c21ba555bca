"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import fs

from schemas.storage import (
    PendingFile,
    is_local,
    join,
    list_files,
    locate,
    open_read,
    read_json,
    remove,
    remove_folder,
    remove_temporary,
    size_of,
    write_json,
    write_whole,
)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "file.bin"
    with write_whole(str(target)) as file:
        file.write(b"12")
        file.write(memoryview(b"345"))
        assert not target.exists()
    assert target.read_bytes() == b"12345"
    assert (file.bytes, file.sha256) == (5, hashlib.sha256(b"12345").hexdigest())
    assert names(tmp_path) == {"a/b/file.bin"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failed_file_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "file.bin"
    target.write_bytes(b"earlier")
    with pytest.raises(error), write_whole(str(target)) as file:
        file.write(b"half")
        raise error
    assert target.read_bytes() == b"earlier"
    assert names(tmp_path) == {"file.bin"}


def test_two_attempts_at_one_file_do_not_clash(tmp_path: Path) -> None:
    first, second = (PendingFile(str(tmp_path / "file.bin")) for _ in range(2))
    first.file.write(b"first")
    second.file.write(b"second")
    assert list_files(str(tmp_path)) == []  # both are hidden
    second.commit()
    first.commit()
    assert (tmp_path / "file.bin").read_bytes() == b"first"
    assert names(tmp_path) == {"file.bin"}


def test_a_discarded_file_is_gone(tmp_path: Path) -> None:
    pending = PendingFile(str(tmp_path / "file.bin"))
    pending.file.write(b"half")
    pending.discard()
    pending.discard()
    assert names(tmp_path) == set()
    done = PendingFile(str(tmp_path / "file.bin"))
    done.commit()
    done.discard()  # too late: it has its name
    assert names(tmp_path) == {"file.bin"}


def test_json_is_the_same_in_every_order(tmp_path: Path) -> None:
    write_json(str(tmp_path / "a.json"), {"b": "ção", "a": [1, 2.5, None]})
    write_json(str(tmp_path / "b.json"), {"a": [1, 2.5, None], "b": "ção"})
    text = (tmp_path / "a.json").read_text("utf-8")
    assert text == (tmp_path / "b.json").read_text("utf-8")
    assert "ção" in text
    assert text.endswith("}\n")
    assert read_json(str(tmp_path / "a.json")) == json.loads(text)


def test_json_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_json(str(tmp_path / "a.json"), {"a": object()})
    assert names(tmp_path) == set()


def test_json_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError):
        read_json(str(tmp_path / "a.json"))
    with pytest.raises(FileNotFoundError):
        read_json(str(tmp_path / "b.json"))


def test_files_are_listed_sorted_and_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b/z.parquet", "b/a.parquet", "a.json", ".hidden/x.parquet", "b/.y.parquet.tmp", "c d/é.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    root = str(tmp_path)
    assert list_files(root) == [f"{root}/{n}" for n in ("a.json", "b/a.parquet", "b/z.parquet", "c d/é.parquet")]
    assert list_files(f"{root}/", ".parquet") == [
        f"{root}/{n}" for n in ("b/a.parquet", "b/z.parquet", "c d/é.parquet")
    ]
    assert list_files(f"{root}/absent") == []


@pytest.mark.parametrize("listing", [list_files, lambda folder: remove_temporary(folder, deep=True)])
def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listing: Callable[[str], object]
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.json").touch()
    scan = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(PermissionError):
        listing(str(tmp_path))
    assert list_files(str(tmp_path / "a.json")) == []


def test_a_hidden_folder_above_hides_nothing(tmp_path: Path) -> None:
    folder = tmp_path / ".cache" / "run"
    folder.mkdir(parents=True)
    (folder / "a.json").touch()
    assert list_files(str(folder)) == [f"{folder}/a.json"]


def test_sizes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"123")
    assert size_of(str(tmp_path / "file")) == 3
    assert size_of(str(tmp_path / "absent")) is None
    assert size_of(str(tmp_path)) is None  # a folder is no file


def test_removing_what_is_absent_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "folder" / "below").mkdir(parents=True)
    (tmp_path / "folder" / "below" / "file").touch()
    remove(str(tmp_path / "absent"))
    remove(str(tmp_path / "folder"))  # not a file
    remove_folder(str(tmp_path / "absent"))
    assert names(tmp_path) == {"folder/below/file"}
    remove_folder(str(tmp_path / "folder"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "folder, joined", [("a", "a/b/c"), ("a/", "a/b/c"), ("/", "/b/c"), ("s3://bucket/x/", "s3://bucket/x/b/c")]
)
def test_join(folder: str, joined: str) -> None:
    assert join(folder, "b", "c") == joined


def test_paths_and_uris_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    filesystem, name = locate("below/file")
    assert (type(filesystem), name) == (fs.LocalFileSystem, str(tmp_path / "below" / "file"))
    assert is_local("below/file")
    assert not is_local("s3://bucket/file")
    (tmp_path / "file").write_bytes(b"123")
    with open_read(f"file://{tmp_path}/file") as stream:
        assert stream.read() == b"123"
    assert size_of(f"file://{tmp_path}/file") == 3
