"""A web page on its way in: one HTTP 200 HTML response, decoded to text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """One HTML page as read from a WARC file.

    record_id: WARC-Record-ID as written, `<urn:uuid:…>`; empty if the record has none.
    date: WARC-Date as written (ISO 8601, UTC).
    warc_offset: byte offset in the WARC file of the gzip member (or plain record) that holds the record.
    size: bytes of the HTTP body after transfer and content decoding.
    html: the body decoded to text.
    """

    url: str
    record_id: str
    date: str
    warc_file: str
    warc_offset: int
    size: int
    html: str
