"""An HTTP response as stored in a WARC record: status, declared types, and the body without its encodings.

Headers can't be trusted: Common Crawl stores decoded bodies (and renames the header to X-Crawl-Content-Encoding), other
crawlers keep the header and drop the encoding. So an encoding is undone only where the bytes are in it.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, replace

import pyarrow as pa

from transforms.steps.warc.limits import ReadLimits

# Without a version in `ICY 200 OK`, as old SHOUTcast servers say.
STATUS_LINE = re.compile(rb"(?:HTTP/\d+(?:\.\d+)?|ICY)(?:[ \t]+(\d{3})(?!\d))?[^\n]*(?:\n|\Z)")
HEADER_END = re.compile(rb"\n\r*\n")
# The fields that matter, each with its folded lines; one pass over headers of any size.
FIELDS = re.compile(
    rb"^(content-type|content-length|content-encoding|transfer-encoding|x-robots-tag|tdm-reservation|location)[ \t]*:"
    rb"([^\n]*(?:\n[ \t][^\n]*)*)",
    re.IGNORECASE | re.MULTILINE,
)
# 100 Continue and the like, stored before the response that counts.
INTERIM = re.compile(rb"(?:\s*HTTP/\d(?:\.\d)? 1\d\d[^\n]*\n(?:[^\r\n]+\r?\n)*\r?\n)+(?=HTTP/)")
MEDIA_TYPE = re.compile(r"""\s*["']?([\w!#$&^.+-]+/[\w!#$&^.+*-]+)""", re.ASCII)
CHARSET = re.compile(r"""charset\s*=[\s"']*([^\s"';,]+)""", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"\s*([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[!?a-zA-Z/]")
LENGTH = re.compile(r"\d{1,18}")
BODILESS = frozenset({204, 304})  # the length is that of another response
GZIP = b"\x1f\x8b\x08"
MAX_RESERVED, RESERVED_CHARS = 20, 500  # headers that reserve rights, and of each; real ones are a few words
LOCATION_CHARS = 8192
DECODED = frozenset({"gzip", "deflate", "br", "zstd"})


@dataclass(frozen=True, slots=True)
class Message:
    """A parsed response.

    status: HTTP status code; None if the status line has no number
    content_type: media type in lower case; '' if there is none
    charset: of the Content-Type header, as written, or None
    body: without transfer and content encodings
    cut: what shows that the body ends early: `chunked`, the name of a content encoding, or `content-length`; else None
    whole: whether chunks or Content-Length show that the body is complete; False where nothing shows it either way
    declared_type: the Content-Type header that names the media type (else the last of them) as given, or None
    reserved: X-Robots-Tag and TDM-Reservation headers as given, a line each; '' if there are none
    location: where a redirect leads to, as given; '' if nowhere
    """

    status: int | None
    content_type: str
    charset: str | None
    body: bytes
    cut: str | None = None
    whole: bool = False
    declared_type: str | None = None
    reserved: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class BadMessage:
    """Why a response has no body to go on with.

    reason: bad_http_header, bad_content_encoding, body_too_large, too_many_encodings or too_many_gzip_members
    detail: the fault in words, or None
    value: the size or number that a limit forbade, if it is known
    threshold: the limit that `value` exceeds
    status, declared_type: as of a Message
    """

    reason: str
    detail: str | None = None
    value: int | None = None
    threshold: int | None = None
    status: int | None = None
    declared_type: str | None = None


def parse_response(block: bytes, limits: ReadLimits) -> Message | BadMessage:
    """Parse a whole HTTP response; its body is decoded as far as `limits` allow."""
    interim = INTERIM.match(block)
    start = interim.end() if interim else len(block) - len(block.lstrip(b"\r\n"))
    status = STATUS_LINE.match(block, start)
    if status is None:
        return BadMessage("bad_http_header", f"starts with {block[:16]!r}")
    end = HEADER_END.search(block, status.end() - 1, start + limits.max_header_bytes)
    if end is None and len(block) > limits.max_header_bytes:
        detail = f"no end in {limits.max_header_bytes} bytes"
        return BadMessage("bad_http_header", detail, threshold=limits.max_header_bytes)
    head, body = (block[start:], b"") if end is None else (block[start : end.start() + 1], block[end.end() :])

    declared, content_type, charset, transfer, content, length, location = None, "", None, "", "", None, ""
    reserved: list[str] = []
    for name, raw in FIELDS.findall(head):
        value = raw.decode("latin-1").replace("\0", "")
        match name.lower():
            case b"content-type":  # the last one that is a media type wins, as in WHATWG Fetch
                if declared is None or MEDIA_TYPE.match(value) or not content_type:
                    declared = value.strip()
                content_type, charset = _media_type(value, content_type, charset)
            case b"content-length" if LENGTH.fullmatch(value.strip()):
                length = int(value)
            case b"transfer-encoding":
                transfer += "," + value.lower()
            case b"content-encoding":
                content += "," + value.lower()
            case b"location":
                location = value.strip()[:LOCATION_CHARS]
            case b"x-robots-tag" | b"tdm-reservation" if len(reserved) < MAX_RESERVED:
                reserved.append(f"{name.decode().lower()}: {' '.join(value.split())[:RESERVED_CHARS]}")

    code = int(status[1]) if status[1] else None
    cut, whole = None, False
    if "chunked" in transfer:
        body, cut, whole = _join_chunks(body)
    elif length is not None and code not in BODILESS:  # servers that send chunks may name any length
        cut, whole = (None, True) if length <= len(body) else ("content-length", False)
    decoded = _decode(body, _known_encodings(content), limits)
    if isinstance(decoded, BadMessage):
        return replace(decoded, status=code, declared_type=declared)
    stored, (body, cut_encoding) = body, decoded
    if cut == "content-length" and body is stored and _known_encodings(content):
        cut = None  # the crawler undid the encoding; the length is that of the encoded body
    cut = cut or cut_encoding
    return Message(code, content_type, charset, body, cut, whole and not cut, declared, "\n".join(reserved), location)


def _media_type(value: str, content_type: str, charset: str | None) -> tuple[str, str | None]:
    kind = MEDIA_TYPE.match(value)
    label = CHARSET.search(value)
    if kind is None:
        return content_type, label[1] if label else charset
    return kind[1].lower(), label[1] if label else None


def _join_chunks(body: bytes) -> tuple[bytes, str | None, bool]:
    """Undo chunked transfer encoding: (body without chunk sizes, `chunked` if it is cut or None, whether it is whole).

    A body without chunk sizes is returned unchanged: the header was wrong.
    """
    parts: list[bytes] = []
    position = 0
    while (size := CHUNK_SIZE.match(body, position)) is not None:
        start, length = size.end(), int(size[1], 16)
        if length == 0:
            return b"".join(parts), None, True
        stop = start + length
        if stop < len(body) and body[stop : stop + 1] not in (b"\r", b"\n"):
            break  # no chunk ends here: the size was part of the text
        parts.append(body[start:stop])
        position = stop
    return (b"".join(parts), "chunked", False) if parts else (body, None, False)


def _known_encodings(content: str) -> list[str]:
    """The encodings of a Content-Encoding header that we can undo, in the order in which they were applied."""
    return [name for name in re.findall(r"[\w-]+", content) if name.removeprefix("x-") in DECODED]


def _decode(body: bytes, encodings: list[str], limits: ReadLimits) -> tuple[bytes, str | None] | BadMessage:
    """Undo content encodings, last applied first; one that the bytes are not in is skipped."""
    if (count := len(encodings)) > limits.max_encodings:
        return BadMessage("too_many_encodings", value=count, threshold=limits.max_encodings)
    cut, max_bytes, stored = None, limits.max_body_bytes, body
    for encoding in reversed(encodings):
        result = _undo_encoding(body, encoding.removeprefix("x-"), limits)
        if isinstance(result, BadMessage):
            return result
        if result is None:
            continue
        body, whole = result
        if len(body) > max_bytes:
            break
        if not whole:
            if not body:
                return BadMessage("bad_content_encoding", encoding)
            cut = encoding
    if len(body) > max_bytes:
        size = len(body) if body is stored else None  # decoding stopped at the limit, so the full size is unknown
        return BadMessage("body_too_large", f"over {max_bytes} bytes", size, max_bytes)
    return body, cut


def _undo_encoding(body: bytes, encoding: str, limits: ReadLimits) -> tuple[bytes, bool] | BadMessage | None:
    """The body without one encoding and whether it is whole; None if it has no such encoding."""
    match encoding:
        case "gzip":
            return _gunzip(body, limits)
        case "deflate":
            return _inflate(body, limits.max_body_bytes)
        case "br":
            return _decode_by_arrow(body, "brotli", limits.max_body_bytes)
        case "zstd" if body.startswith(b"\x28\xb5\x2f\xfd"):
            return _decode_by_arrow(body, "zstd", limits.max_body_bytes)
    return None


def _gunzip(body: bytes, limits: ReadLimits) -> tuple[bytes, bool] | BadMessage:
    """Undo gzip, also applied twice under one header, as proxies do."""
    whole, layers = True, 0
    while body.startswith(GZIP) and (not layers or len(body) <= limits.max_body_bytes):
        if layers == limits.max_encodings:
            return BadMessage("too_many_encodings", "gzip in gzip", threshold=limits.max_encodings)
        parts: list[bytes] = []
        room, start, ended = limits.max_body_bytes + 1, 0, True
        while ended and room > 0 and body.startswith(GZIP, start):
            if len(parts) == limits.max_gzip_members:
                return BadMessage("too_many_gzip_members", threshold=limits.max_gzip_members)
            part, ended, start = _zlib_inflate(body, 31, room, start)
            parts.append(part)
            room -= len(part)
        whole = whole and (ended or room <= 0)
        body, layers = b"".join(parts), layers + 1
    return body, whole


def _inflate(body: bytes, max_bytes: int) -> tuple[bytes, bool] | None:
    """Undo deflate: the standard means zlib's format; some servers send raw deflate."""
    if len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0:
        data, ended, _ = _zlib_inflate(body, 15, max_bytes + 1)
        if data or ended:
            return data, ended
    data, ended, _ = _zlib_inflate(body, -15, max_bytes + 1)
    if ended or len(data) > max_bytes:
        return data, True
    return (data, False) if data and not MARKUP.match(body) else None


def _zlib_inflate(
    data: bytes, wbits: int, max_bytes: int, start: int = 0, piece: int = 1 << 16
) -> tuple[bytes, bool, int]:
    """Inflate from `start` on: (up to `max_bytes` bytes before any damage, whether that is all, where the input ends).

    piece: bytes given and taken at once. The call that meets damage gives nothing, so all is done again in small ones.
    """
    inflater = zlib.decompressobj(wbits)
    parts: list[bytes] = []
    room, given, pending = max_bytes, start, b""
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
        return (
            (b"".join(parts), False, given) if piece <= small else _zlib_inflate(data, wbits, max_bytes, start, small)
        )
    return b"".join(parts), inflater.eof, given - len(inflater.unused_data)


def _decode_by_arrow(body: bytes, codec: str, max_bytes: int) -> tuple[bytes, bool] | None:
    """Undo brotli or zstd with Arrow's decoders. None if the body is plain markup, only labelled as encoded."""
    parts: list[bytes] = []
    room = max_bytes + 1
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), codec) as stream:
            while room > 0 and (part := stream.read(min(room, 1 << 16))):
                parts.append(part)
                room -= len(part)
    except OSError:  # pa.ArrowIOError: damaged, cut or none
        return None if MARKUP.match(body) else (b"".join(parts), False)
    return b"".join(parts), True
