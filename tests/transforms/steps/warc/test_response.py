"""HTTP responses as crawlers store them: odd headers, encodings that are there, and encodings that are only claimed."""

from __future__ import annotations

import time
import zlib
from dataclasses import replace

import pyarrow as pa
import pytest

from support.warc import member
from transforms.steps.warc.limits import ReadLimits
from transforms.steps.warc.response import BadMessage, Message, parse_response

BODY = (
    b"<!DOCTYPE html><html><body>"
    + b"".join(b"<p>line %d of the page</p>\n" % n for n in range(200))
    + b"</body></html>"
)


def parse(block: bytes, most: int = 1 << 20) -> Message | BadMessage:
    return parse_response(block, ReadLimits(max_header_bytes=1 << 21, max_body_bytes=most))


@pytest.mark.parametrize(
    ("head", "status", "content_type", "charset"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n", 200, "text/html", "utf-8"),
        (b"HTTP/1.0 404\r\ncontent-type:text/html\r\n\r\n", 404, "text/html", None),
        (b"HTTP/2 200\r\nCONTENT-TYPE : TEXT/HTML;CHARSET='UTF-8'\r\n\r\n", 200, "text/html", "UTF-8"),
        (b"HTTP/1.1 200 OK\nContent-Type: text/html\nServer: x\n\n", 200, "text/html", None),
        (b"HTTP/1.1 200 OK\r\nX: y\n\r\n", 200, "", None),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\n", 200, "", None),
        (b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200, "", None),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html charset=gbk\r\n\r\n", 200, "text/html", "gbk"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html, text/html\r\n\r\n", 200, "text/html", None),
        (b"HTTP/1.1 200 OK\r\nContent-Type: html\r\n\r\n", 200, "", None),
        (b"ICY 200 OK\r\nContent-Type: text/html\r\n\r\n", 200, "text/html", None),
        (b"HTTP/1.1 abc\r\nContent-Type: text/html\r\n\r\n", None, "text/html", None),
        (b"HTTP/1.1 2000 OK\r\n\r\n", None, "", None),
        (
            b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Type: text/html;\r\n\tcharset=koi8-r\r\n\r\n",
            200,
            "text/html",
            "koi8-r",
        ),
        (b"HTTP/1.1 200 OK\r\nX: a\r\n content-type: image/png\r\nno colon\r\n: none\r\n\r\n", 200, "", None),
        (
            b"HTTP/1.1 200 OK\r\nX\0: caf\xe9\0\r\nContent-Type: text/html\0; charset=utf-8\0\r\n\r\n",
            200,
            "text/html",
            "utf-8",
        ),
        (b"HTTP/1.1 200 OK\r\nX-Crawl-Content-Encoding: gzip\r\nX-Content-Type: a/b\r\n\r\n", 200, "", None),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=a\r\nContent-Type: text/html\r\n\r\n",
            200,
            "text/html",
            None,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=a\r\nContent-Type: nonsense\r\n\r\n",
            200,
            "text/html",
            "a",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=\r\n\r\n", 200, "text/html", None),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\nContent-Type: text/html\r\n\r\n", 200, "text/html", None),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"Content-Type: text/html\r\n\r\n", 200, "text/html", None),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_headers(head: bytes, status: int | None, content_type: str, charset: str | None) -> None:
    message = parse(head + BODY)
    assert isinstance(message, Message)
    assert replace(message, declared_type=None) == Message(status, content_type, charset, BODY)


def test_a_header_without_end_is_all_header() -> None:
    message = parse(b"HTTP/1.1 200 OK\r\nContent-Type: text/html")
    assert message == Message(200, "text/html", None, b"", declared_type="text/html")


@pytest.mark.parametrize(
    ("fields", "declared"),
    [
        ("", None),
        ("Content-Type:", ""),
        ("Content-Type:  Text/HTML; charset=UTF-8 ", "Text/HTML; charset=UTF-8"),
        ("Content-Type: html", "html"),
        ("Content-Type: text/html\r\nContent-Type: nonsense", "text/html"),
        ("Content-Type: nonsense\r\nContent-Type: text/html", "text/html"),
        ("Content-Type: a/b\r\nContent-Type: c/d", "c/d"),
    ],
)
def test_the_declared_type_is_as_given(fields: str, declared: str | None) -> None:
    message = parse(f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode())
    assert isinstance(message, Message) and message.declared_type == declared


@pytest.mark.parametrize(
    "block", [b"", b"\r\n\r\n", b"<html>", b"HTTPS/1 200\r\n\r\n", b"HTTP/1.1 200\r\nX: " + b"y" * (3 << 20)]
)
def test_bad_headers(block: bytes) -> None:
    bad = parse(block)
    assert isinstance(bad, BadMessage) and bad.reason == "bad_http_header"


def chunked(body: bytes, size: int = 700, end: bytes = b"0\r\n\r\n") -> bytes:
    parts = (body[i : i + size] for i in range(0, len(body), size))
    return b"".join(b"%X;ext=1\r\n%s\r\n" % (len(part), part) for part in parts) + end


def deflate(body: bytes, wbits: int) -> bytes:
    packer = zlib.compressobj(wbits=wbits)
    return packer.compress(body) + packer.flush()


def arrow(body: bytes, codec: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(body)
    return sink.getvalue().to_pybytes()


GZIP = member(BODY)
BROTLI = arrow(BODY, "brotli")
ZSTD = arrow(BODY, "zstd")


@pytest.mark.parametrize(
    ("what", "fields", "stored"),
    [
        ("plain", "X: y", BODY),
        ("gzip", "Content-Encoding: gzip", GZIP),
        ("x-gzip, upper case", "CONTENT-ENCODING: X-GZIP", GZIP),
        ("gzip in two members", "Content-Encoding: gzip", member(BODY[:99]) + member(BODY[99:])),
        ("gzip and rubbish", "Content-Encoding: gzip", GZIP + b"rubbish"),
        ("gzip twice, said once", "Content-Encoding: gzip", member(GZIP)),
        ("gzip twice, said twice", "Content-Encoding: gzip, gzip", member(GZIP)),
        ("gzip once, said twice", "Content-Encoding: gzip\r\nContent-Encoding: gzip", GZIP),
        ("deflate", "Content-Encoding: deflate", zlib.compress(BODY)),
        ("raw deflate", "Content-Encoding: deflate", deflate(BODY, -15)),
        ("brotli", "Content-Encoding: br", BROTLI),
        ("zstd", "Content-Encoding: zstd", ZSTD),
        ("brotli in gzip", "Content-Encoding: br, gzip", member(BROTLI)),
        ("identity", "Content-Encoding: identity", BODY),
        ("unknown", "Content-Encoding: utf-8", BODY),
        ("lying gzip", "Content-Encoding: gzip", BODY),
        ("lying deflate", "Content-Encoding: deflate", BODY),
        ("lying brotli", "Content-Encoding: br", BODY),
        ("lying zstd", "Content-Encoding: zstd", BODY),
        ("chunked", "Transfer-Encoding: chunked", chunked(BODY)),
        ("chunked by line feeds", "Transfer-Encoding: chunked", chunked(BODY).replace(b"\r\n", b"\n")),
        ("chunked with a trailer", "Transfer-Encoding: chunked", chunked(BODY, end=b"0\r\nX: y\r\n\r\n")),
        ("chunked gzip", "Transfer-Encoding: chunked\r\nContent-Encoding: gzip", chunked(GZIP, 50)),
        ("chunked brotli", "Content-Encoding: br\r\nTransfer-Encoding: Chunked", chunked(BROTLI, 50)),
        ("lying chunked", "Transfer-Encoding: chunked", BODY),
        ("lying chunked, hex first", "Transfer-Encoding: chunked", b"bad\r\n" + BODY),
        ("Common Crawl's", "X-Crawl-Content-Encoding: gzip\r\nX-Crawl-Transfer-Encoding: chunked", BODY),
    ],
    ids=lambda value: value if isinstance(value, str) and ":" not in value else "",
)
def test_encodings(what: str, fields: str, stored: bytes) -> None:
    message = parse(b"HTTP/1.1 200 OK\r\n" + fields.encode() + b"\r\n\r\n" + stored)
    expected = stored if what == "lying chunked, hex first" else BODY
    assert isinstance(message, Message) and message.body == expected and message.cut is None


@pytest.mark.parametrize(
    ("fields", "stored", "cut"),
    [
        ("Content-Encoding: gzip", GZIP[:-30], "gzip"),
        ("Content-Encoding: gzip", GZIP[:-8] + b"\0" * 8, "gzip"),
        ("Content-Encoding: deflate", zlib.compress(BODY)[:-30], "deflate"),
        ("Content-Encoding: deflate", deflate(BODY, -15)[:-30], "deflate"),
        ("Transfer-Encoding: chunked", chunked(BODY)[:-500], "chunked"),
        ("Transfer-Encoding: chunked", chunked(BODY, end=b""), "chunked"),
    ],
)
def test_what_was_cut_is_kept_and_said(fields: str, stored: bytes, cut: str) -> None:
    message = parse(b"HTTP/1.1 200 OK\r\n" + fields.encode() + b"\r\n\r\n" + stored)
    assert isinstance(message, Message) and message.cut == cut
    assert BODY.startswith(message.body) and len(message.body) > 100


@pytest.mark.parametrize(
    ("encoding", "stored"), [("br", BROTLI[:20]), ("br", b"\xff" * 50), ("zstd", ZSTD[:20]), ("gzip", GZIP[:10])]
)
def test_what_gives_nothing_is_unreadable(encoding: str, stored: bytes) -> None:
    bad = parse(b"HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding.encode() + b"\r\n\r\n" + stored)
    assert bad == BadMessage("bad_content_encoding", encoding, status=200)


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "deflate", "raw", "br", "zstd", "identity", "chunked"])
def test_bombs_are_cut_off_early(encoding: str) -> None:
    zeros = bytes(100 << 20)
    stored = {
        "gzip": lambda: member(zeros, 1),
        "gzip, gzip": lambda: member(member(zeros, 1)),
        "deflate": lambda: zlib.compress(zeros, 1),
        "raw": lambda: deflate(zeros, -15),
        "br": lambda: arrow(zeros, "brotli"),
        "zstd": lambda: arrow(zeros, "zstd"),
        "identity": lambda: zeros[: 1 << 21],
        "chunked": lambda: chunked(zeros[: 1 << 21]),
    }[encoding]()
    field = (
        "Transfer-Encoding: chunked"
        if encoding == "chunked"
        else f"Content-Encoding: {encoding.replace('raw', 'deflate')}"
    )
    started = time.process_time()
    bad = parse(f"HTTP/1.1 200 OK\r\n{field}\r\n\r\n".encode() + stored)
    size = len(stored) if encoding == "identity" else None
    assert isinstance(bad, BadMessage)
    assert (bad.reason, bad.detail, bad.threshold, bad.status) == ("body_too_large", "over 1048576 bytes", 1 << 20, 200)
    assert size is None or bad.value == size
    assert time.process_time() - started < 1


def nested(layers: int) -> bytes:
    body = BODY
    for _ in range(layers):
        body = member(body)
    return body


@pytest.mark.parametrize(
    ("fields", "stored", "reason", "value", "threshold"),
    [
        ("gzip, gzip, gzip, gzip", nested(4), None, None, None),
        ("gzip", nested(4), None, None, None),
        ("gzip, utf-8, identity, x, y, z", nested(1), None, None, None),  # words that are no encoding don't count
        ("gzip, gzip, gzip, gzip, gzip", nested(5), "too_many_encodings", 5, 4),
        ("gzip, x-gzip, br, deflate, zstd, gzip", BODY, "too_many_encodings", 6, 4),
        ("gzip", nested(5), "too_many_encodings", None, 4),
        ("gzip", member(BODY) + 999 * member(b"x"), None, None, None),
        ("gzip", member(BODY) + 1000 * member(b"x"), "too_many_gzip_members", None, 1000),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_limits_of_encodings(
    fields: str, stored: bytes, reason: str | None, value: int | None, threshold: int | None
) -> None:
    message = parse(f"HTTP/1.1 404 OK\r\nContent-Type: a/b\r\nContent-Encoding: {fields}\r\n\r\n".encode() + stored)
    if isinstance(message, Message):
        assert reason is None and message.body.rstrip(b"x") == BODY and message.cut is None
    else:
        assert (message.reason, message.value, message.threshold) == (reason, value, threshold)
        assert (message.status, message.declared_type) == (404, "a/b")
