"""The text of an HTML body, decoded as browsers do, except that bytes which are valid UTF-8 are UTF-8.

The order follows the WHATWG standards (byte order mark, HTTP header, meta prescan, detection) with one rule before:
strict UTF-8, as FineWeb does, since wrong declarations are more frequent than multi-byte UTF-8 by accident.
"""

from __future__ import annotations

import codecs
import re

from transforms.steps.warc.browser_codecs import decode_as_browsers
from transforms.steps.warc.letters import settled

SAMPLE_BYTES = 4096  # looked at for declarations and for UTF-16 without a mark; browsers look at 1024
DETECT_BYTES = 1 << 16  # given to the detector
MAX_BAD_SHARE = 0.02  # of a text's non-ASCII characters: a few broken bytes don't make a page unreadable
# The same in the encoding that the page declares. Cyrillic, Greek and Western text read as one of East Asia has 0.2 to
# 1.0 broken; East Asian text in another East Asian encoding often none, so that no share would tell.
MAX_BAD_DECLARED = 0.1
MAX_BAD_LAST_RESORT = 0.2  # where the detector knows nothing better
# Largest broken share of the non-ASCII characters of a text in UTF-8. Text in other encodings, read as UTF-8, has 0.72
# (EUC-JP) to 1.0 broken; a page that declares UTF-8 may have more.
MAX_BROKEN_UTF8 = 0.34
MAX_BROKEN_UTF8_DECLARED = 0.6

BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
META_CHARSET = re.compile(rb"""<meta\b[^>]*?\bcharset\s*=[\s"']*([^\s"'/>;]+)""", re.IGNORECASE)
XML_ENCODING = re.compile(rb"""\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']\s*([^"'\s]+)""")
ISO_2022_JP_ESCAPE = re.compile(rb"\x1b(?:\$[@B]|\([IJ])")
NON_ASCII_RUN = re.compile(rb"[\x80-\xff]+")
WESTERN_BYTES = 1 << 20  # looked at for runs of non-ASCII bytes
MAX_WESTERN_RUN = 1.5  # mean bytes of a run; random bytes have 2, Cyrillic words 5
ASCII = bytes(range(128))

# Where browsers decode more characters under a WHATWG label than Python's codec of that name: the codec that has them.
SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-11": "cp874",
}
EXTRA_LABELS = {
    "hz-gb-2312": "hz",
    "x-user-defined": "cp1252",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-ukrainian": "mac-cyrillic",
}
# The detector can't tell koi8-r from koi8-u, which has all letters of both; cp949 is no label of WHATWG's, but a codec.
DETECTED = {"koi8-r": "koi8-u", "cp949": "cp949", "mac-cyrillic": "mac-cyrillic"}


def decode_html(body: bytes, http_charset: str | None) -> tuple[str, str] | None:
    """The text without NULs and the Python codec that gave it; None if no encoding fits the bytes."""
    decoded = _decode(body, http_charset)
    if decoded is None:
        return None
    text, encoding = decoded
    return (text.replace("\0", "") if "\0" in text else text), encoding


def _decode(body: bytes, http_charset: str | None) -> tuple[str, str] | None:
    for mark, encoding in BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace"), encoding
    declared = [label for label in (codec_of(http_charset), declared_in(body[:SAMPLE_BYTES])) if label]
    if encoding := _utf16_without_mark(body[:SAMPLE_BYTES]):
        return _decode_tolerantly(body, encoding)
    if (text := _decode_utf8(body, "utf-8" in declared)) is not None:
        if body.isascii() and (encoding := _escape_encoding(body, declared)):
            return _decode_tolerantly(body, encoding) or (text, "utf-8")
        return text, "utf-8"
    for encoding in declared:
        if encoding != "utf-8" and (decoded := _decode_tolerantly(body, encoding, MAX_BAD_DECLARED)):
            return decoded
    return _decode_detected(body, declared)


def codec_of(label: str | None) -> str | None:
    """Python's codec for a declared label, as WHATWG maps labels; None if the label means nothing."""
    if not label or not label.isascii():  # as all labels are
        return None
    from resiliparse.parse.encoding import map_encoding_to_html5

    label = label.strip(" \t\r\n\"'").lower()
    codec = EXTRA_LABELS.get(label) or map_encoding_to_html5(label, fallback_utf8=False)
    return SUPERSETS.get(codec, codec) if codec else None


def declared_in(head: bytes) -> str | None:
    """The codec that the page itself declares in a meta element or an XML declaration."""
    match = XML_ENCODING.match(head) or META_CHARSET.search(COMMENT.sub(b"", head))
    codec = codec_of(match[1].decode("latin-1")) if match else None
    # A declaration that can be read as ASCII does not stand in UTF-16, whatever it says.
    return "utf-8" if codec and codec.startswith("utf-16") else codec


def _decode_utf8(body: bytes, declared: bool) -> str | None:
    """The body as UTF-8, with a few broken bytes replaced; None if it is something else."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("utf-8", "replace")
    non_ascii = len(text) - (len(body) - len(body.translate(None, ASCII)))  # characters beyond ASCII
    bad = text.count("\ufffd") - body.count(b"\xef\xbf\xbd")
    if declared and bad * 1000 <= len(text):
        return text  # a stray byte in a page of plain ASCII
    return text if bad <= non_ascii * (MAX_BROKEN_UTF8_DECLARED if declared else MAX_BROKEN_UTF8) else None


def _utf16_without_mark(sample: bytes) -> str | None:
    """UTF-16's codec if every other byte of the markup is NUL. Such bytes are valid UTF-8 too: this is tried first."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 5 < len(sample) // 2 or min(even, odd) * 10 > max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _escape_encoding(body: bytes, declared: list[str]) -> str | None:
    """The 7-bit encoding of a body that is pure ASCII: known by its escape sequences, not by a declaration alone."""
    if ISO_2022_JP_ESCAPE.search(body):
        return "iso2022_jp_ext"
    return "hz" if "hz" in declared and b"~{" in body else None


def _decode_tolerantly(body: bytes, encoding: str, max_share: float = MAX_BAD_SHARE) -> tuple[str, str] | None:
    """Decode with a few bad bytes replaced; None if the bytes are not in this encoding."""
    text, bad = decode_as_browsers(body, encoding)
    non_ascii = len(text) - len(text.encode("ascii", "ignore"))
    return (text, encoding) if bad <= max(1, max_share * non_ascii) else None


def _decode_detected(body: bytes, declared: list[str]) -> tuple[str, str] | None:
    from resiliparse.parse.encoding import detect_encoding

    # Its own mapping to WHATWG's names turns Korean and "unknown" into UTF-8. What WHATWG doesn't name (DOS code pages)
    # is no encoding of web pages, but a wrong guess.
    name = detect_encoding(body, max_len=DETECT_BYTES, html5_compatible=False)
    encoding = DETECTED.get(name) or codec_of(name) if name else None
    if encoding in declared and (decoded := _decode_tolerantly(body, encoding, MAX_BAD_LAST_RESORT)):
        return decoded
    if encoding and encoding != "utf-8" and (decoded := _decode_tolerantly(body, settled(body, encoding))):
        return decoded
    if _is_western(body):
        encoding = settled(body, "cp1252")
        return decode_as_browsers(body, encoding)[0], encoding
    tries = (_decode_tolerantly(body, label, MAX_BAD_LAST_RESORT) for label in declared if label != "utf-8")
    return next(filter(None, tries), None)


def _is_western(body: bytes) -> bool:
    """Whether bytes beyond ASCII stand alone, as accented letters and typographic marks do in Western text."""
    runs = NON_ASCII_RUN.findall(body, 0, WESTERN_BYTES)
    return len(runs) > 0 and sum(map(len, runs)) < MAX_WESTERN_RUN * len(runs)
