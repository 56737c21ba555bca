"""From a response to a page: only HTTP 200 HTML goes on, decoded to text."""

from __future__ import annotations

import re

from schemas.document import Page
from schemas.verdict import Drop
from transforms.steps.warc.charset import decode_html
from transforms.steps.warc.events import Response

STAGE = "read"
HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
# Types that say nothing, for which browsers look at the bytes (WHATWG MIME sniffing, 7.1 and 5.1).
UNKNOWN_TYPES = frozenset({"", "unknown/unknown", "application/unknown", "*/*", "application/octet-stream"})
# WHATWG MIME sniffing 7.1: a tag from its list, then a space or '>'.
HTML_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<(?:!--|(?:!doctype html|html|head|script|iframe|h1|div|font|table|a"
    rb"|style|title|b|body|br|p|meta|link|main|article|section|nav|header|ul|form)[\s>/])",
    re.IGNORECASE,
)
BINARY_STARTS = (
    *(b"%PDF-", b"%!PS", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"SQLite format 3\0"),  # documents
    *(b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"\0\0\x01\0"),  # images
    *(b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"BZh9", b"\xfd7zXZ\0"),
    *(b"\x28\xb5\x2f\xfd", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\0asm", b"wOFF", b"wOF2"),  # archives, programs, fonts
    *(b"RIFF", b"OggS", b"ID3", b"fLaC", b"\x1aE\xdf\xa3", b"FLV\x01", b"CWS", b"FWS"),  # sound and video
)
CONTROLS = bytes(set(range(32)) - set(b"\t\n\x0b\f\r\x1b"))  # ESC switches character sets in ISO-2022-JP
SAMPLE_CHARS = 1 << 16
MAX_CONTROL_SHARE = 0.02  # of the sample's bytes in UTF-8; text has none, random bytes about a tenth


def page_of(response: Response, warc_file: str) -> Page | Drop:
    """The page, or why there is none: http_status, content_type, empty_body, binary or undecodable."""
    if response.status != 200:
        return Drop(STAGE, "http_status", response.status, 200)
    body = response.body
    kind = response.payload_type or response.content_type
    if kind in UNKNOWN_TYPES and HTML_START.match(body[:2048]):
        kind = "text/html"
    if not body.strip(b"\0\t\n\x0b\f\r "):
        return Drop(STAGE, "empty_body", len(body), 1)
    if kind not in HTML_TYPES:
        return Drop(STAGE, "content_type", detail=kind)
    if body.startswith(BINARY_STARTS) or body[4:8] == b"ftyp":
        return Drop(STAGE, "binary", detail=f"starts with {body[:8]!r}")
    decoded = decode_html(body, response.http_charset)
    if decoded is None:
        return Drop(STAGE, "undecodable", detail=response.http_charset, fate="unreadable")
    html, encoding = decoded
    share = control_share(html)
    if share > MAX_CONTROL_SHARE:
        return Drop(STAGE, "binary", share, MAX_CONTROL_SHARE, detail=f"control characters, as {encoding}")
    if not html.strip():
        return Drop(STAGE, "empty_body", len(body), 1)
    place = (response.record_id, response.date, warc_file, response.offset)
    return Page(response.url, *place, len(body), html, response.reserved)


def control_share(text: str) -> float:
    """Control characters per UTF-8 byte at the start of a text, NULs aside."""
    sample = text[:SAMPLE_CHARS].encode()
    return 1 - len(sample.translate(None, CONTROLS)) / len(sample) if sample else 0.0
