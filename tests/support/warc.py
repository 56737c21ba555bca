"""WARC records as bytes, sound or with whatever is to be wrong in them, and as the reader gives them."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import Any

from transforms.steps.warc.reader import Response


def http(html: str, head: str = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8") -> bytes:
    return head.encode() + b"\r\n\r\n" + html.encode()


def record(
    url: str | None = "http://a.example/",
    block: bytes = b"",
    kind: str = "response",
    length: str | None = None,
    version: str = "WARC/1.0",
    extra: str = "",
    line: str = "\r\n",
    tail: bytes = b"\r\n\r\n",
) -> bytes:
    """length: what Content-Length says, if not the block's. extra: further header lines. line: what ends a line."""
    fields = [version, f"WARC-Type: {kind}", "WARC-Date: 2024-06-15T12:00:00Z", "WARC-Record-ID: <urn:uuid:1>"]
    fields += [f"WARC-Target-URI: {url}"] if url is not None else []
    fields += [f"Content-Length: {len(block) if length is None else length}"] + ([extra] if extra else [])
    return (line.join(fields) + line * 2).encode() + block + tail


def member(data: bytes, level: int = 6) -> bytes:
    return gzip.compress(data, level, mtime=0)


def response(html: str, **changes: Any) -> Response:
    """A response as the reader gives it. changes: fields that differ."""
    body = html.encode()
    whole = Response("https://a.example/", "", "", 0, len(body), 200, "text/html", None, None, body, None)
    return replace(whole, **changes)
