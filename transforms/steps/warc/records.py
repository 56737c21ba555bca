"""Where one WARC record ends and the next begins, for headers and lengths that may lie.

Positions are those of the tape: offsets in a plain file, inflated bytes in a gzip member.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from transforms.steps.warc.bytes import PADDING, GzipFault, PlainBytes, Tape
from transforms.steps.warc.limits import ReadLimits

# `\r*` because real files hold `WARC/1.0\r\r\n`.
RECORD_LINE = re.compile(rb"WARC/\d+\.\d+[ \t\r]*\n")
HEAD_END = re.compile(rb"\n(?:\r*\n|(?=WARC/\d+\.\d+[ \t\r]*\n))")
BLANK_LINES = re.compile(rb"\r*\n\r*\n")
LAST_LINE_BREAKS = re.compile(rb"(?:\r?\n){1,2}\Z")  # what separates a block from the next record
REWINDS_MOST = 8  # on one tape, for large records whose length lied; then such lengths are believed no more
PADDING_HELD = 1 << 16  # bytes of padding passed over at once
LINE_MOST = 64  # bytes of a record's first line, for searches across what was read so far


@dataclass(frozen=True, slots=True)
class Head:
    """A record's header: its bytes at [start, stop), field names in lower case."""

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
    """One record, or a stretch that is none (head None), at tape positions [start, stop).

    block: what follows the header, e.g. an HTTP message. Empty if there is a fault.
    last: nothing follows it on the tape.
    fault: '', junk, bad_warc_header, record_too_large, record_truncated, gzip_damaged or gzip_truncated.
    value, threshold: the size that a limit forbade, if it is known, and the limit.
    given_up: what follows on the tape is not read, because it lies too far.
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
        """Whether its bytes end before the record does, so that nothing can be said to follow it."""
        return self.fault in ("gzip_damaged", "gzip_truncated", "record_truncated")


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


def _head_end(tape: Tape, position: int, limit: int) -> tuple[int, bool]:
    """Where the search for a header's blank line, from `position` on, ended; whether there is one. Raises GzipFault.

    It ends without one at `limit`, at the tape's end, and at another record's first line: a header that lost its end
    must not swallow the next record's.
    """
    while (found := HEAD_END.search(tape.held, position - tape.start, limit - tape.start)) is None:
        searched = max(position, min(tape.stop, limit) - LINE_MOST)
        if tape.ended or tape.stop >= limit:
            return searched, False
        position = searched
        tape.fill(tape.stop + 1)
    return tape.start + found.end(), found[0].count(b"\n") > 1


def _parse_head(tape: Tape, start: int, stop: int) -> Head | None:
    first, *lines = tape.copy(start, stop).split(b"\n")
    fields = parse_fields(lines)
    sound = RECORD_LINE.fullmatch(first + b"\n") and (b"warc-type" in fields or b"warc-record-id" in fields)
    return Head(start, stop, fields) if sound else None


def read_head(tape: Tape, position: int, limits: ReadLimits) -> Head | None:
    """The record header at `position`; None if it is none, has no end or exceeds the limit. Raises GzipFault."""
    stop, blank = _head_end(tape, position, position + limits.max_header_bytes)
    return _parse_head(tape, position, stop) if blank else None


def _header_limit(tape: Tape, position: int, limits: ReadLimits) -> int | None:
    """The limit, if what starts at `position` like a header is none because it goes beyond. Raises GzipFault."""
    limit = position + limits.max_header_bytes
    stop, blank = _head_end(tape, position, limit)
    return limits.max_header_bytes if not blank and stop == limit - LINE_MOST else None


def find_record(tape: Tape, position: int, stop: int, limits: ReadLimits, hold: bool = False) -> int | None:
    """Position of the first record in [position, stop) whose header parses. Raises GzipFault.

    hold: keep what is passed over on the tape.
    """
    searched = position  # no header that starts before ends before
    while position < stop:
        line = RECORD_LINE.search(tape.held, position - tape.start)
        if line is not None:
            found = tape.start + line.start()
            if found >= stop:
                return None
            searched, blank = _head_end(tape, max(found, searched), found + limits.max_header_bytes)
            if blank and _parse_head(tape, found, searched) is not None:
                return found
            # With all lines up to the blank one it is no header, so with fewer it is none either.
            position = searched if blank else found + 1
            continue
        if tape.ended:
            return None
        position = max(position, tape.stop - LINE_MOST)
        if not hold:
            tape.forget(position)
        tape.fill(tape.stop + 1)
    return None


def _follows(tape: Tape, position: int) -> tuple[int | None, bool]:
    """Where what follows a record starts, if its block ends at `position` (else None); whether that is certain.

    It is where the tape ends or another record starts. Before something else, blank lines may end a block, with junk
    behind it, or stand in it; and a length that lies may end in a stretch of NULs. Raises GzipFault.
    """
    if tape.fill(position + LINE_MOST) < position:
        return None, False
    after = skip_padding(tape, position, position + PADDING_HELD)
    if RECORD_LINE.match(tape.held, after - tape.start):
        return after, True
    if _at_end(tape, after):
        return after, tape.held.find(0, position - tape.start) < 0
    return after if BLANK_LINES.match(tape.held, position - tape.start) else None, False


def skip_padding(tape: Tape, position: int, stop: int) -> int:
    """Position of the first byte at or after `position` that is no line break and no NUL, or about `stop`."""
    while position < stop:
        tape.fill(position + LINE_MOST)
        ahead = tape.held[position - tape.start : position - tape.start + LINE_MOST]
        rest = ahead.lstrip(PADDING)
        position += len(ahead) - len(rest)
        if rest or not ahead:
            break
    tape.fill(position + LINE_MOST)
    return position


def _delimit(tape: Tape, head: Head, limits: ReadLimits) -> tuple[Record, int | None]:
    """The record of `head` and where to read on, None if the rest of the tape is given up. Raises GzipFault."""
    start, length = head.stop, head.length
    plain = isinstance(tape.source, PlainBytes)
    # A plain file is as large as it is, so there passing over a record costs no more than reading on.
    most = tape.source.most + 1 if plain else limits.max_skip_bytes
    if length is not None and length <= limits.max_record_bytes:
        following, certain = _follows(tape, start + length)
        if following and (certain or find_record(tape, start, start + length, limits, hold=True) is None):
            block = tape.copy(start, start + length)
            return Record(head.start, following, head, block, _at_end(tape, following)), following
    elif length is not None and length <= most and start + length <= tape.source.most and tape.rewinds < REWINDS_MOST:
        tape.skip(start + length)
        following, _ = _follows(tape, start + length)
        if following:
            return _too_large(tape, head, limits, following), following
        tape.rewind(start)

    # The length is missing, or lies: the record ends where the next one begins, or where the tape ends.
    limit = start + limits.max_record_bytes
    following = find_record(tape, start, limit, limits, hold=True)
    if following is None and not tape.ended:
        following = find_record(tape, limit - LINE_MOST, start + most, limits)
        return _too_large(tape, head, limits, following), following
    stop = tape.stop if following is None else following
    if following is None and length is not None and plain:  # else a cut is a GzipFault
        cut = Record(head.start, stop, head, last=True, fault="record_truncated", detail="the file ends inside it")
        return cut, None
    block = LAST_LINE_BREAKS.sub(b"", tape.copy(start, stop), count=1)
    return Record(head.start, stop, head, block, _at_end(tape, stop)), stop


def _too_large(tape: Tape, head: Head, limits: ReadLimits, following: int | None) -> Record:
    stop = tape.stop if following is None else following
    detail = f"over {limits.max_record_bytes} bytes"
    given_up = following is None and not tape.ended
    detail += "; the rest of its gzip member is not read" if given_up else ""
    size = None if given_up else stop - head.stop
    last, most = _at_end(tape, stop), limits.max_record_bytes
    return Record(head.start, stop, head, b"", last, "record_too_large", detail, size, most, given_up)


def _at_end(tape: Tape, position: int) -> bool:
    return tape.ended and position == tape.stop


def read_records(tape: Tape, position: int, limits: ReadLimits) -> Iterator[Record]:
    """The records at and after `position`, with the stretches between them that are none.

    A damaged or truncated gzip member ends it with one record that has a fault.
    """
    head = None
    try:
        while True:
            padded = position
            position = skip_padding(tape, padded, padded + PADDING_HELD)
            tape.forget(position)
            if tape.stop == position:
                return
            if position >= padded + PADDING_HELD:
                continue
            head = read_head(tape, position, limits)
            if head is None:
                looks = RECORD_LINE.match(tape.held)
                most = _header_limit(tape, position, limits) if looks else None
                stop = find_record(tape, position + 1, tape.source.most + 1, limits)
                fault = "bad_warc_header" if looks else "junk"
                yield Record(position, tape.stop if stop is None else stop, fault=fault, threshold=most)
                following = stop
            else:
                record, following = _delimit(tape, head, limits)
                yield record
                head = None
            if following is None:
                return
            position = following
    except GzipFault as fault:
        yield Record(position, tape.stop, head, fault=fault.reason, detail=fault.detail)
