"""What was fetched, kept in a folder of limited size: a file for each range, and what was used least goes first."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

ENDING = ".range"


class Cache:
    """A folder of ranges. It may vanish, be full or be shared at any time: it saves requests, and nothing else."""

    def __init__(self, folder: str, max_bytes: int) -> None:
        self._folder, self._max_bytes = Path(folder), max_bytes

    def _path(self, url: str, etag: str, start: int, stop: int) -> Path:
        key = hashlib.blake2b(f"{url}\0{etag}\0{start}\0{stop}".encode("utf-8", "replace"), digest_size=20)
        return self._folder / f"{key.hexdigest()}{ENDING}"

    def find(self, url: str, etag: str, start: int, stop: int) -> BinaryIO | None:
        """The range, open for reading. A file without an ETag is not known again, so it is not looked for."""
        if not etag:
            return None
        path = self._path(url, etag, start, stop)
        try:
            file = path.open("rb")
        except OSError:
            return None
        with suppress(OSError):
            os.utime(path)  # it was used now
        return file

    def keep(self, url: str, etag: str, start: int, stop: int, file: BinaryIO) -> None:
        """Keep a copy of the range that `file` holds. A full disk costs the copy only, and is said once."""
        if not etag:
            return
        path = self._path(url, etag, start, stop)
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file.seek(0)
            with temporary.open("wb") as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
            temporary.replace(path)
            self._shrink()
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            sys.stderr.write(f"bateia: note: {self._folder} keeps nothing more ({error.strerror}); fetching goes on\n")

    def _shrink(self) -> None:
        """Remove what was used least, until the folder holds no more than it may."""
        held = []
        for path in self._folder.glob(f"*{ENDING}"):
            with suppress(OSError):
                state = path.stat()
                held.append((state.st_mtime_ns, state.st_size, path))
        over = sum(size for _, size, _ in held) - self._max_bytes
        for _, size, path in sorted(held):
            if over <= 0:
                return
            with suppress(OSError):
                path.unlink()
            over -= size
