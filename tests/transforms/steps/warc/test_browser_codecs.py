"""Every label decodes as browsers do; the rules that are behind the standard's tables, over all codes."""

from __future__ import annotations

import pytest

from transforms.steps.warc.browser_codecs import BIG5_CHARS, big5_beyond, decode_as_browsers
from transforms.steps.warc.charset import codec_of, decode_html

HIGH = range(0xA1, 0xFF)
SENTENCE = "<html><body><p>朝、家を出て川へ向かうと、もう霧が立っていました。舟は古いけれど丈夫です。</p>"


def one(code: bytes, label: str) -> str | None:
    """The character of a code under a declared label; None if browsers have none."""
    codec = codec_of(label)
    assert codec is not None
    text, bad = decode_as_browsers(code, codec)
    return None if bad and "\ufffd" in text else text


@pytest.mark.parametrize(
    ("label", "code", "char"),
    [
        ("euc-jp", "ada1", "①"),
        ("x-euc-jp", "adea", "㈱"),
        ("euc-jp", "a1c1", "～"),
        ("euc-jp", "a1dd", "－"),
        ("euc-jp", "8fa2b7", "～"),
        ("euc-jp", "8eb1", "ｱ"),
        ("euc-jp", "a9a1", None),
        ("shift_jis", "8740", "①"),
        ("windows-31j", "fa40", "ⅰ"),
        ("ms_kanji", "f040", "\ue000"),
        ("euc-kr", "8141", "갂"),
        ("ks_c_5601-1987", "b0a1", "가"),
        ("gb2312", "80", "€"),
        ("gbk", "a6d9", "︐"),
        ("gb18030", "a3a0", "\u3000"),
        ("gbk", "fe59", "龴"),
        ("big5", "87c2", "鿇"),
        ("big5", "a3e1", "€"),
        ("big5-hkscs", "c6cf", "廴"),
        ("big5", "a145", "‧"),
        ("windows-874", "a1", "ก"),
        ("tis-620", "85", "…"),
        ("iso-8859-11", "81", "\x81"),
        ("windows-874", "fc", None),
        ("windows-1252", "81", "\x81"),
        ("latin1", "9d", "\x9d"),
        ("windows-1255", "ca", "\u05ba"),
        ("windows-1253", "d2", None),
        ("koi8-u", "ae", "ў"),
        ("macintosh", "db", "€"),
        ("x-mac-ukrainian", "a2", "Ґ"),
    ],
)
def test_a_code_is_the_character_that_browsers_show(label: str, code: str, char: str | None) -> None:
    assert one(bytes.fromhex(code), label) == char


def test_euc_jp_has_what_shift_jis_has_in_every_row() -> None:
    """Both are of one table, 94 rows of 94: the standard's index-jis0208."""
    characters = 0
    for row in range(94):
        for cell in range(94):
            lead, trail = divmod(row * 94 + cell, 188)
            shifted = bytes((lead + (0x81 if lead < 31 else 0xC1), trail + (0x40 if trail < 63 else 0x41)))
            char = one(shifted, "shift_jis")
            assert one(bytes((0xA1 + row, 0xA1 + cell)), "euc-jp") == char, (row + 1, cell + 1)
            escaped = b"\x1b$B" + bytes((0x21 + row, 0x21 + cell)) + b"\x1b(B"
            assert one(escaped, "iso-2022-jp") == char, (row + 1, cell + 1)
            characters += char is not None
    assert characters > 7000


def test_gbk_has_a_character_for_every_code() -> None:
    """All 23,940 codes have one, and none is a private one where Unicode has had the character since version 4.1."""
    codes = [bytes((lead, trail)) for lead in range(0x81, 0xFF) for trail in (*range(0x40, 0x7F), *range(0x80, 0xFF))]
    chars = [one(code, "gbk") for code in codes]
    assert None not in chars
    assert not {"\ue5e5", "\ue78d", "\ue796", "\ue7c7", "\ue81e", "\ue864"}.intersection(chars)


def test_big5_has_the_characters_that_the_codec_lacks() -> None:
    assert len(BIG5_CHARS) == len(set(BIG5_CHARS)) == len(big5_beyond()) == 192
    for code, char in big5_beyond().items():
        with pytest.raises(UnicodeDecodeError):
            code.decode("big5hkscs")  # Python has it now: leave it out of the table
        assert one(code, "big5") == char


@pytest.mark.parametrize("number", ["874", *map(str, range(1250, 1259))])
def test_windows_code_pages_have_a_control_where_they_have_no_character(number: str) -> None:
    for byte in range(0x80, 0xA0):
        assert one(bytes((byte,)), f"windows-{number}") is not None


@pytest.mark.parametrize(
    ("codec", "body", "text"),
    [
        ("euc_jp", b"\xa9\xa1\xa4\xa2", "\ufffdあ"),  # a code without a character is passed over whole
        ("euc_jp", b"\xa4<p>", "\ufffd<p>"),  # its first half is not, so that markup survives
        ("euc_jp", b"\x8f\xa1\xa1\xa4\xa2", "\ufffdあ"),
        ("euc_jp", b"\xff\xa4\xa2", "\ufffdあ"),  # a byte that begins no code
        ("cp949", b"\xc9\xa1\xb0\xa1", "\ufffd가"),
        ("big5hkscs", b"\x81\xa1\xa4\x40", "\ufffd一"),
        ("cp932", b"\xa0\x82\xa0", "\ufffdあ"),
        ("gb18030", b"\xff\xb0\xa1", "\ufffd啊"),
    ],
)
def test_what_follows_a_bad_code_is_read_in_step(codec: str, body: bytes, text: str) -> None:
    assert decode_as_browsers(body, codec) == (text, 1)


def test_iso_2022_jp_with_nec_signs_katakana_and_roman() -> None:
    body = b'a\x1b$B-!$"\x1b(J~\x1b(I1\x1b$@0l\nb\x1b(Bc'
    assert decode_as_browsers(body, "iso2022_jp_ext") == ("a①あ~ｱ一\nbc", 0)


@pytest.mark.parametrize(("bad", "encoding"), [(4, "euc_jp"), (40, "other")])
def test_a_declared_encoding_survives_a_few_bad_bytes(bad: int, encoding: str) -> None:
    """42 characters: four bad codes are under a tenth of them, forty are not."""
    body = SENTENCE.encode("euc_jp") + b"<p>" + b"\xff " * bad
    decoded = decode_html(body, "euc-jp")
    assert (decoded is not None and decoded[1] == "euc_jp") == (encoding == "euc_jp")
    if encoding == "euc_jp":
        assert decoded is not None and SENTENCE in decoded[0]
