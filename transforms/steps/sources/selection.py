"""A selection: records of a crawl by file, offset and length, and their bytes fetched by ranges and checked."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pyarrow as pa

from transforms.steps.fetch.faults import Changed, HostDown, NotFetched
from transforms.steps.fetch.files import RemoteFile, open_input
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.warc.events import Event, Response, Skipped, Unreadable, clean_url
from transforms.steps.warc.limits import ReadLimits
from transforms.steps.warc.reader import read_record_at

# The columns that say where a record is, called as in Common Crawl's columnar index.
PLACE = ("warc_filename", "warc_record_offset", "warc_record_length")
SELECTION_SCHEMA = pa.schema(
    [
        ("url", pa.string()),
        ("url_host_name", pa.string()),
        ("fetch_time", pa.timestamp("ms", tz="UTC")),
        ("fetch_status", pa.int16()),
        ("content_digest", pa.string()),
        ("content_mime_detected", pa.string()),
        ("content_languages", pa.string()),
        ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int64()),
        ("warc_record_length", pa.int64()),
    ]
)
CRAWL_KEY = b"bateia.crawl"  # metadata of a selection's schema: the crawl that it is of
GAP_BYTES = 1 << 20  # between records that one request fetches; a request costs more than so many bytes
MAX_RANGE_BYTES = 16 << 20  # of one request, held in memory
MAX_RECORD_BYTES = 256 << 20  # of one record, held in memory; Common Crawl's are of 1 or 5 MiB at most before gzip
MAX_RANGES = 256  # requests of a unit: what is lost when a worker dies
NOT_FETCHED, NOT_FOUND = "not_fetched", "not_found"  # reasons in the ledger; the first is tried again


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record of a selection. digest: SHA-1 of its payload in base32, or None."""

    file: str
    offset: int
    length: int
    url: str | None = None
    digest: str | None = None

    @property
    def stop(self) -> int:
        return self.offset + self.length


def wanted_of(row: dict[str, Any]) -> Wanted:
    return Wanted(
        row["warc_filename"],
        row["warc_record_offset"],
        row["warc_record_length"],
        row.get("url"),
        row.get("content_digest"),
    )


def fault_in(table: pa.Table) -> str | None:
    """What in a table keeps it from being a selection, as the end of a sentence that begins with its name; or None."""
    import pyarrow.compute as pc  # 9 MiB: for those who have a selection

    file, offset, length = (table[name] for name in PLACE)
    if not (pa.types.is_string(file.type) or pa.types.is_large_string(file.type)):
        return f"is a selection whose {PLACE[0]} is of type {file.type}; give names of WARC files in a crawl"
    for name, numbers, least, most in ((PLACE[1], offset, 0, 1 << 62), (PLACE[2], length, 1, MAX_RECORD_BYTES)):
        if not pa.types.is_integer(numbers.type):
            return f"is a selection whose {name} is of type {numbers.type}; give whole numbers"
        edges = pc.call_function("min_max", [numbers])
        if numbers.null_count or not (least <= edges["min"].as_py() and edges["max"].as_py() <= most):
            return f"is a selection in which a {name} is none; give numbers from {least} to {most:,}"
    names = file.unique().to_pylist()
    if any(name is None or "://" in name or name.startswith("/") or ".." in name.split("/") for name in names):
        return f"is a selection in which a {PLACE[0]} is no path in a crawl, such as crawl-data/…/x.warc.gz"
    return None


def ranges_of(records: Sequence[Wanted]) -> list[list[Wanted]]:
    """Records in their order, those together that one request fetches: neighbours in it that are so in their file."""
    ranges: list[list[Wanted]] = []
    start = stop = 0  # of the last range
    for record in records:
        held = ranges[-1] if ranges else []
        near = held and held[-1].file == record.file and start <= record.offset < stop + GAP_BYTES
        if near and record.stop - start <= MAX_RANGE_BYTES:
            held.append(record)
            stop = max(stop, record.stop)
        else:
            ranges.append([record])
            start, stop = record.offset, record.stop
    return ranges


def stop_of(group: Sequence[Wanted]) -> int:
    return max(record.stop for record in group)


def spans_of(records: Sequence[Wanted], span_bytes: int) -> list[tuple[int, int]]:
    """Records [first, last) that are one unit of work: up to `span_bytes` and MAX_RANGES requests."""
    spans: list[tuple[int, int]] = []
    first = row = held = requests = 0
    for group in ranges_of(records):
        size = stop_of(group) - group[0].offset
        if requests and (held + size > span_bytes or requests == MAX_RANGES):
            spans.append((first, row))
            first, held, requests = row, 0, 0
        held, requests, row = held + size, requests + 1, row + len(group)
    return [*spans, (first, row)] if row > first else spans


class Found(NamedTuple):
    """A record of a selection as it was found. file: the WARC file's name in the crawl."""

    file: str
    event: Event


def read_selected(
    records: Sequence[Wanted],
    address: Callable[[str], str],
    settings: FetchSettings,
    limits: ReadLimits,
) -> Iterator[Found]:
    """The records, in their order; one that could not be had is Unreadable with the reason.

    address: from a WARC file's name in the crawl to where it lies.
    Raises Changed and HostDown.
    """
    for group in ranges_of(records):
        start, stop = group[0].offset, stop_of(group)
        try:
            data = fetch_range(address(group[0].file), start, stop, settings)
        except (Changed, HostDown):
            raise
        except (NotFetched, FileNotFoundError) as fault:
            passing = isinstance(fault, NotFetched) and not fault.lasting
            reason = NOT_FETCHED if passing else NOT_FOUND
            what = fault.what if isinstance(fault, NotFetched) else "there is no such file"
            for record in group:
                yield Found(record.file, Unreadable(record.offset, record.length, reason, record.url, detail=what))
            continue
        for record in group:
            yield Found(record.file, check_record(record, data[record.offset - start : record.stop - start], limits))


def fetch_range(address: str, start: int, stop: int, settings: FetchSettings) -> bytes:
    with open_input(address, settings, checked=True) as file:
        if isinstance(file, RemoteFile):
            file.hold(start, stop)
        file.seek(start)
        held = bytearray()
        while len(held) < stop - start and (piece := file.read(stop - start - len(held))):
            held += piece
        return bytes(held)


def check_record(wanted: Wanted, data: bytes, limits: ReadLimits) -> Event:
    """The record that these bytes are, or why they are not the one that the selection means."""
    if len(data) < wanted.length:
        return Unreadable(
            wanted.offset, len(data), "file_too_short", wanted.url, value=len(data), threshold=wanted.length
        )
    event = read_record_at(io.BytesIO(data), len(data), 0, limits)
    if isinstance(event, Skipped):
        detail = f"a {event.kind} record"
        return Unreadable(wanted.offset, wanted.length, "no_response", wanted.url, detail=detail)
    event = replace(event, offset=wanted.offset, size=wanted.length)
    if isinstance(event, Unreadable):
        return replace(event, url=event.url or wanted.url) if event.url is None else event
    if not isinstance(event, Response):
        return event
    if wanted.url and event.url != clean_url(wanted.url):
        detail = f"it is of {event.url[:200]}"
        return Unreadable(wanted.offset, wanted.length, "other_record", wanted.url, detail=detail)
    if wanted.digest and not has_digest(event, data, wanted.digest):
        detail = f"its payload is not of digest {wanted.digest[:64]}"
        return Unreadable(wanted.offset, wanted.length, "digest_mismatch", wanted.url, event.record_id, detail)
    return event


def has_digest(response: Response, data: bytes, digest: str) -> bool:
    """Whether the payload has the SHA-1: decoded, as Common Crawl stores it, or as it came from the server."""
    expected = digest.rpartition(":")[2].upper()
    if base32_sha1(response.body) == expected:
        return True
    from transforms.steps.warc.bytes import GZIP_MAGIC

    if GZIP_MAGIC.match(data):
        import zlib

        data = zlib.decompressobj(wbits=31).decompress(data, 64 << 20)
    block = data.partition(b"\r\n\r\n")[2]
    payload = block.partition(b"\r\n\r\n")[2]
    return any(base32_sha1(one) == expected for one in (payload, payload.removesuffix(b"\r\n\r\n")))


def base32_sha1(data: bytes) -> str:
    return base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
