"""Where one WARC record ends and the next begins, for headers and lengths that may be wrong.

Positions are those of the RewindBuffer: offsets in a plain file, inflated bytes in a gzip member.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from transforms.steps.warc.bytes import PADDING, MemberFault, PlainBytes, RewindBuffer
from transforms.steps.warc.limits import ReadLimits

# `\r*` because real files hold `WARC/1.0\r\r\n`.
RECORD_LINE = re.compile(rb"WARC/\d+\.\d+[ \t\r]*\n")
HEAD_END = re.compile(rb"\n(?:\r*\n|(?=WARC/\d+\.\d+[ \t\r]*\n))")
BLANK_LINES = re.compile(rb"\r*\n\r*\n")
LAST_LINE_BREAKS = re.compile(rb"(?:\r?\n){1,2}\Z")  # what separates a block from the next record
MAX_REWINDS = 8  # in one buffer, for large records whose length was wrong; then such lengths are not tried any more
MAX_PADDING_HELD = 1 << 16  # bytes of padding passed over at once
MAX_LINE_BYTES = 64  # bytes of a record's first line, for searches across what was read so far


@dataclass(frozen=True, slots=True)
class Head:
    """A record's header.

    start, stop: its bytes are at positions [start, stop)
    fields: values by field name in lower case
    """

    start: int
    stop: int
    fields: dict[bytes, bytes]

    def get(self, name: bytes) -> str:
        """A field's text without NULs, '' if absent. Bytes that are no UTF-8 become U+FFFD."""
        return self.fields.get(name, b"").decode("utf-8", "replace").replace("\0", "")

    @property
    def length(self) -> int | None:
        """Content-Length, None if it is absent or nonsense. 18 digits keep int() cheap; no file is larger."""
        value = self.fields.get(b"content-length", b"")
        return int(value) if value.isdigit() and len(value) <= 18 else None


@dataclass(frozen=True, slots=True)
class Record:
    """One record, or bytes between records that belong to none.

    start, stop: it is at buffer positions [start, stop)
    head: its header; None for bytes that belong to no record
    block: what follows the header, e.g. an HTTP message; empty if there is a fault
    last: whether nothing follows it in the buffer
    fault: '', junk, bad_warc_header, record_too_large, record_truncated, gzip_damaged, gzip_truncated,
        zstd_damaged or zstd_truncated
    detail: the fault in words, or None
    value: the size that a limit forbade, if it is known
    threshold: the limit that `value` exceeds
    given_up: whether what follows in the buffer is not read, because it is more than max_skip_bytes away
    """

    start: int
    stop: int
    head: Head | None = None
    block: bytes = b""
    last: bool = False
    fault: str = ""
    detail: str | None = None
    value: int | None = None
    threshold: int | None = None
    given_up: bool = False

    @property
    def broken(self) -> bool:
        """Whether the bytes end before the record does, so that it is unknown what follows it."""
        return self.fault.endswith(("_damaged", "_truncated"))


def parse_fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """Header fields by lower-case name; a repeated field's last value; folded lines joined by a space."""
    fields: dict[bytes, bytes] = {}
    name = b""
    for line in lines:
        if line.startswith((b" ", b"\t")):
            if name:
                fields[name] += b" " + line.strip()
            continue
        name, colon, value = line.partition(b":")
        name = name.strip().lower() if colon else b""
        if name:
            fields[name] = value.strip()
    return fields


def _head_end(buffer: RewindBuffer, position: int, limit: int) -> tuple[int, bool]:
    """Search for the blank line that ends a header: (where the search ended, whether there is one). Raises MemberFault.

    Without a blank line it ends at `limit`, at the buffer's end, or at another record's first line: a header that lost
    its end must not swallow the next record's.
    """
    while (match := HEAD_END.search(buffer.held, position - buffer.start, limit - buffer.start)) is None:
        searched = max(position, min(buffer.stop, limit) - MAX_LINE_BYTES)
        if buffer.ended or buffer.stop >= limit:
            return searched, False
        position = searched
        buffer.fill(buffer.stop + 1)
    return buffer.start + match.end(), match[0].count(b"\n") > 1


def _parse_head(buffer: RewindBuffer, start: int, stop: int) -> Head | None:
    first, *lines = buffer.copy(start, stop).split(b"\n")
    fields = parse_fields(lines)
    is_head = RECORD_LINE.fullmatch(first + b"\n") and (b"warc-type" in fields or b"warc-record-id" in fields)
    return Head(start, stop, fields) if is_head else None


def read_head(buffer: RewindBuffer, position: int, limits: ReadLimits) -> Head | None:
    """The record header at `position`; None if it is none, has no end or exceeds the limit. Raises MemberFault."""
    stop, blank = _head_end(buffer, position, position + limits.max_header_bytes)
    return _parse_head(buffer, position, stop) if blank else None


def _header_limit(buffer: RewindBuffer, position: int, limits: ReadLimits) -> int | None:
    """max_header_bytes if the header at `position` is longer than that, else None. Raises MemberFault."""
    limit = position + limits.max_header_bytes
    stop, blank = _head_end(buffer, position, limit)
    return limits.max_header_bytes if not blank and stop == limit - MAX_LINE_BYTES else None


def find_record(buffer: RewindBuffer, position: int, stop: int, limits: ReadLimits, hold: bool = False) -> int | None:
    """Position of the first record in [position, stop) whose header parses. Raises MemberFault.

    hold: keep in the buffer what is passed over.
    """
    searched = position  # a header that starts before this position does not end before it
    while position < stop:
        line = RECORD_LINE.search(buffer.held, position - buffer.start)
        if line is not None:
            start = buffer.start + line.start()
            if start >= stop:
                return None
            searched, blank = _head_end(buffer, max(start, searched), start + limits.max_header_bytes)
            if blank and _parse_head(buffer, start, searched) is not None:
                return start
            # All lines up to the blank one make no header, so any later part of them makes none either.
            position = searched if blank else start + 1
            continue
        if buffer.ended:
            return None
        position = max(position, buffer.stop - MAX_LINE_BYTES)
        if not hold:
            buffer.forget(position)
        buffer.fill(buffer.stop + 1)
    return None


def _follows(buffer: RewindBuffer, position: int) -> tuple[int | None, bool]:
    """Check that a record's block ends at `position`: (where what follows it starts, or None; whether that is certain).

    It is certain if the buffer ends there or another record starts there. If something else follows, it is not: blank
    lines may end a block with junk behind it, or stand within the block; and a wrong length may end among NULs.
    Raises MemberFault.
    """
    if buffer.fill(position + MAX_LINE_BYTES) < position:
        return None, False
    after = skip_padding(buffer, position, position + MAX_PADDING_HELD)
    if RECORD_LINE.match(buffer.held, after - buffer.start):
        return after, True
    if _at_end(buffer, after):
        return after, buffer.held.find(0, position - buffer.start) < 0
    return after if BLANK_LINES.match(buffer.held, position - buffer.start) else None, False


def skip_padding(buffer: RewindBuffer, position: int, stop: int) -> int:
    """Position of the first byte at or after `position` that is no line break and no NUL; one near `stop` if none."""
    while position < stop:
        buffer.fill(position + MAX_LINE_BYTES)
        ahead = buffer.held[position - buffer.start : position - buffer.start + MAX_LINE_BYTES]
        rest = ahead.lstrip(PADDING)
        position += len(ahead) - len(rest)
        if rest or not ahead:
            break
    buffer.fill(position + MAX_LINE_BYTES)
    return position


def _delimit(buffer: RewindBuffer, head: Head, limits: ReadLimits) -> tuple[Record, int | None]:
    """The record of `head` and where to read on; None if the rest of the buffer is given up. Raises MemberFault."""
    start, length = head.stop, head.length
    plain = isinstance(buffer.source, PlainBytes)
    # max_skip_bytes guards against members that inflate without end; a plain file can be read to its end.
    max_bytes = buffer.source.max_position + 1 if plain else limits.max_skip_bytes
    if length is not None and length <= limits.max_record_bytes:
        following, certain = _follows(buffer, start + length)
        if following and (certain or find_record(buffer, start, start + length, limits, hold=True) is None):
            block = buffer.copy(start, start + length)
            return Record(head.start, following, head, block, _at_end(buffer, following)), following
    elif (
        length is not None
        and length <= max_bytes
        and start + length <= buffer.source.max_position
        and buffer.rewinds < MAX_REWINDS
    ):
        buffer.skip(start + length)
        following, _ = _follows(buffer, start + length)
        if following:
            return _too_large(buffer, head, limits, following), following
        buffer.rewind(start)

    # The length is missing or wrong: the record ends where the next one begins, or where the buffer ends.
    limit = start + limits.max_record_bytes
    following = find_record(buffer, start, limit, limits, hold=True)
    if following is None and not buffer.ended:
        following = find_record(buffer, limit - MAX_LINE_BYTES, start + max_bytes, limits)
        return _too_large(buffer, head, limits, following), following
    stop = buffer.stop if following is None else following
    if following is None and length is not None and plain:  # else a cut is a MemberFault
        cut = Record(head.start, stop, head, last=True, fault="record_truncated", detail="the file ends inside it")
        return cut, None
    block = LAST_LINE_BREAKS.sub(b"", buffer.copy(start, stop), count=1)
    return Record(head.start, stop, head, block, _at_end(buffer, stop)), stop


def _too_large(buffer: RewindBuffer, head: Head, limits: ReadLimits, following: int | None) -> Record:
    stop = buffer.stop if following is None else following
    detail = f"over {limits.max_record_bytes} bytes"
    given_up = following is None and not buffer.ended
    detail += "; the rest of its gzip member is not read" if given_up else ""
    size = None if given_up else stop - head.stop
    last, max_bytes = _at_end(buffer, stop), limits.max_record_bytes
    return Record(head.start, stop, head, b"", last, "record_too_large", detail, size, max_bytes, given_up)


def _at_end(buffer: RewindBuffer, position: int) -> bool:
    return buffer.ended and position == buffer.stop


def read_records(buffer: RewindBuffer, position: int, limits: ReadLimits) -> Iterator[Record]:
    """The records at and after `position`, and what lies between them without being a record.

    A damaged or truncated gzip member ends the records with one that has a fault.
    """
    head = None
    try:
        while True:
            padded = position
            position = skip_padding(buffer, padded, padded + MAX_PADDING_HELD)
            buffer.forget(position)
            if buffer.stop == position:
                return
            if position >= padded + MAX_PADDING_HELD:
                continue
            head = read_head(buffer, position, limits)
            if head is None:
                has_record_line = RECORD_LINE.match(buffer.held)
                max_bytes = _header_limit(buffer, position, limits) if has_record_line else None
                stop = find_record(buffer, position + 1, buffer.source.max_position + 1, limits)
                fault = "bad_warc_header" if has_record_line else "junk"
                yield Record(position, buffer.stop if stop is None else stop, fault=fault, threshold=max_bytes)
                following = stop
            else:
                record, following = _delimit(buffer, head, limits)
                yield record
                head = None
            if following is None:
                return
            position = following
    except MemberFault as fault:
        yield Record(position, buffer.stop, head, fault=fault.reason, detail=fault.detail)
