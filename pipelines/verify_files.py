"""Files as a manifest tells of them: there, of their size, of their sha256. One line for each fault."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

from schemas.manifest import FileEntry
from schemas.storage import join, open_read, size_of

CHUNK_BYTES = 8 << 20
SHARDS_ANEW = "make the shards anew with `bateia shard --overwrite`, or bring the file back"


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
    """Read a file once. hashed: whether to compare its sha256. look: gets its bytes, CHUNK_BYTES at a time."""
    path, found = join(root, entry.path), hashlib.sha256()
    try:
        for chunk in chunks_of(path):
            if hashed:
                found.update(chunk)
            look(chunk)
    except OSError as error:
        return f"{path} can't be read ({error}); {remedy}"
    if hashed and found.hexdigest() != entry.sha256:
        return f"{path} has changed since it was written (sha256 {found.hexdigest()[:12]}…); {remedy}"
    return None


def chunks_of(path: str) -> Iterator[bytes]:
    with open_read(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def file_faults(
    root: str, entries: Iterable[FileEntry], remedy: str, hashed: bool, say: Callable[[str], None]
) -> Iterator[tuple[str, str]]:
    """(path in the manifest, fault) of every file that is not as it was written."""
    for entry in entries:
        say(entry.path)
        fault = size_fault(root, entry, remedy)
        if fault is None and hashed:
            fault = content_fault(root, entry, remedy, hashed)
        if fault is not None:
            yield entry.path, fault
