"""Web pages as WARC records, laid out as in Common Crawl's files and the same in every build."""

import struct
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha1
from io import BytesIO
from urllib.parse import urlsplit

from warcio.recordbuilder import RecordBuilder
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipelines.sample.articles import seeded
from pipelines.sample.webpage import WebPage, record_id

DUMP = "BATEIA-SAMPLE"
CRAWL_START = datetime(2024, 6, 14, tzinfo=UTC)
GZIP_HEADER = b"\x1f\x8b\x08\x00" + bytes(4) + b"\x02\xff"  # no name, no time, no operating system
BUILDER = RecordBuilder()


def gzip_member(data: bytes) -> bytes:
    """One gzip member. zlib's own header names the operating system, ours doesn't."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(data) + deflate.flush()
    return GZIP_HEADER + body + struct.pack("<II", zlib.crc32(data), len(data))


def to_member(record) -> bytes:
    plain = BytesIO()
    WARCWriter(plain, gzip=False).write_record(record)
    return gzip_member(plain.getvalue())


def warcinfo(filename: str) -> bytes:
    """A file's first record, about the crawl, as a gzip member."""
    fields = {
        "isPartOf": DUMP,
        "publisher": "Bateia",
        "description": "Invented pages on reserved host names, CC0",
        "software": "bateia",
        "robots": "none, nothing was crawled",
        "format": "WARC File Format 1.0",
    }
    payload = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
    headers = {
        "WARC-Date": warc_date(CRAWL_START),
        "WARC-Record-ID": record_id("warcinfo", filename),
        "WARC-Filename": filename,
    }
    return to_member(record("", "warcinfo", payload, headers))


def page_members(page: WebPage, filename: str) -> list[bytes]:
    """A page's records, one gzip member each: request, response, metadata."""
    common = {
        "WARC-Date": warc_date(fetched(page.url)),
        "WARC-Record-ID": record_id("request", page.url),
        "WARC-Warcinfo-ID": record_id("warcinfo", filename),
        "WARC-IP-Address": f"192.0.2.{seeded(urlsplit(page.url).netloc).randrange(1, 255)}",
    }
    answer = common | {"WARC-Record-ID": page.record_id}
    if page.kind == "dns":
        return [to_member(record(page.url, "response", page.body, answer, content_type="text/dns"))]
    request = to_member(record(page.url, "request", b"", common, http=request_headers(page.url)))
    answer["WARC-Concurrent-To"] = common["WARC-Record-ID"]
    if page.kind == "revisit":
        return [request, to_member(revisit(page, answer))]
    return [request, to_member(response(page, answer)), to_member(metadata(page, common))]


def record(url: str, sort: str, payload: bytes, headers: dict[str, str], http=None, content_type: str = ""):
    return BUILDER.create_warc_record(
        url,
        sort,
        payload=BytesIO(payload),
        length=len(payload),
        warc_content_type=content_type,
        warc_headers_dict={"WARC-Type": sort} | headers,
        http_headers=http,
    )


def response(page: WebPage, headers: dict[str, str]):
    if page.identified:
        headers = headers | {"WARC-Identified-Payload-Type": page.identified}
    body, coding = delivered(page)
    http = [
        ("Date", format_datetime(fetched(page.url), usegmt=True)),
        ("Server", "nginx"),
        ("Content-Type", page.declares),
        *page.headers,
        *coding,
    ]
    return record(page.url, "response", body, headers, http=StatusAndHeaders(page.status, http, protocol="HTTP/1.1"))


def delivered(page: WebPage) -> tuple[bytes, list[tuple[str, str]]]:
    """The body as it lies in the file, and the headers that tell how to read it."""
    small = gzip_member(page.body)
    match page.delivery:
        case "crawl":
            coding = [("X-Crawl-Content-Encoding", "gzip"), ("X-Crawl-Content-Length", str(len(small)))]
            return page.body, [*coding, ("Content-Length", str(len(page.body)))]
        case "gzip":
            return small, [("Content-Encoding", "gzip"), ("Content-Length", str(len(small)))]
        case "chunked":
            return chunked(page.body), [("Transfer-Encoding", "chunked")]
        case "gzip chunked":
            return chunked(small), [("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked")]
        case "plain":
            return page.body, [("Content-Length", str(len(page.body)))]


def chunked(body: bytes, size: int = 1500) -> bytes:
    parts = [body[n : n + size] for n in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


def revisit(page: WebPage, headers: dict[str, str]):
    http = StatusAndHeaders("304 Not Modified", [("Content-Type", page.declares)], protocol="HTTP/1.1")
    digest = "sha1:" + sha1(page.url.encode()).hexdigest()
    before = warc_date(CRAWL_START - timedelta(days=30))
    return BUILDER.create_revisit_record(
        page.url, digest, page.url, before, http_headers=http, warc_headers_dict=headers
    )


def metadata(page: WebPage, common: dict[str, str]):
    took_ms = seeded(f"fetch {page.url}").randrange(20, 900)
    headers = common | {"WARC-Record-ID": record_id("metadata", page.url), "WARC-Concurrent-To": page.record_id}
    fields = f"fetchTimeMs: {took_ms}\r\n" + (f"charset-detected: {page.charset}\r\n" if page.charset else "")
    return record(page.url, "metadata", fields.encode(), headers)


def request_headers(url: str) -> StatusAndHeaders:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    http = [("Host", parts.netloc), ("User-Agent", "bateia-sample/1.0"), ("Accept-Encoding", "gzip")]
    return StatusAndHeaders(f"{target} HTTP/1.1", http, protocol="GET", is_http_request=True)


def fetched(url: str) -> datetime:
    """When the page was fetched: some second of a week that is long over."""
    return CRAWL_START + timedelta(seconds=seeded(f"date {url}").randrange(7 * 24 * 3600))


def warc_date(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def flip_bytes(member: bytes) -> bytes:
    """Damage in the middle of a gzip member: its header still looks sound, its data can't be inflated."""
    middle = len(member) // 2
    return member[:middle] + bytes(byte ^ 0xFF for byte in member[middle : middle + 32]) + member[middle + 32 :]


def cut_short(member: bytes) -> bytes:
    """A download that ended early."""
    return member[: len(member) * 3 // 5]
