"""Files checked against a manifest: presence, size, sha256. One line for each fault."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from schemas.manifest import FileEntry, Manifest
from schemas.shards.layout import ShardsInfo, open_shards
from schemas.shards.tombstones import Tombstones, read_tombstones
from schemas.storage import join, read_chunks, size_of, unreadable


@dataclass(frozen=True)
class VerifyRun:
    """What is verified, and how.

    shards, manifest: finished ones.
    tombstones: what was forgotten from them.
    hashed: whether to compare sha256.
    """

    shards: ShardsInfo
    manifest: Manifest
    tombstones: list[Tombstones]
    hashed: bool

    @cached_property
    def entries(self) -> dict[str, FileEntry]:
        return {file.path: file for file in self.manifest.files}


def open_run(folder: str, hashed: bool) -> VerifyRun:
    """Raises BadInput if there are no finished shards, or their tombstones can't be read."""
    shards, manifest = open_shards(folder)
    return VerifyRun(shards, manifest, read_tombstones(shards.folder), hashed)


def size_fault(root: str, entry: FileEntry, remedy: str) -> str | None:
    """Why a file can't be what was written, by its size alone."""
    path = join(root, entry.path)
    size = size_of(path)
    if size is None:
        return f"{path} is missing; {remedy}"
    if size != entry.bytes:
        cut = "it is cut short" if size < entry.bytes else "something was added"
        return f"{path} has {size:,} bytes and should have {entry.bytes:,}: {cut}; {remedy}"
    return None


def content_fault(
    root: str, entry: FileEntry, remedy: str, hashed: bool, look: Callable[[bytes], None] = lambda chunk: None
) -> str | None:
    """Read a file once.

    hashed: whether to compare its sha256.
    look: called with its bytes, chunk by chunk.
    """
    path, digest = join(root, entry.path), hashlib.sha256()
    try:
        for chunk in read_chunks(path):
            if hashed:
                digest.update(chunk)
            look(chunk)
    except OSError as error:
        return str(unreadable(path, error, remedy))
    if hashed and digest.hexdigest() != entry.sha256:
        return f"{path} has changed since it was written (sha256 {digest.hexdigest()[:12]}…); {remedy}"
    return None


def file_fault(root: str, entry: FileEntry, remedy: str, hashed: bool) -> str | None:
    """Why a file is not as it was written. hashed: whether to read it, and compare its sha256."""
    fault = size_fault(root, entry, remedy)
    return content_fault(root, entry, remedy, hashed) if fault is None and hashed else fault
