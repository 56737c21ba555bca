"""Reading WARC files in pieces: byte ranges, records, and what the read stage makes of a record.

A damaged member costs its own record only; everything that could not be read is returned with its reason. Where a
record truly starts is told by the bytes: a gzip member (or a position in a plain file) that begins with a WARC header.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from transforms.steps.warc.bytes import (
    GZIP,
    PADDING,
    Codec,
    FileBlocks,
    MemberFault,
    PlainBytes,
    RewindBuffer,
    find_member,
    open_member,
)
from transforms.steps.warc.events import Event, Response, Skipped, Text, Unreadable, event_of
from transforms.steps.warc.html_pages import page_of
from transforms.steps.warc.limits import ReadLimits
from transforms.steps.warc.records import RECORD_LINE, find_record, read_head, read_records
from transforms.steps.warc.zstd import is_zstd, zstd_codec

__all__ = [
    "Event",
    "ReadLimits",
    "Response",
    "Skipped",
    "Text",
    "Unit",
    "Unreadable",
    "kinds_text",
    "page_of",
    "read_record_at",
    "read_unit",
    "read_warcinfo",
    "sniff",
    "split_units",
]

SNIFF_BYTES = 4 << 20
SNIFF_RECORDS = 200  # looked at before a file is taken to be all of other records than responses
DERIVED = {"conversion": "WET", "metadata": "WAT"}  # files that Common Crawl makes of WARC files, by their records
ARC_LINE = re.compile(rb"filedesc://|(?:https?|dns|ftp):\S+ [\d.]+ \d{14} \S+ -?\w+\r?\n")
NOT_WARC = {
    b"\x28\xb5\x2f\xfd": "Zstandard data",
    b"BZh": "bzip2 data",
    b"\xfd7zXZ": "xz data",
    b"PK\x03\x04": "a ZIP archive",
    b"PAR1": "a Parquet file",
}


@dataclass(frozen=True, slots=True)
class Unit:
    """The members of one WARC file that start in [start, end).

    path: of the file
    size: bytes of the whole file
    start, end: bytes of the file
    """

    path: str
    size: int
    start: int
    end: int


def split_units(path: str, size: int, unit_bytes: int) -> list[Unit]:
    """Cut a file of `size` bytes into equal units of at most `unit_bytes`: a function of the input alone."""
    count = -(-size // unit_bytes)
    edges = [size * i // count for i in range(count + 1)] if count else []
    return [Unit(path, size, start, end) for start, end in pairwise(edges)]


def read_unit(
    stream: BinaryIO,
    unit: Unit,
    limits: ReadLimits = ReadLimits(),  # noqa: B008  frozen
    on_progress: Callable[[int], None] | None = None,
    wanted: str = "response",
) -> Iterator[Event]:
    """Everything in the members that start in the unit's range, in the order of the file; the last may end behind it.

    Damage and junk belong to the unit of the member before it, so that any way of cutting a file into units gives the
    same events. Reading starts up to `limits.lookback_bytes` before the range: a member whose body holds another
    WARC file is then seen as a whole, and the inner file's members are not taken for true ones.

    stream: seekable, of `unit.size` bytes. on_progress: called with the file position reached, once per event.
    wanted: the WARC-Type that is read: response, or in a WET file conversion.
    """
    file = FileBlocks(stream, unit.size)
    first = max(0, unit.start - limits.lookback_bytes)
    codec = _codec_of(file)
    owned = first == unit.start == 0
    steps = (
        _read_plain(file, first, limits, wanted) if codec is None else _read_members(file, first, limits, wanted, codec)
    )
    for step in steps:
        if step.is_start:
            if step.offset >= unit.end:
                return
            owned = step.offset >= unit.start
        if owned and step.event is not None:
            yield step.event
            if on_progress is not None:
                on_progress(step.reached)


class ReadStep(NamedTuple):
    """What the two readers yield.

    offset: where a member, a plain record, or bytes that belong to none start in the file
    is_start: whether a member or plain record starts there
    event: what was read; None if there is nothing to tell
    reached: file position up to which was read
    """

    offset: int
    is_start: bool
    event: Event | None
    reached: int


def _read_members(file: FileBlocks, position: int, limits: ReadLimits, wanted: str, codec: Codec) -> Iterator[ReadStep]:
    """The records of all members at and after `position`."""
    while position < file.size:
        buffer = open_member(file, position, codec)
        if buffer is None:
            following = _next_member(file, position + 1, codec)
            yield ReadStep(position, False, _check_junk(file, position, following, codec), following)
            position = following
            continue
        member = buffer.source
        yield ReadStep(position, True, None, position)
        alone = True
        for record in read_records(buffer, 0, limits):
            size = record.stop - record.start
            reached = member.end or position
            if record.broken or record.given_up:
                reached = _next_member(file, position + 1, codec)
                size = reached - position
            if record.broken:
                record = replace(record, fault=_damage_fault(record.fault, reached < file.size))
            elif alone and record.last and member.end and not record.given_up:
                size = member.end - position
            yield ReadStep(position, False, event_of(record, position, size, limits, wanted), reached)
            alone = False
        position = member.end or _next_member(file, position + 1, codec)


def _next_member(file: FileBlocks, position: int, codec: Codec) -> int:
    offset = find_member(file, position, file.size, codec)
    return file.size if offset is None else offset


def _damage_fault(fault: str, followed: bool) -> str:
    """The fault of a member that ends too early: cut by the file's end (`fault`) only if no other member follows."""
    return fault.replace("_truncated", "_damaged") if followed else fault


def _check_junk(file: FileBlocks, start: int, stop: int, codec: Codec) -> Unreadable | None:
    """What [start, stop), which has no record, holds; None if it is only padding or an empty member."""
    start = codec.passed(file, start)
    if codec.magic.match(file.at(start, 4)):
        buffer = RewindBuffer(codec.member(file, start))
        try:
            empty = buffer.fill(1) == 0
        except MemberFault as fault:
            return Unreadable(start, stop - start, _damage_fault(fault.reason, stop < file.size), detail=fault.detail)
        if empty and buffer.source.end == stop:
            return None
        return Unreadable(start, stop - start, "junk", detail=f"a {codec.name} member that holds no WARC record")
    return _check_padding(file, start, stop)


def _check_padding(file: FileBlocks, start: int, stop: int) -> Unreadable | None:
    """What [start, stop), which has no gzip member and no record, holds; None if it is only padding."""
    position = start
    while position < stop:
        block = bytes(file.at(position, min(1 << 16, stop - position)))
        if not block:  # the file shrank, or is shorter than planned
            return Unreadable(start, stop - start, "file_too_short", value=position, threshold=file.size)
        if block.strip(PADDING):
            return Unreadable(start, stop - start, "junk")
        position += len(block)
    return None


def _read_plain(file: FileBlocks, position: int, limits: ReadLimits, wanted: str) -> Iterator[ReadStep]:
    """The records of a plain file at and after `position`."""
    buffer = RewindBuffer(PlainBytes(file), position)
    if position > 0:
        first = find_record(buffer, position, file.size, limits)
        if first is None:
            return
        position = first
    for record in read_records(buffer, position, limits):
        event = event_of(record, record.start, record.stop - record.start, limits, wanted)
        position = record.stop
        yield ReadStep(record.start, record.head is not None, event, position)
    yield ReadStep(position, False, _check_padding(file, position, file.size), file.size)


def _codec_of(file: FileBlocks) -> Codec | None:
    """How the file's members are compressed, whatever its name, or None for a plain file.

    Decided by the first readable record header; zstd by the file's first bytes.
    """
    if is_zstd(file):
        return zstd_codec(file)
    buffer = RewindBuffer(PlainBytes(file))
    if RECORD_LINE.match(file.at(0, 64)) and read_head(buffer, 0, ReadLimits()) is not None:
        return None
    gzipped = bool(GZIP.magic.match(file.at(0, 4)))
    member = find_member(file, 0, SNIFF_BYTES)
    if gzipped and member is not None:  # plain text before that member may be a damaged member's uncompressed blocks
        return GZIP
    plain = find_record(buffer, 0, SNIFF_BYTES if member is None else member, ReadLimits())
    return GZIP if plain is None and (gzipped or member is not None) else None


def read_record_at(
    stream: BinaryIO,
    size: int,
    offset: int,
    limits: ReadLimits = ReadLimits(),  # noqa: B008  frozen
) -> Event:
    """The first record of the member, or the plain record, that starts at `offset` of a file of `size` bytes."""
    file = FileBlocks(stream, size)
    if 0 <= offset < size:
        if is_zstd(file):
            steps = _read_members(file, offset, limits, "response", zstd_codec(file))
        elif GZIP.magic.match(file.at(offset, 4)):
            steps = _read_members(file, offset, limits, "response", GZIP)
        else:
            steps = _read_plain(file, offset, limits, "response")
        first = next((step for step in steps if step.event is not None), None)
        if first is not None and first.offset == offset and first.event is not None:
            return first.event
    return Unreadable(offset, 0, "junk", detail="no WARC record starts here")


def read_warcinfo(stream: BinaryIO, path: str, size: int) -> dict[str, str]:
    """The fields (software, isPartOf, …) of the warcinfo record that the file at `path` starts with; {} if none."""
    file = FileBlocks(stream, size)
    codec = zstd_codec(file) if is_zstd(file) else GZIP
    buffer = open_member(file, codec.passed(file, 0), codec) or RewindBuffer(PlainBytes(file))
    record = next(read_records(buffer, 0, ReadLimits()), None)
    if record is None or record.head is None or record.head.get(b"warc-type").lower() != "warcinfo":
        return {}
    lines = record.block.decode("utf-8", "replace").replace("\0", "").splitlines()
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


class Found(NamedTuple):
    """What a file is.

    kind: warc, or wet for one whose texts are conversion records
    problem: why nothing can be read from it, as the end of a sentence that begins with its name: "is empty",
        "is an ARC file, not WARC", …; None where a WARC record starts in the first 4 MiB, even a damaged one (the
        ledger will name the damage)
    """

    kind: str
    problem: str | None = None


def sniff(stream: BinaryIO, size: int) -> Found:
    """What the file is, by its first 4 MiB."""
    if size == 0:
        return Found("warc", "is empty")
    file = FileBlocks(stream, size)
    codec = zstd_codec(file) if is_zstd(file) else GZIP
    if find_member(file, 0, SNIFF_BYTES, codec) is not None:
        return _kind_of_records(stream, size)
    buffer = RewindBuffer(PlainBytes(file))
    if codec is GZIP and find_record(buffer, 0, SNIFF_BYTES, ReadLimits()) is not None:
        return _kind_of_records(stream, size)
    return Found("warc", _describe(file))


def _kind_of_records(stream: BinaryIO, size: int) -> Found:
    """What a WARC file is by its first records.

    A file that goes on behind the records looked at is taken for WET or WAT only by records of these kinds, which
    Common Crawl keeps in files of their own.
    """
    kinds: Counter[str] = Counter()
    ended = True
    for event in read_unit(stream, Unit("", size, 0, size)):
        if not isinstance(event, Skipped):
            return Found("warc")
        kinds[event.kind] += 1
        if kinds.total() == SNIFF_RECORDS:
            ended = False
            break
    others = kinds.keys() - {"warcinfo"}
    if not others or (not ended and not others <= {"conversion", "metadata"}):
        return Found("warc")
    if others == {"conversion"}:
        return Found("wet")
    return Found("warc", f"holds no HTTP responses, {kinds_text(kinds)}")


def kinds_text(kinds: Mapping[str, int]) -> str:
    """What records there are in place of responses, as the end of a sentence."""
    counted = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    what = next((f" (it is a {name} file)" for kind, name in DERIVED.items() if kind in kinds), "")
    if "conversion" not in kinds and kinds.keys() & {"request", "revisit", "resource", "dns"}:
        what = ""
    return f"but {counted or 'no'} records{what}"


def _describe(file: FileBlocks) -> str:
    """What a file that is no WARC file looks like."""
    head = bytes(file.at(0, 256))
    for magic, name in NOT_WARC.items():
        if head.startswith(magic):
            return f"is {name}, not WARC"
    gzipped = bool(GZIP.magic.match(head))
    if gzipped:
        buffer = RewindBuffer(GZIP.member(file, 0))
        try:
            buffer.fill(256)
        except MemberFault:
            return "is not a WARC file (starts like gzip, but can't be inflated)"
        head = bytes(buffer.held[:256])
    if ARC_LINE.match(head):
        return "is an ARC file, not WARC"
    return f"is not a WARC file (starts with {head[:24]!r}{', gzipped' if gzipped else ''})"
