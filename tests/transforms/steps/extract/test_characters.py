"""What XML can't hold goes wherever it stands; what belongs to words and emoji stays."""

from __future__ import annotations

import time

import pytest

from transforms.steps.extract.characters import without_impossible, without_invisible

SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"  # its flag: letters as tags


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ("<p>a&#8;b", "<p>ab"),
        ("<p>a&#x1B;b&#X1f;c&#8d", "<p>abcd"),
        ("<p title='a&#1;'>\x02\x7f", "<p title='a'>\x7f"),  # DEL is a character of XML
        ("a&#0;&#x0000;\0b", "ab"),
        ("a&#xFFFE;&#xffff;\uffff&#xD800;&#57343;b", "ab"),
        ("a&#1114112;&#99999999999999999999;b&#1114111;", "ab&#1114111;"),
        ("one\x0ctwo&#12;three\x0bfour&#11;five", "one two three four five"),
        ("&#9;&#10;&#13;&#32;&#xFFFD;&amp;#8;", "&#9;&#10;&#13;&#32;&#xFFFD;&amp;#8;"),
        ("don&#146;t &#x93;say&#x94; &#128;5&#129;", "don\u2019t \u201csay\u201d €5&#129;"),  # Windows' characters
        ("&#&#8;8; &&#8;#8; &#x&#8;8;", "&amp;#8; &amp;#8; &amp;#x8;"),  # a browser shows what stood around it
        ("&#55&#8;296;&#65&#1;", "&#55;296;&#65;"),
        ("&#x;&#;", "&#x;&#;"),
    ],
)
def test_what_xml_cannot_hold_goes(html: str, cleaned: str) -> None:
    assert without_impossible(html) == cleaned


def test_every_character_is_one_of_both_kinds() -> None:
    """XML 1.0, section 2.2: tab, line feed, return, and what is no control, no half of a pair, no U+FFFE or U+FFFF."""
    may_stand = {*map(chr, (9, 10, 13, 0x20, 0x7F, 0x9F, 0xD7FF, 0xE000, 0xFFFD, 0x10000, 0x1FFFE, 0x10FFFF))}
    may_not = {*map(chr, (*range(9), *range(14, 32), 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xFFFE, 0xFFFF))}
    for char in may_stand | may_not:
        assert without_impossible(f"<p>ä{char}b") == (f"<p>ä{char}b" if char in may_stand else "<p>äb")
    assert without_impossible("a\x0bb\x0cc") == "a b c"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian
        ("क्\u200dष क्\u200c", "क्\u200dष क्\u200c"),  # Hindi, the second at a word's end
        ("ශ්\u200dරී ലങ്\u200cക", "ශ්\u200dරී ലങ്\u200cക"),  # Sinhala, Malayalam
        ("ᠠ\u180eᠡ", "ᠠ\u180eᠡ"),  # Mongolian
        ("۝\u06dd \u06001", "۝\u06dd \u06001"),
        ("👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 🧑🏽\u200d🚀", "👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 🧑🏽\u200d🚀"),
        (SCOTLAND, SCOTLAND),
        ("wa\u200cter, hid\u200dden", "water, hidden"),  # no joiners in Latin
        ("co\u00adop\u200berate\ufeff \u200e\u2060x\x07", "cooperate x"),
        ("👩 \u200d👧a", "👩 👧a"),
        ("a\U000e0041\U000e007f", "a"),
        ("one\ttwo\u00a0three\u2028", "one\ttwo\u00a0three\u2028"),
    ],
)
def test_invisible_characters_go_unless_they_belong_to_words(text: str, kept: str) -> None:
    assert without_invisible(text) == kept


@pytest.mark.parametrize("html", ["&#" * 250_000 + "8;" * 250_000, "&" * 1_000_000, "&#x" * 300_000, "&#8;" * 250_000])
def test_it_takes_time_linear_in_the_page(html: str) -> None:
    started = time.process_time()
    without_impossible(html)
    assert time.process_time() - started < 5  # 0.2 s; a pass for each level of nesting took hours
