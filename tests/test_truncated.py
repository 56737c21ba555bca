"""Bodies that end early are kept as far as they go, and the ledger says so; what is whole is not called cut."""

from __future__ import annotations

import gzip
import zlib
from io import BytesIO
from pathlib import Path

import pytest

import support.warc
from support.command import Call
from support.outputs import rows_of
from transforms.steps.warc.reader import Response, Unit, read_unit

PROSE = b"".join(b"Grain %d stays behind in the pan, for it is heavy. " % n for n in range(80))
PAGE = b"<html><body><article><p>" + PROSE + b"</p></article></body></html>"
HALF = PAGE[: len(PAGE) // 2]
PACKED = gzip.compress(PAGE, mtime=0)
CHUNKS = b"%x\r\n%s\r\n" % (len(HALF), HALF)
LENGTH = b"Content-Length: %d\r\n"


def record(http: bytes, body: bytes, warc: bytes = b"", more: int = 0, status: bytes = b"200 OK") -> bytes:
    """more: by how much the record's Content-Length is over."""
    block = b"HTTP/1.1 " + status + b"\r\nContent-Type: text/html\r\n" + http + b"\r\n" + body
    url = f"https://a.example/{zlib.crc32(block + warc)}"
    extra = warc.decode().removesuffix("\r\n")
    return support.warc.member(support.warc.record(url, block, length=str(len(block) + more), extra=extra))


CASES: dict[str, tuple[bytes, str | None]] = {
    "whole": (record(LENGTH % len(PAGE), PAGE), None),
    "no length": (record(b"", PAGE), None),
    "a length too small": (record(LENGTH % 5, PAGE), None),
    "a length that is no number": (record(b"Content-Length: -1\r\n", PAGE), None),
    "an endless length": (record(b"Content-Length: " + b"9" * 400 + b"\r\n", PAGE), None),
    "no body by its status": (record(LENGTH % 99, b"", status=b"304 Not Modified"), None),
    "a length too large": (record(LENGTH % len(PAGE), HALF), "content-length"),
    "nothing of it": (record(LENGTH % len(PAGE), b""), "content-length"),
    "WARC-Truncated: length": (record(b"", HALF, b"WARC-Truncated: length\r\n"), "length"),
    "WARC-Truncated: disconnect": (record(LENGTH % len(PAGE), HALF, b"WARC-Truncated: disconnect\r\n"), "disconnect"),
    "WARC-Truncated, pages long": (record(b"", HALF, b"WARC-Truncated: " + b"x" * 5000 + b"\r\n"), "x" * 40),
    "WARC-Truncated, empty": (record(b"", PAGE, b"WARC-Truncated: \r\n"), None),
    "gzip, whole": (record(b"Content-Encoding: gzip\r\n" + LENGTH % len(PACKED), PACKED), None),
    "gzip, cut": (record(b"Content-Encoding: gzip\r\n", PACKED[:-60]), "gzip"),
    "gzip, cut before its length": (
        record(b"Content-Encoding: gzip\r\n" + LENGTH % len(PACKED), PACKED[:-60]),
        "content-length",
    ),
    "gzip, undone by the crawler": (record(b"Content-Encoding: gzip\r\n" + LENGTH % len(PACKED), PAGE), None),
    "gzip, undone, of a body that it made longer": (
        record(b"Content-Encoding: gzip\r\n" + LENGTH % (len(PAGE) + 20), PAGE),
        None,
    ),
    "deflate, cut": (record(b"Content-Encoding: deflate\r\n", zlib.compress(PAGE)[:-60]), "deflate"),
    "chunks, whole": (record(b"Transfer-Encoding: chunked\r\n", CHUNKS + b"0\r\n\r\n"), None),
    "chunks, with another length": (
        record(b"Transfer-Encoding: chunked\r\n" + LENGTH % 99_999, CHUNKS + b"0\r\n\r\n"),
        None,
    ),
    "chunks, without the last": (record(b"Transfer-Encoding: chunked\r\n", CHUNKS), "chunked"),
    "chunks, cut in one": (record(b"Transfer-Encoding: chunked\r\n", CHUNKS[:-300]), "chunked"),
    "chunks, undone by the crawler": (record(b"Transfer-Encoding: chunked\r\n", PAGE), None),
    "a record that ends early": (record(b"", HALF, more=len(PAGE)), "record"),
    "a record's length that counts the line breaks": (record(b"", PAGE, more=4), None),
    "a record's length that lies": (record(LENGTH % len(PAGE), PAGE, more=5000), None),
    "a record's length that lies, of chunks": (
        record(b"Transfer-Encoding: chunked\r\n", CHUNKS + b"0\r\n\r\n", more=5000),
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_reader_tells_what_is_cut(name: str) -> None:
    data, expected = CASES[name]
    [event] = read_unit(BytesIO(data), Unit("x", len(data), 0, len(data)))
    assert isinstance(event, Response)
    assert (event.truncated and event.truncated[:40]) == expected
    assert PAGE.startswith(event.body.rstrip(b"\r\n"))


def test_the_ledger_tells_it(bateia: Call, tmp_path: Path) -> None:
    """Of pages kept and of pages dropped; the text of what is there is kept."""
    (tmp_path / "a.warc.gz").write_bytes(b"".join(data for data, _ in CASES.values()))
    (tmp_path / "all.py").write_text(
        "from dataclasses import replace\nfrom pipelines.recipes.fineweb import FINEWEB\n"
        "from transforms.steps.filters.languages import KeepLanguages\n"
        "CURATE = replace(FINEWEB.curate, pages=(), documents=(KeepLanguages((), min_score=-1.0),))\n"
        "ALL = FINEWEB.vary(CURATE, name='all')\n"
    )
    recipe = ("--recipe", f"{tmp_path}/all.py:ALL")
    ended = bateia("curate", *recipe, "--input", tmp_path / "a.warc.gz", "--output", tmp_path / "o", "--quiet")
    assert ended.returncode == 0, ended.stderr
    rows = rows_of(tmp_path / "o", "ledger")
    assert [row["truncated"] for row in rows] == [expected for _, expected in CASES.values()]
    fates = {name: row["fate"] for name, row in zip(CASES, rows, strict=True)}
    assert {name for name, fate in fates.items() if fate != "kept"} == {"no body by its status", "nothing of it"}
