"""Decoding HTML: declared, undeclared and lying encodings."""

from __future__ import annotations

import codecs
import random

import pytest

from transforms.steps.warc.charset import codec_of, declared_in, decode_html

# Sentences of our own, long enough for detection.
RUSSIAN = "Утром мы вышли из дома и пошли к реке, где уже стоял туман. Лодка была старая, но крепкая. " * 4
GREEK = "Το πρωί βγήκαμε από το σπίτι και πήγαμε στο ποτάμι, όπου είχε ομίχλη. Η βάρκα ήταν παλιά. " * 4
CZECH = "Ráno jsme vyšli z domu a šli k řece, kde už ležela mlha. Loď byla stará, ale pevná, říkal děd. " * 4
FRENCH = "Le matin, nous sommes allés à la rivière ; l’été était déjà passé – « très tôt ». " * 4
JAPANESE = "朝、家を出て川へ向かうと、もう霧が立っていました。舟は古いけれど丈夫です。" * 6
CHINESE = "早上我们离开家走到河边，那里已经有雾了。船虽然很旧，但是很结实。" * 6
TAIWANESE = "早上我們離開家走到河邊，那裡已經有霧了。船雖然很舊，但是很結實。" * 6
KOREAN = "아침에 우리는 집을 나와 강으로 갔는데 이미 안개가 끼어 있었다. 배는 낡았지만 튼튼했다. " * 5


def page(text: str, head: str = "") -> str:
    return f"<html><head>{head}<title>x</title></head><body><p>{text}</p></body></html>"


def meta(label: str) -> str:
    return f'<meta http-equiv="Content-Type" content="text/html; charset={label}">'


@pytest.mark.parametrize(
    ("what", "text", "codec", "header", "head"),
    [
        ("header", RUSSIAN, "cp1251", "windows-1251", ""),
        ("header in quotes", CZECH, "iso8859-2", "\"'ISO-8859-2'\"", ""),
        ("meta", RUSSIAN, "koi8-r", None, meta("koi8-r")),
        ("short meta", RUSSIAN, "cp866", None, "<meta charset=ibm866>"),
        ("meta behind a comment", RUSSIAN, "koi8-r", None, "<!-- <meta charset=utf-8> -->" + meta("KOI8-R")),
        ("meta far down", RUSSIAN, "koi8-r", None, "<style>" + "p{}" * 700 + "</style>" + meta("koi8-r")),
        ("header before meta", RUSSIAN, "cp1251", "cp1251", meta("koi8-r")),
        ("nonsense header, meta", RUSSIAN, "koi8-r", "x-nonsense", meta("koi8-r")),
        ("header says UTF-8", RUSSIAN, "cp1251", "utf-8", ""),
        ("header says UTF-8, meta knows", RUSSIAN, "koi8-r", "utf-8", meta("koi8-r")),
        ("header says Latin-1, is UTF-8", RUSSIAN, "utf-8", "iso-8859-1", ""),
        ("meta says Latin-1, is UTF-8", RUSSIAN, "utf-8", None, meta("iso-8859-1")),
        ("meta says UTF-16, is UTF-8", GREEK, "utf-8", None, meta("utf-16")),
        ("Latin-1 is windows-1252", FRENCH, "cp1252", "iso-8859-1", ""),
        ("gb2312 is gb18030", CHINESE + "镕㐀", "gb18030", "gb2312", ""),
        ("Big5", TAIWANESE, "big5", None, meta("big5")),
        ("Shift_JIS is cp932", JAPANESE + "①", "cp932", "shift_jis", ""),
        ("EUC-KR is cp949", KOREAN + "똠", "cp949", "euc-kr", ""),
        ("ISO-2022-JP", JAPANESE, "iso2022_jp", None, meta("iso-2022-jp")),
        ("ISO-2022-JP undeclared", JAPANESE, "iso2022_jp", None, ""),
        ("HZ", CHINESE, "hz", "hz-gb-2312", ""),
        ("UTF-16 by header", GREEK, "utf-16-be", "utf-16be", ""),
        ("UTF-16LE undeclared", RUSSIAN, "utf-16-le", None, ""),
        ("UTF-16BE undeclared ASCII", "plain words", "utf-16-be", None, ""),
        *(
            (f"undeclared {c}", t, c, None, "")
            for t, c in [(RUSSIAN, "cp1251"), (RUSSIAN, "koi8-r"), (CHINESE, "gb18030")]
        ),
        *(
            (f"undeclared {c}", t, c, None, "")
            for t, c in [(JAPANESE, "cp932"), (JAPANESE, "euc_jp"), (KOREAN, "cp949")]
        ),
        *(
            (f"undeclared {c}", t, c, None, "")
            for t, c in [(FRENCH, "cp1252"), (TAIWANESE, "big5"), (GREEK, "iso8859-7")]
        ),
        ("one stray letter", "plain words, déjà vu", "cp1252", None, ""),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 32 and "<" not in value else "",
)
def test_declared_undeclared_and_lying(what: str, text: str, codec: str, header: str | None, head: str) -> None:
    html = page(text, head)
    decoded = decode_html(html.encode(codec), header)
    assert decoded is not None and decoded[0] == html, what


@pytest.mark.parametrize(
    ("mark", "codec"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
def test_a_mark_beats_the_header(mark: bytes, codec: str) -> None:
    assert decode_html(mark + page(GREEK).encode(codec), "windows-1251") == (page(GREEK), codec)


def test_xml_declaration() -> None:
    html = '<?xml version="1.0" encoding="windows-1251"?>\n' + page(RUSSIAN)
    assert decode_html(html.encode("cp1251"), None) == (html, "cp1251")


def test_a_few_broken_bytes_are_replaced() -> None:
    body = page(RUSSIAN).encode()
    cut = body[: body.rindex("дома".encode()) + 3]  # inside a letter
    for broken in (cut, body.replace("реке".encode(), b"\xff\xfe", 1)):
        decoded = decode_html(broken, None)
        assert (
            decoded is not None and decoded[1] == "utf-8" and "\ufffd" in decoded[0] and "вышли из дома" in decoded[0]
        )
    decoded = decode_html(page(CHINESE).encode("gb18030").replace("雾".encode("gb18030"), b"\xff\xff", 1), "gbk")
    assert decoded is not None and decoded[1] == "gb18030" and "我们离开家" in decoded[0]
    decoded = decode_html(page("plain words " * 200).encode() + b"\xe9", "utf-8")
    assert decoded is not None and decoded[1] == "utf-8"


def test_half_utf8_half_something_else_is_what_it_says() -> None:
    body = page(RUSSIAN).encode() + RUSSIAN[: len(RUSSIAN) // 2].encode("cp1251")
    decoded = decode_html(body, "utf-8")
    assert decoded is not None and page(RUSSIAN) in decoded[0]


@pytest.mark.parametrize("header", [None, "utf-8", "gbk", "x-nonsense"])
def test_noise_is_undecodable(header: str | None) -> None:
    assert decode_html(random.Random(1).randbytes(20_000), header) is None


def test_no_nul_and_no_lone_surrogate_comes_out() -> None:
    bodies = [
        b"a\0b" * 9,
        codecs.BOM_UTF16_LE + b"a\0\0\0\x00\xd8b\0",
        b"<\0p\0\0\xdc>\0",
        b"\xed\xa0\x80 \xed\xb0\x80",
        b"\x83\x36\xc7\x38",
    ]
    for body in bodies:
        for header in (None, "utf-8", "utf-16", "gb18030", "utf-16be"):
            decoded = decode_html(body, header)
            if decoded is not None:
                decoded[0].encode()
                assert "\0" not in decoded[0]


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF8", "utf-8"),
        (" latin1 ", "cp1252"),
        ("ascii", "cp1252"),
        ("gb2312", "gb18030"),
        ("x-sjis", "cp932"),
        ("ks_c_5601-1987", "cp949"),
        ("", None),
        (None, None),
        ("utf-7", None),
        ("../../etc", None),
    ],
)
def test_labels(label: str | None, codec: str | None) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize(
    "head", [b"", b"<meta name=charset content=x>", b"<!-- <meta charset=koi8-r>", b"<meta charset=>"]
)
def test_nothing_declared(head: bytes) -> None:
    assert declared_in(head) is None
