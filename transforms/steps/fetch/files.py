"""Files to read, wherever they lie: on a disk, in a bucket, or on a server, there by ranges."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, cast

from pyarrow import fs

from schemas.faults import BadInput, reason
from schemas.storage import locate, open_read
from transforms.steps.fetch.cache import Cache
from transforms.steps.fetch.faults import NotFetched
from transforms.steps.fetch.fetcher import Fetcher, fetcher_of, is_http
from transforms.steps.fetch.hub import hub_address, is_hub
from transforms.steps.fetch.settings import FetchSettings

BLOCK_BYTES = 1 << 20  # least that is asked for at once
PROBE_BYTES = 1 << 16  # where only size and ETag are wanted, and a footer may come along


@dataclass(frozen=True, slots=True)
class FileState:
    """What a file is known by.

    size: in bytes; None where a server does not say
    modified: time of its last change in ns, 0 where that is not known
    etag: of a file on a server, "" elsewhere
    """

    size: int | None
    modified: int = 0
    etag: str = ""


def address_of(path: str) -> str:
    """Where a path leads: hf://datasets/OWNER/NAME[@REVISION]/FILE is an https address, all others are themselves."""
    return hub_address(path) if is_hub(path) else path


def is_remote(path: str) -> bool:
    """Whether a path's bytes come through the fetcher."""
    return is_http(path) or is_hub(path)


def open_input(
    path: str, settings: FetchSettings, etag: str = "", checked: bool = False, block: int = BLOCK_BYTES
) -> BinaryIO:
    """A file for reading at any position.

    etag: of the file that is meant, on a server
    checked: whether the reader checks what it reads, so that the cache may answer for a file without an ETag
    block: least that is asked of a server at once
    Raises OSError (NotFetched, FileNotFoundError, …) and BadInput for what is no address.
    """
    if is_remote(path):
        return cast(BinaryIO, RemoteFile(fetcher_of(settings), address_of(path), etag, checked, block))
    return open_read(path)


def state_of(path: str, settings: FetchSettings) -> FileState | None:
    """What is known of a file without reading it, or None if there is none. Raises OSError if nobody can say."""
    if is_remote(path):
        file = RemoteFile(fetcher_of(settings), address_of(path), block=PROBE_BYTES)
        try:
            return FileState(file.size, 0, file.etag)
        except NotFetched as fault:
            if fault.what.startswith(("404", "410")):
                return None
            raise
    filesystem, name = locate(path)
    info = filesystem.get_file_info(name)
    return FileState(info.size, info.mtime_ns or 0) if info.type == fs.FileType.File else None


class RemoteFile(io.RawIOBase):
    """A file on a server, read at any position: by blocks of a megabyte, or out of a span that was fetched ahead."""

    def __init__(
        self, fetcher: Fetcher, url: str, etag: str = "", checked: bool = False, block: int = BLOCK_BYTES
    ) -> None:
        super().__init__()
        self._checked, self._block_bytes = checked, block
        self._fetcher, self._url = fetcher, url
        self._etag, self._size = etag, -1
        self._position = 0
        self._block, self._block_start = b"", 0
        self._span: BinaryIO | None = None
        self._span_start = self._span_stop = 0

    @property
    def size(self) -> int:
        """In bytes. Raises NotFetched, and where the server does not say it."""
        if self._size < 0:
            self._fill(0, 1)
            if self._size < 0:
                raise NotFetched(self._url, "its server does not tell its size", lasting=True)
        return self._size

    @property
    def etag(self) -> str:
        return self._etag

    def hold(self, start: int, stop: int) -> None:
        """Fetch [start, stop) in one request, through the cache if there is one; reading there needs no other."""
        self._drop_span()
        settings = self._fetcher.settings
        cache = Cache(settings.cache, int(settings.cache_gb * 1e9)) if settings.cache else None
        known = "checked" if self._checked else self._etag
        file = cache.find(self._url, known, start, stop) if cache else None
        if file is None:
            temporary = cast(BinaryIO, tempfile.TemporaryFile(prefix="bateia-"))  # noqa: SIM115 - held until dropped
            try:
                restart = partial(take_back, temporary)
                self._note(self._fetcher.fetch(self._url, start, stop, temporary.write, self._etag, restart))
            except BaseException:
                temporary.close()
                raise
            file = temporary
            if cache:
                cache.keep(self._url, "checked" if self._checked else self._etag, start, stop, file)
        file.seek(0, io.SEEK_END)
        self._span, self._span_start, self._span_stop = file, start, start + file.tell()

    def _note(self, remote: object) -> None:
        size, etag = getattr(remote, "size", None), getattr(remote, "etag", "")
        self._size = size if size is not None else self._size
        self._etag = etag or self._etag

    def _fill(self, start: int, length: int) -> None:
        """Bring the block that begins at `start`."""
        held = bytearray()
        stop = start + max(length, self._block_bytes)
        self._note(self._fetcher.fetch(self._url, start, stop, held.extend, self._etag, held.clear))
        self._block, self._block_start = bytes(held), start

    def _drop_span(self) -> None:
        if self._span is not None:
            self._span.close()
            self._span = None
        self._span_start = self._span_stop = 0

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self.size - self._position if size is None or size < 0 else size
        if self._size >= 0:
            wanted = min(wanted, self._size - self._position)
        if wanted <= 0:
            return b""
        start, stop = self._position, self._position + wanted
        if self._span is not None and self._span_start <= start < self._span_stop:
            self._span.seek(start - self._span_start)
            data = self._span.read(min(stop, self._span_stop) - start)
        else:
            if not (self._block_start <= start and stop <= self._block_start + len(self._block)):
                self._fill(start, wanted)
            data = self._block[start - self._block_start : stop - self._block_start]
        self._position += len(data)
        return data

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override] - any buffer
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence)
        self._position = offset + (self.size if base is None else base)
        return self._position

    def tell(self) -> int:
        return self._position

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._drop_span()
        super().close()


def take_back(file: BinaryIO) -> None:
    """Forget what was written to a file."""
    file.seek(0)
    file.truncate()


def fetch_bytes(path: str, settings: FetchSettings, max_bytes: int) -> bytes:
    """A whole small file, wherever it lies. Raises OSError, and BadInput if it is larger than `max_bytes`."""
    if not is_remote(path):
        with open_read(path) as file:
            data = file.read(max_bytes + 1)
    else:
        held = bytearray()
        fetcher_of(settings).fetch(address_of(path), 0, max_bytes + 1, held.extend, restart=held.clear)
        data = bytes(held)
    if len(data) > max_bytes:
        raise BadInput(f"{path} has more than {max_bytes:,} bytes; is it the right file?")
    return data


def fault_of(path: str, error: OSError) -> str:
    """Why a file can't be read, in one line with its remedy."""
    if isinstance(error, NotFetched):
        if error.lasting:
            return f"input {path} can't be fetched ({error.what}); check the address"
        return (
            f"input {path} can't be fetched ({error.what}); check the network and repeat the command, or give a copy: "
            "a local path, or with BATEIA_COMMONCRAWL a mirror's folder"
        )
    return f"input {path} can't be read ({error.strerror or reason(error)}); check its permissions"
