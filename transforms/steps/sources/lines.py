"""JSON lines and plain text, as they are or compressed by gzip or zstd."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

import pyarrow as pa
import zstandard
from isal import igzip

from transforms.steps.sources.columns import Columns
from transforms.steps.warc.events import Text, Unreadable
from transforms.steps.warc.limits import ReadLimits

MAX_WINDOW_BYTES = 128 << 20  # as for WARC files
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}  # by the first bytes
Row = Text | Unreadable
Progress = Callable[[int], None] | None


def compression_of(head: bytes) -> str | None:
    return next((name for magic, name in COMPRESSED.items() if head.startswith(magic)), None)


def inflated(stream: BinaryIO, compression: str | None) -> BinaryIO:
    """The stream's bytes without their compression; they inflate as they are read."""
    if compression == "gzip":
        return cast(BinaryIO, igzip.IGzipFile(fileobj=stream, mode="rb"))
    if compression == "zstd":
        inflater = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
        return cast(BinaryIO, io.BufferedReader(inflater.stream_reader(stream, read_across_frames=True)))
    return stream


def read_lines(
    stream: BinaryIO,
    start: int,
    end: int,
    columns: Columns,
    limits: ReadLimits,
    on_progress: Progress = None,
) -> Iterator[Row]:
    """The rows of the lines that start in [start, end) of a file of JSON lines.

    A compressed file is one span: its offsets count inflated bytes. Blank lines are passed over.
    """
    stream.seek(0)
    compression = compression_of(stream.read(4))
    stream.seek(0 if compression else max(0, start - 1))
    lines = buffered(inflated(stream, compression))
    position = 0 if compression else max(0, start - 1)
    if not compression and start > 0:  # the line that holds the byte before belongs to the span before
        position += pass_line(lines)
    try:
        while compression or position < end:
            line = lines.readline(limits.max_record_bytes + 1)
            if not line:
                return
            offset, size = position, len(line)
            if size > limits.max_record_bytes:
                size += pass_line(lines) if not line.endswith(b"\n") else 0
                yield Unreadable(offset, size, "record_too_large", value=size, threshold=limits.max_record_bytes)
            elif line.strip():
                yield row_of(line, offset, columns, limits)
            position += size
            if on_progress is not None:
                on_progress(stream.tell() if compression else position)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        if compression is None:
            raise
        yield Unreadable(position, 0, f"{compression}_damaged", detail=f"{str(error)[:200]}; what follows is lost")


def buffered(stream: BinaryIO) -> BinaryIO:
    """The stream with `readline`, which one of pyarrow's lacks, though it says that it is a buffered one."""
    own = isinstance(stream, io.BufferedIOBase) and not isinstance(stream, pa.NativeFile)
    return stream if own else cast(BinaryIO, io.BufferedReader(stream))  # type: ignore[arg-type]


def pass_line(lines: BinaryIO) -> int:
    """Bytes up to the end of the line, passed over."""
    passed = 0
    while piece := lines.readline(1 << 20):
        passed += len(piece)
        if piece.endswith(b"\n"):
            break
    return passed


def row_of(line: bytes, offset: int, columns: Columns, limits: ReadLimits) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Unreadable(offset, len(line), "bad_json", detail=f"{str(error)[:200] or type(error).__name__}")
    if not isinstance(row, dict):
        return Unreadable(offset, len(line), "bad_json", detail=f"the line is no object but a {type(row).__name__}")
    return columns.text_of(row, offset, len(line), limits)


def read_text(stream: BinaryIO, limits: ReadLimits) -> Iterator[Row]:
    """A whole file as one text."""
    stream.seek(0)
    compression = compression_of(stream.read(4))
    stream.seek(0)
    data = b""
    try:
        source = inflated(stream, compression)
        while len(data) <= limits.max_body_bytes and (piece := source.read(1 << 20)):
            data += piece
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        if compression is None:
            raise
        yield Unreadable(0, len(data), f"{compression}_damaged", detail=str(error)[:200])
        return
    if len(data) > limits.max_body_bytes:
        yield Unreadable(0, len(data), "body_too_large", value=len(data), threshold=limits.max_body_bytes)
        return
    yield Text("", "", "", 0, len(data), data.decode("utf-8-sig", "replace"))
