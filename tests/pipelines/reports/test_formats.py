"""How numbers and texts from outside are written."""

from __future__ import annotations

import pytest

from pipelines.reports.formats import (
    clean,
    compact,
    duration,
    file_name,
    number,
    on_one_line,
    passage,
    share,
    size,
    span,
)


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "–"), (0, 5, "0 %"), (5, 5, "100 %"), (1, 9999, "<0.1 %"), (9999, 10000, ">99.9 %"), (312, 1994, "15.6 %")],
)
def test_share(part: int, whole: int, said: str) -> None:
    assert share(part, whole).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (number(10_000_000_000), "10,000,000,000"),
        (number(4.7249), "4.72"),
        (number(1e300 * 1e300), "–"),
        (size(0), "0 B"),
        (size(999_950), "1.0 MB"),
        (size(412e6), "412 MB"),
        (duration(31.2), "31.2 s"),
        (duration(59.99), "1 min 00 s"),
        (duration(11_520), "3 h 12 min"),
        (compact(512, 1024), "512"),
        (compact(65536, 1024), "64k"),
        (compact(1_200_000_000, 1000), "1.2G"),
        (span(1, 2), "1"),
        (span(2, 4), "2 to 3"),
        (span(1024, 2048), "1,024 to 2,047"),
        (span(128, None), "128 or more"),
        (clean("a\u200cb\nc"), "a⟨U+200C⟩b␊c"),
        (clean("\ud800\x00\x7f\u202e"), "⟨U+D800⟩␀⟨U+007F⟩⟨U+202E⟩"),
        (passage("a\u200cb\r\nc\u202d", 600), "a\u200cb\nc⟨U+202D⟩"),
        (clean("<" * 5, limit=2), "<<…"),
        (file_name("s3://bucket/a.json"), "a.json"),
        (file_name("C:\\models\\folder\\"), "folder"),
    ],
)
def test_ways_of_writing(said: str, expected: str) -> None:
    assert said.replace("\u00a0", " ") == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [("a b", "a·b"), ("\n\t\r", "⏎⇥␍"), ("\x1b[2J", "<U+001B>[2J"), ("\u202e", "<U+202E>"), ("\u200d", "\u200d")],
)
def test_nothing_on_one_line_moves_the_cursor(text: str, said: str) -> None:
    assert on_one_line(text) == said
