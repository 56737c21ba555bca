"""An HTTP response as stored in a WARC record: status, declared types, and the body without its encodings.

Headers lie: Common Crawl stores decoded bodies (and renames the header to X-Crawl-Content-Encoding), other crawlers
keep the header and drop the encoding. So an encoding is undone only where the bytes bear it out.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

import pyarrow as pa

# Without a version in `ICY 200 OK`, as old SHOUTcast servers say.
STATUS_LINE = re.compile(rb"(?:HTTP/\d+(?:\.\d+)?|ICY)(?:[ \t]+(\d{3})(?!\d))?[^\n]*(?:\n|\Z)")
HEADER_END = re.compile(rb"\n\r*\n")
# The fields that matter, each with its folded lines; one pass over headers of any size.
FIELDS = re.compile(
    rb"^(content-type|content-encoding|transfer-encoding)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)",
    re.IGNORECASE | re.MULTILINE,
)
# 100 Continue and the like, stored before the response that counts.
INTERIM = re.compile(rb"(?:\s*HTTP/\d(?:\.\d)? 1\d\d[^\n]*\n(?:[^\r\n]+\r?\n)*\r?\n)+(?=HTTP/)")
MEDIA_TYPE = re.compile(r"""\s*["']?([\w!#$&^.+-]+/[\w!#$&^.+*-]+)""", re.ASCII)
CHARSET = re.compile(r"""charset\s*=[\s"']*([^\s"';,]+)""", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"\s*([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[!?a-zA-Z/]")
MEMBERS_MOST = 1000  # of one gzip body; servers that flush write a handful
LAYERS_MOST = 4  # encodings on one body; two happen by mistake, more only by malice


@dataclass(frozen=True, slots=True)
class Message:
    """content_type: media type in lower case, '' if none. cut: the part of the encoding that ends early, or None."""

    status: int | None
    content_type: str
    charset: str | None
    body: bytes
    cut: str | None = None


@dataclass(frozen=True, slots=True)
class BadMessage:
    """reason: `bad_http_header`, `bad_content_encoding` or `body_too_large`."""

    reason: str
    detail: str | None = None


def parse_response(block: bytes, max_header_bytes: int, max_body_bytes: int) -> Message | BadMessage:
    """Parse a whole HTTP response; its body is decoded up to `max_body_bytes`."""
    interim = INTERIM.match(block)
    start = interim.end() if interim else len(block) - len(block.lstrip(b"\r\n"))
    status = STATUS_LINE.match(block, start)
    if status is None:
        return BadMessage("bad_http_header", f"starts with {block[:16]!r}")
    end = HEADER_END.search(block, status.end() - 1, start + max_header_bytes)
    if end is None and len(block) > max_header_bytes:
        return BadMessage("bad_http_header", f"no end in {max_header_bytes} bytes")
    head, body = (block[start:], b"") if end is None else (block[start : end.start() + 1], block[end.end() :])

    content_type, charset, transfer, content = "", None, "", ""
    for name, raw in FIELDS.findall(head):
        value = raw.decode("latin-1").replace("\0", "")
        match name.lower():
            case b"content-type":  # the last one that is a media type wins, as in WHATWG Fetch
                content_type, charset = _media_type(value, content_type, charset)
            case b"transfer-encoding":
                transfer += "," + value.lower()
            case b"content-encoding":
                content += "," + value.lower()

    cut = None
    if "chunked" in transfer:
        body, cut = _join_chunks(body)
    decoded = _decode(body, re.findall(r"[\w-]+", content), max_body_bytes)
    if isinstance(decoded, BadMessage):
        return decoded
    body, cut_encoding = decoded
    code = int(status[1]) if status[1] else None
    return Message(code, content_type, charset, body, cut or cut_encoding)


def _media_type(value: str, content_type: str, charset: str | None) -> tuple[str, str | None]:
    kind = MEDIA_TYPE.match(value)
    found = CHARSET.search(value)
    if kind is None:
        return content_type, found[1] if found else charset
    return kind[1].lower(), found[1] if found else None


def _join_chunks(body: bytes) -> tuple[bytes, str | None]:
    """The body without its chunk sizes, or as it is if it has none (a header that lies)."""
    parts: list[bytes] = []
    position = 0
    while (size := CHUNK_SIZE.match(body, position)) is not None:
        start, length = size.end(), int(size[1], 16)
        if length == 0:
            return b"".join(parts), None
        stop = start + length
        if stop < len(body) and body[stop : stop + 1] not in (b"\r", b"\n"):
            break  # no chunk ends here: the size was part of the text
        parts.append(body[start:stop])
        position = stop
    return (b"".join(parts), "chunked") if parts else (body, None)


def _decode(body: bytes, encodings: list[str], most: int) -> tuple[bytes, str | None] | BadMessage:
    """Undo content encodings, last applied first; one that the bytes don't bear out is passed over."""
    cut = None
    for encoding in reversed(encodings[-LAYERS_MOST:]):
        match encoding.removeprefix("x-"):
            case "gzip":
                result = _gunzip(body, most)
            case "deflate":
                result = _inflate(body, most)
            case "br":
                result = _decode_arrow(body, "brotli", most)
            case "zstd" if body.startswith(b"\x28\xb5\x2f\xfd"):
                result = _decode_arrow(body, "zstd", most)
            case _:
                continue
        if result is None:
            continue
        body, whole = result
        if len(body) > most:
            break
        if not whole:
            if not body:
                return BadMessage("bad_content_encoding", encoding)
            cut = encoding
    if len(body) > most:
        return BadMessage("body_too_large", f"over {most} bytes")
    return body, cut


def _gunzip(body: bytes, most: int) -> tuple[bytes, bool] | None:
    """Undo gzip, also applied twice under one header, as proxies do."""
    whole = True
    for _ in range(LAYERS_MOST):
        if not body.startswith(b"\x1f\x8b\x08"):
            return body, whole
        parts: list[bytes] = []
        room, start = most + 1, 0
        while body.startswith(b"\x1f\x8b\x08", start) and room > 0 and len(parts) < MEMBERS_MOST:
            part, ended, start = _zlib(body, 31, room, start)
            parts.append(part)
            room -= len(part)
            if not ended:
                whole = room <= 0
                break
        body = b"".join(parts)
    return body, whole


def _inflate(body: bytes, most: int) -> tuple[bytes, bool] | None:
    """Undo deflate: by the standard in zlib's format, by some servers raw."""
    if len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0:
        data, ended, _ = _zlib(body, 15, most + 1)
        if data or ended:
            return data, ended
    data, ended, _ = _zlib(body, -15, most + 1)
    if ended or len(data) > most:
        return data, True
    return (data, False) if data and not MARKUP.match(body) else None


def _zlib(data: bytes, wbits: int, most: int, start: int = 0, piece: int = 1 << 16) -> tuple[bytes, bool, int]:
    """Inflate up to `most` bytes from `start` on: what came out before any damage, whether it is whole, where it ends.

    piece: bytes given and taken at once; what zlib had inflated in the call that meets the damage is lost.
    """
    inflater = zlib.decompressobj(wbits)
    parts: list[bytes] = []
    room, given, pending = most, start, b""
    try:
        while room > 0 and not inflater.eof:
            if not pending:
                pending = data[given : given + piece]
                given += len(pending)
            part = inflater.decompress(pending, min(room, piece))
            pending = inflater.unconsumed_tail
            parts.append(part)
            room -= len(part)
            if not part and not pending and given == len(data):
                break
    except zlib.error:
        small = 256
        return (b"".join(parts), False, given) if piece <= small else _zlib(data, wbits, most, start, small)
    return b"".join(parts), inflater.eof, given - len(inflater.unused_data)


def _decode_arrow(body: bytes, codec: str, most: int) -> tuple[bytes, bool] | None:
    """Undo brotli or zstd with the decoders that Arrow carries. None if plain markup is only labelled so."""
    parts: list[bytes] = []
    room = most + 1
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), codec) as stream:
            while room > 0 and (part := stream.read(min(room, 1 << 16))):
                parts.append(part)
                room -= len(part)
    except OSError:  # pa.ArrowIOError: damaged, cut or none
        return None if MARKUP.match(body) else (b"".join(parts), False)
    return b"".join(parts), True
