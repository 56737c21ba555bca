"""Files on a local disk, S3 or GCS by one set of calls (pyarrow's file systems), written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from pyarrow import fs


def locate(path: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a local path or URI (s3://, gs://, hdfs://) and the path within it."""
    if "://" in path:
        return fs.FileSystem.from_uri(path)
    return fs.LocalFileSystem(), str(Path(path).absolute())


def is_local(path: str) -> bool:
    return "://" not in path


def join(folder: str, *names: str) -> str:
    return "/".join([folder.rstrip("/"), *names])


def size_of(path: str) -> int | None:
    """Size of a file in bytes, or None if there is no such file. Raises OSError if it can't be told."""
    filesystem, name = locate(path)
    info = filesystem.get_file_info(name)
    return info.size if info.type == fs.FileType.File else None


def open_read(path: str) -> BinaryIO:
    """Open a file for reading at any position. Raises OSError (FileNotFoundError, PermissionError, …)."""
    if is_local(path):
        return Path(path).open("rb")
    filesystem, name = locate(path)
    return cast(BinaryIO, filesystem.open_input_file(name))


def list_files(folder: str, suffix: str = "") -> list[str]:
    """Paths of all files below `folder` that end in `suffix`, sorted, without hidden ones. No folder, no files."""
    filesystem, name = locate(folder)
    found = filesystem.get_file_info(fs.FileSelector(name, recursive=True, allow_not_found=True))
    names = [info.path[len(name.rstrip("/")) + 1 :] for info in found if info.type == fs.FileType.File]
    return [
        join(folder, n)
        for n in sorted(names)
        if n.endswith(suffix) and not any(p.startswith(".") for p in n.split("/"))
    ]


def remove(path: str) -> None:
    filesystem, name = locate(path)
    if filesystem.get_file_info(name).type == fs.FileType.File:
        filesystem.delete_file(name)


def remove_folder(path: str) -> None:
    filesystem, name = locate(path)
    if filesystem.get_file_info(name).type == fs.FileType.Directory:
        filesystem.delete_dir(name)


class HashingFile:
    """A file being written that counts its bytes and takes their sha256 on the way."""

    def __init__(self, sink: Any) -> None:
        self._sink = sink
        self._sha256 = hashlib.sha256()
        self.bytes = 0
        self.closed = False

    def write(self, data: Any) -> int:
        self._sha256.update(data)
        self.bytes += len(data)
        self._sink.write(data)
        return len(data)

    def flush(self) -> None:
        self._sink.flush()

    def close(self) -> None:
        self.closed = True

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


class PendingFile:
    """A file under a temporary hidden name beside its final one, until `commit` renames it. Attempts never clash."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._filesystem, self._final = locate(path)
        folder, _, name = self._final.rpartition("/")
        self._filesystem.create_dir(folder, recursive=True)
        self._temporary = f"{folder}/.{name}.{os.getpid()}-{secrets.token_hex(4)}.tmp"
        self._stream = self._filesystem.open_output_stream(self._temporary)
        self.file = HashingFile(self._stream)

    def commit(self) -> None:
        self._stream.close()
        self._filesystem.move(self._temporary, self._final)

    def discard(self) -> None:
        self._stream.close()
        if self._filesystem.get_file_info(self._temporary).type == fs.FileType.File:
            self._filesystem.delete_file(self._temporary)


@contextmanager
def write_whole(path: str) -> Iterator[HashingFile]:
    """Write a file that appears under its name only when the block ends without an exception."""
    pending = PendingFile(path)
    try:
        yield pending.file
    except BaseException:
        pending.discard()
        raise
    pending.commit()


def write_json(path: str, value: Any) -> None:
    """Write JSON with sorted keys, whole or not at all."""
    with write_whole(path) as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n")


def read_json(path: str) -> Any:
    """Read JSON. Raises OSError if the file can't be read and ValueError if it is no JSON."""
    with open_read(path) as file:
        return json.loads(file.read())
