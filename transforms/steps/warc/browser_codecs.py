"""Decoding as browsers do (https://encoding.spec.whatwg.org) where Python's codec of that name has fewer characters.

Checked over all one- and two-byte codes of every legacy encoding against the index files of the WHATWG standard, as of
September 2024. Left are two slashes of Big5 (A241 and A242, here
the full-width ones). JIS X 0212 in ISO-2022-JP, HZ, and the four-byte codes of GB 18030 are as in Python's codecs.
"""

from __future__ import annotations

import codecs
import re
from functools import cache

BAD = "\ufffd"
HANDLER = "bateia.browsers"
C1 = re.compile("[\x80-\x9f]")
LONE = re.compile("[\uf8f0-\uf8f3]")  # Python's cp932 of the bytes A0 and FD to FF, which begin no code
PRIVATE = re.compile("[\ue5e5-\ue864]")

# Bytes that begin a code of two or more bytes. Any other byte beyond ASCII stands alone.
LEADS = {
    "euc_jp": frozenset((0x8E, 0x8F, *range(0xA1, 0xFF))),
    "cp932": frozenset((*range(0x81, 0xA0), *range(0xE0, 0xFD))),
    "cp949": frozenset(range(0x81, 0xFF)),
    "gb18030": frozenset(range(0x81, 0xFF)),
    "big5hkscs": frozenset(range(0x81, 0xFF)),
}

# Characters of HKSCS-2008 and of Big5-ETEN that Python's big5hkscs (HKSCS-2004) lacks, by their codes.
BIG5_CODES = (
    "877a-877e 87a1-87df 8e69 8e6f 8e7e 8eab 8eb4 8ecd 8ed0 8f57 8f69 8f6e 8fcb 8fcc 8ffe 906d 907a 90dc 90f1 "
    "91bf 9244 92af-92b2 92c8 92d1 9447 94ca 95d9 9644 96ed 96fc 9b76 9b78 9b7b 9bc6 9bde 9bec 9bf6 9c42 9c53 "
    "9c62 9c68 9c6b 9c77 9cbc 9cbd 9cd0 9d57 9d5a 9dc4 9ea9 9eef 9efd 9f60 9f66 9fcb 9fd8 a063 a077 a0d5 a0df "
    "a0e4 a3c0-a3e1 c6cf c6d3 c6d5 c6d7 c6de c6df fa5f fa66 fabd fac5 fad5 fb48 fbb8 fbf3 fbf9 fc4f fc6c fcb9 "
    "fce2 fcf1 fdb7 fdb8 fdbb fdf1 fe52 fe6f feaa fedd "
)
BIG5_CHARS = (
    "㡵𡵓𣚞𦀡㻬𥣞㫵竼龗𤅡𨤍𣇪𠪊𣉞䌊蒄龖鐯䤰蘓墖靊鈘秐稲晠権袝瑌篅枂稬剏遆㓦珄𥶹瓆鿇垳䤯呌䄱𣚎堘穲𧭥讏䚮𦺈䆁𥶙箮𢒼鿈𢓁𢓉𢓌鿉蔄"
    "𣖻䂴鿊䓡𪷿拁灮鿋箸簆糎緒縝者耨菁蒨萏覦覩起都銹靜響鼖蔃兙兛兝兞鍮瑹浧禛邗靝瀞嬨爁矗纇駖釔惞澶輶侻營鄄鷰菏尐秣婧輋筑拐恢痹"
    "汊鬮鼗僭弌蠏拎瑨煢牐␀␁␂␃␄␅␆␇␈␉␊␋␌␍␎␏␐␑␒␓␔␕␖␗␘␙␚␛␜␝␞␟␡€廴无癶隶〃仝倩偽包卄卿嘅婷幵廐彘"
    "悤撐晴杞沜渝港煮猪瑜瓩砉"
)
# Where both have a character, and it is another one.
SUBSTITUTES = {
    "euc_jp": str.maketrans("〜‖−¢£¬", "～∥－￠￡￢"),
    "gb18030": str.maketrans(
        {
            0xE5E5: "\u3000",
            **{0xE78D + i: char for i, char in enumerate("︐︒︑︓︔︕︖︗︘︙")},
            0xE7C7: "ḿ",
            **{0xE81E: "龴", 0xE826: "龵", 0xE82B: "龶", 0xE82C: "龷", 0xE832: "龸", 0xE843: "龹", 0xE854: "龺"},
            0xE864: "龻",
        }
    ),
    "big5hkscs": str.maketrans("•､‾∼♁☉¥¢£", "‧﹑¯～⊕⊙￥￠￡"),
    "koi8-u": str.maketrans("╝╬", "ўЎ"),
}
# JIS X 0212's tilde is the full-width one. 8F begins a code only, so the bytes can't be parts of two others.
TILDE_0212, TILDE_0208 = b"\x8f\xa2\xb7", b"\xa1\xc1"
# ISO-2022-JP: an escape, then text up to the next.
ESCAPED = re.compile(rb"\x1b(\$[@B]|\$\(D|\([BJI])([^\x1b]*)")
KANJI, KATAKANA = re.compile(rb"[\x21-\x7e]{2}"), re.compile(rb"[\x21-\x5f]")
BY_CHARSET = {b"$@": b"", b"$B": b"", b"$(D": b"\x8f", b"(I": b"\x8e"}  # what EUC-JP writes before a character


def decode_as_browsers(body: bytes, codec: str) -> tuple[str, int]:
    """The text, and how many byte sequences of it are in none of the encoding's characters; they became U+FFFD, or
    control characters where browsers have these.

    codec: Python's name
    """
    if codec.startswith("iso2022_jp"):
        body, codec = euc_of_iso2022(body), "euc_jp"
    if codec == "euc_jp":
        body = body.replace(TILDE_0212, TILDE_0208)
    try:
        text, bad = body.decode(codec), 0
    except UnicodeDecodeError:
        text = codecs.charmap_decode(body, HANDLER, hebrew())[0] if codec == "cp1255" else body.decode(codec, HANDLER)
        bad = text.count(BAD) + len(C1.findall(text))
    if codec == "cp932" and LONE.search(text):
        text, lone = LONE.subn(BAD, text)
        bad += lone
    table = SUBSTITUTES.get(codec)
    return (text.translate(table) if table and needs(text, codec) else text), bad


def needs(text: str, codec: str) -> bool:
    """Whether a text may hold a character that is replaced. Private ones are rare, so that a search is cheaper."""
    return codec != "gb18030" or PRIVATE.search(text) is not None


def as_browsers(error: UnicodeError) -> tuple[str, int]:
    """What codecs call where Python's codec has no character: (its replacement, where to go on)."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    data, start = error.object, error.start
    if (codec := error.encoding) == "charmap":
        return single_byte(data[start]), start + 1
    two = data[start : start + 2]
    if (char := character_beyond(codec, two)) is not None:
        return char, start + len(two)
    if codec == "gb18030" and two[:1] == b"\x80":
        return "€", start + 1
    leads = LEADS.get(codec)
    if leads is None:
        return BAD, error.end
    # A code that has no character is passed over whole, so that what follows it is read in step. One whose second byte
    # is ASCII is not: markup must survive it.
    whole = len(two) == 2 and two[0] in leads and two[1] >= 0x80
    step = 3 if whole and codec == "euc_jp" and two[0] == 0x8F and data[start + 2 : start + 3] >= b"\xa1" else 2
    return BAD, start + (step if whole else 1)


def character_beyond(codec: str, code: bytes) -> str | None:
    """The character of a two-byte code that Python's codec lacks."""
    if codec == "big5hkscs":
        return big5_beyond().get(code)
    if codec == "euc_jp" and len(code) == 2 and min(code) >= 0xA1 and max(code) <= 0xFE:
        return of_cp932(code)
    return None


def of_cp932(code: bytes) -> str | None:
    """NEC's row 13 and IBM's extensions: EUC-JP has them where Microsoft's Shift_JIS has them."""
    lead, trail = divmod((code[0] - 0xA1) * 94 + code[1] - 0xA1, 188)
    shifted = bytes((lead + (0x81 if lead < 31 else 0xC1), trail + (0x40 if trail < 63 else 0x41)))
    char = shifted.decode("cp932", "replace")
    return None if BAD in char else char


@cache
def big5_beyond() -> dict[bytes, str]:
    codes: list[int] = []
    for part in BIG5_CODES.split():
        first, _, last = part.partition("-")
        codes += range(int(first, 16), int(last or first, 16) + 1)
    return {code.to_bytes(2, "big"): char for code, char in zip(codes, BIG5_CHARS, strict=True)}


@cache
def hebrew() -> dict[int, int]:
    """windows-1255 with the vowel point that Python's codec lacks."""
    from encodings.cp1255 import decoding_table

    return {byte: ord(char) for byte, char in enumerate(decoding_table) if char != "\ufffe"} | {0xCA: 0x05BA}


def single_byte(byte: int) -> str:
    """Browsers take a byte of 80 to 9F without a character for the control character, any other for an error."""
    return chr(byte) if byte < 0xA0 else BAD


def euc_of_iso2022(body: bytes) -> bytes:
    """ISO-2022-JP in EUC-JP, which has the same characters; bytes beyond ASCII, of which there should be none, go."""
    plain = body.translate(None, bytes(range(0x80, 0x100)))
    first = plain.find(b"\x1b")
    return plain if first < 0 else plain[:first] + ESCAPED.sub(_in_euc, plain[first:])


def _in_euc(match: re.Match[bytes]) -> bytes:
    charset, text = match[1], match[2]
    if charset in (b"(B", b"(J"):
        return text
    before = BY_CHARSET[charset]
    code = KATAKANA if charset == b"(I" else KANJI
    return code.sub(lambda pair: before + bytes(byte | 0x80 for byte in pair[0]), text)


codecs.register_error(HANDLER, as_browsers)
