"""Bytes under a WARC file's records: a forward window on a plain file, or on one compressed member as it is inflated.

A `RewindBuffer` never holds more than its reader asks for, so a member that inflates to gigabytes costs only as much
memory as is looked at.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Generic, TypeVar

from isal import igzip_lib

IsalError: type[Exception] = igzip_lib.IsalError  # pyright: ignore  (its stub makes it an instance)

BLOCK_BYTES = 1 << 20  # one read of the file; object stores like few large reads
SLICE_BYTES = 1 << 15  # compressed bytes handed to the inflater at once: what follows the member is copied back
HEAD_BYTES = 1 << 11  # inflated bytes saved from a damaged member: a record's header
PIECE_BYTES = 1 << 18  # inflated bytes taken at once
MAX_DEFLATE_RATIO = 1032  # deflate can't expand a byte to more (zlib's technical notes)

# Compression method 8, and none of the flag bits that RFC 1952 reserves.
GZIP_MAGIC = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]")
WARC_MAGIC = b"WARC/"
PADDING = b"\r\n\0"  # what writers leave between records and behind the last one


class MemberFault(Exception):
    """A gzip member or zstd frame that can't be inflated to its end.

    reason: `gzip_damaged`, `gzip_truncated`, `zstd_damaged` or `zstd_truncated`
    detail: what the inflater said
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class FileBlocks:
    """A seekable stream of known size, read in blocks of BLOCK_BYTES. What `at` returns depends on no earlier call."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.size = size
        self._stream = stream
        self._block = b""
        self._start = 0

    def at(self, position: int, length: int) -> memoryview:
        """The `length` bytes at `position`, fewer only at the end of the file."""
        length = max(0, min(length, self.size - position))
        offset = position - self._start
        if offset < 0 or offset + length > len(self._block):
            self._stream.seek(position)
            self._block = _read_fully(self._stream, max(length, min(BLOCK_BYTES, self.size - position)))
            self._start, offset = position, 0
        return memoryview(self._block)[offset : offset + length]

    def find(self, pattern: re.Pattern[bytes], position: int, stop: int, overlap: int = 16) -> Iterator[int]:
        """Positions in [position, stop) where `pattern`, at most `overlap` bytes long, matches."""
        while position < stop:
            view = self.at(position, BLOCK_BYTES)
            last = len(view) < BLOCK_BYTES
            known = len(view) if last else len(view) - overlap
            for match in pattern.finditer(view):
                if match.start() >= known or position + match.start() >= stop:
                    break
                yield position + match.start()
            if last:
                return
            position += known


def _read_fully(stream: BinaryIO, length: int) -> bytes:
    """Read `length` bytes, fewer only at the end: raw streams may answer a read in part."""
    data = stream.read(length)
    while 0 < len(data) < length:
        more = stream.read(length - len(data))
        if not more:
            break
        data += more
    return data


class PlainBytes:
    """The source of a buffer that reads a plain file: positions are offsets in the file.

    max_position: the size of the file
    """

    def __init__(self, file: FileBlocks) -> None:
        self.file = file
        self.max_position = file.size

    def open_at(self, position: int) -> tuple[int, Iterator[bytes]]:
        return position, self._pieces(position)

    def _pieces(self, position: int) -> Iterator[bytes]:
        while piece := bytes(self.file.at(position, PIECE_BYTES)):
            yield piece
            position += len(piece)


class Member:
    """The source of a buffer that inflates the compressed member at `offset`: positions count inflated bytes.

    end: where the member ends in the file; None until it was inflated to its end and its checksum found right
    max_position: inflated bytes that it can have at most
    """

    def __init__(self, file: FileBlocks, offset: int, max_ratio: int) -> None:
        self.file = file
        self.offset = offset
        self.end: int | None = None
        self.max_position = (file.size - offset) * max_ratio

    def open_at(self, position: int) -> tuple[int, Iterator[bytes]]:
        return 0, self.pieces()

    def pieces(self) -> Iterator[bytes]:
        """The inflated bytes from the start; `end` is set behind the last. Raises MemberFault."""
        raise NotImplementedError


class GzipMember(Member):
    def __init__(self, file: FileBlocks, offset: int) -> None:
        super().__init__(file, offset, MAX_DEFLATE_RATIO)

    def pieces(self) -> Iterator[bytes]:
        inflater = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        position = self.offset
        while not inflater.eof:
            compressed = self.file.at(position, SLICE_BYTES) if inflater.needs_input else b""
            if inflater.needs_input and not compressed:
                raise MemberFault("gzip_truncated", "the file ends inside a gzip member")
            try:
                piece = inflater.decompress(compressed, max_length=PIECE_BYTES)
            except IsalError as error:
                if position == self.offset:
                    yield _inflatable_start(compressed)
                raise MemberFault("gzip_damaged", str(error)) from None
            position += len(compressed)
            if piece:
                yield piece
        self.end = position - len(inflater.unused_data)


def _inflatable_start(data: bytes | memoryview) -> bytes:
    """The first inflated bytes of a damaged member, up to HEAD_BYTES, so that its record can be named.

    igzip gives nothing of a slice that has damage in it; zlib gives what comes before the damage.
    """
    try:
        return zlib.decompressobj(wbits=31).decompress(data, HEAD_BYTES)
    except zlib.error:
        return b""


Source = TypeVar("Source", bound=PlainBytes | Member)


class RewindBuffer(Generic[Source]):
    """A window that moves forward over a source, and back to any position by reading the source anew.

    held: the source's bytes at positions [start, start + len(held))
    start: position of the first byte held
    ended: whether the source has no bytes behind `held`
    rewinds: how often `rewind` was called; each costs reading from the start of a gzip member
    """

    def __init__(self, source: Source, position: int = 0) -> None:
        self.source = source
        self.held = bytearray()
        self.ended = False
        self.rewinds = 0
        self.start, self._pieces = source.open_at(position)

    @property
    def stop(self) -> int:
        """Position behind the last byte held."""
        return self.start + len(self.held)

    def fill(self, position: int) -> int:
        """Hold the bytes up to `position`, or as many as there are; return `stop`. Raises MemberFault."""
        while self.stop < position and not self.ended:
            piece = next(self._pieces, None)
            if piece is None:
                self.ended = True
            else:
                self.held += piece
        return self.stop

    def copy(self, start: int, stop: int) -> bytes:
        """The held bytes at [start, stop)."""
        return bytes(memoryview(self.held)[start - self.start : stop - self.start])

    def forget(self, position: int) -> None:
        """Drop the bytes before `position`; read on to it if it is not held yet. Raises MemberFault."""
        while True:
            count = min(position, self.stop) - self.start
            del self.held[:count]
            self.start += count
            if self.start >= position or self.ended:
                return
            self.fill(self.stop + 1)

    def skip(self, position: int) -> None:
        """Go on to `position`, which the source reaches: in a plain file without reading. Raises MemberFault."""
        if isinstance(self.source, PlainBytes):
            self._reopen(position)
        self.forget(position)

    def rewind(self, position: int) -> None:
        """Go back to `position`: a gzip member is inflated again from its start. Raises MemberFault."""
        self.rewinds += 1
        self._reopen(position)
        self.forget(position)

    def _reopen(self, position: int) -> None:
        del self.held[:]
        self.ended = False
        self.start, self._pieces = self.source.open_at(position)


@dataclass(frozen=True)
class Codec:
    """How the members of a file are compressed.

    name: for messages
    magic: what a member begins with
    member: opens the one at an offset
    passed: from an offset to what follows bytes there that hold no data and are no damage
    """

    name: str
    magic: re.Pattern[bytes]
    member: Callable[[FileBlocks, int], Member]
    passed: Callable[[FileBlocks, int], int] = lambda _, offset: offset


GZIP = Codec("gzip", GZIP_MAGIC, GzipMember)


def open_member(file: FileBlocks, offset: int, codec: Codec = GZIP) -> RewindBuffer[Member] | None:
    """The member at `offset` if what it holds begins like a WARC record, else None."""
    if not codec.magic.match(file.at(offset, 4)):
        return None
    buffer = RewindBuffer(codec.member(file, offset))
    try:
        buffer.fill(1)
    except MemberFault:
        return None
    return buffer if buffer.held.lstrip(PADDING).startswith(WARC_MAGIC) else None


def find_member(file: FileBlocks, position: int, stop: int, codec: Codec = GZIP) -> int | None:
    """Offset of the first member in [position, stop) whose content begins like a WARC record."""
    candidates = file.find(codec.magic, position, stop)
    return next((offset for offset in candidates if open_member(file, offset, codec)), None)
