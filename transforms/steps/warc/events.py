"""What one WARC record is to the read stage: a response, a readable record of another kind, or unreadable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from transforms.steps.warc.limits import ReadLimits
from transforms.steps.warc.records import Record
from transforms.steps.warc.response import BadMessage, parse_response

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
LINE_BREAKS_COUNTED = 4
UNSAFE = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Response:
    """One readable `response` record of http or https.

    url: percent-encoded where it held spaces or control characters; it always has a host
    record_id: WARC-Record-ID as written; '' if there is none
    date: WARC-Date as written; '' if there is none
    offset: where the gzip member (or plain record) starts in the file; records of one gzip member share it
    size: bytes of the gzip member if the record is alone in it, else of the inflated (or plain) record
    status: HTTP status code; None if the status line has no number
    content_type: media type in lower case; '' if there is none
    http_charset: charset of the Content-Type header, as written, or None
    payload_type: media type of WARC-Identified-Payload-Type in lower case, or None
    body: without transfer and content encodings
    truncated: None, or what says that the body ends early: the value of WARC-Truncated, else `chunked`,
        `content-length` or the name of a content encoding, else `record` (the record is shorter than its length)
    declared_type: the Content-Type header as given, or None
    reserved: X-Robots-Tag and TDM-Reservation headers as given, a line each; '' if there are none
    location: where a redirect leads to, as given; '' if nowhere
    """

    url: str
    record_id: str
    date: str
    offset: int
    size: int
    status: int | None
    content_type: str
    http_charset: str | None
    payload_type: str | None
    body: bytes
    truncated: str | None
    declared_type: str | None = None
    reserved: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes of the file that gave no response.

    offset: where they start in the file
    size: how many they are, up to the next readable member; in a gzip member of many records, inflated bytes
    reason: gzip_damaged, gzip_truncated, zstd_damaged, zstd_truncated, record_truncated, record_too_large,
        body_too_large, too_many_encodings, too_many_gzip_members, bad_warc_header, bad_http_header,
        bad_content_encoding, bad_url, junk (bytes between members that belong to none), or file_too_short (the file
        ends before the size that it was planned with). Of rows and lines: bad_json, bad_table, no_text. Of what was
        fetched: not_fetched (tried again by the same command), not_found, no_response, other_record, digest_mismatch
    url, record_id: of the record, or None where it could not be read that far
    detail: the fault in words, or None
    value: the size or number that a limit forbade, if it is known
    threshold: the limit that `value` exceeds
    status, declared_type: as of a Response, if the header could be read and the body could not
    """

    offset: int
    size: int
    reason: str
    url: str | None = None
    record_id: str | None = None
    detail: str | None = None
    value: int | None = None
    threshold: int | None = None
    status: int | None = None
    declared_type: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A readable record that is no HTTP response.

    offset: where its gzip member (or plain record) starts in the file
    kind: its WARC-Type; of a response by another protocol, the scheme of its URL (dns, ftp)
    """

    offset: int
    kind: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is there already: a conversion record of a WET file, or a row of a table.

    url: of the page it is from, or "" where none is known
    record_id: its id, or "" if it has none
    date: as written, or ""
    offset: where it is: byte of the record or line, or number of the row
    size: bytes of it in the file
    text: as it is there
    dump: name of the crawl, or None if nothing names it
    language, language_score: as given, or None
    token_count: as given, or None
    title: as given, or None
    kept: values of the other columns that are kept, by their names
    """

    url: str
    record_id: str
    date: str
    offset: int
    size: int
    text: str
    dump: str | None = None
    language: str | None = None
    language_score: float | None = None
    token_count: int | None = None
    title: str | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)


Event = Response | Text | Unreadable | Skipped


def event_of(record: Record, offset: int, size: int, limits: ReadLimits, wanted: str = "response") -> Event:
    """What one record is to the read stage. wanted: the WARC-Type that is read, response or conversion."""
    head = record.head
    fault = record.fault
    if head is None:
        return Unreadable(offset, size, fault, None, None, record.detail, record.value, record.threshold)
    kind = head.get(b"warc-type").lower()
    url = clean_url(head.get(b"warc-target-uri"))
    record_id = head.get(b"warc-record-id")
    unreadable = partial(Unreadable, offset, size, url=url, record_id=record_id)
    if record.broken or record.given_up:  # whatever its type: other records may be lost with it
        return unreadable(reason=fault, detail=record.detail, value=record.value, threshold=record.threshold)
    if not kind:
        return unreadable(reason="bad_warc_header", detail="no WARC-Type")
    if kind != wanted:
        return Skipped(offset, kind)
    scheme = SCHEME.match(url)
    if scheme and scheme[1].lower() not in ("http", "https"):
        return Skipped(offset, scheme[1].lower())
    if url_fault := _url_fault(url):
        return unreadable(reason="bad_url", detail=url_fault)
    if fault:
        return unreadable(reason=fault, detail=record.detail, value=record.value, threshold=record.threshold)
    if kind == "conversion":
        if (length := len(record.block)) > limits.max_body_bytes:
            return unreadable(reason="body_too_large", value=length, threshold=limits.max_body_bytes)
        text = record.block.decode("utf-8", "replace")
        return Text(url, record_id, head.get(b"warc-date"), offset, size, text)
    message = parse_response(record.block, limits)
    if isinstance(message, BadMessage):
        return unreadable(**asdict(message))
    return Response(
        url=url,
        record_id=record_id,
        date=head.get(b"warc-date"),
        offset=offset,
        size=size,
        status=message.status,
        content_type=message.content_type,
        http_charset=message.charset,
        payload_type=head.get(b"warc-identified-payload-type").partition(";")[0].strip().lower() or None,
        body=message.body,
        truncated=head.get(b"warc-truncated").strip() or message.cut or (None if message.whole else _cut(record)),
        declared_type=message.declared_type,
        reserved=message.reserved,
        location=message.location,
    )


def _cut(record: Record) -> str | None:
    """`record` if the record ends before its Content-Length. Some writers count in the line breaks behind it."""
    length = record.head.length if record.head is not None else None
    return "record" if length is not None and length > len(record.block) + LINE_BREAKS_COUNTED else None


def clean_url(value: str) -> str:
    """The URL without wget's <angle brackets>; spaces and control characters percent-encoded."""
    value = value.strip()
    if value.startswith("<") and value.endswith(">"):
        value = value[1:-1].strip()
    return UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", value)


def _url_fault(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises if it is no number
    except ValueError as error:
        return str(error)
    if not parts.scheme:
        return "no scheme"
    return None if parts.hostname else "no host"
