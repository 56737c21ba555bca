"""Long lines as hashes, and which of them lead from one document to another."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.steps.dedup import components
from transforms.steps.dedup import long_lines as module
from transforms.steps.dedup.components import ASKS, line_stars
from transforms.steps.dedup.long_lines import as_rows, long_lines
from transforms.steps.dedup.shingles import hash_word


def packed(*lines: str) -> bytes:
    return b"".join(map(hash_word, lines))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abcde", packed("abcde")),
        ("abcd", b""),
        ("abcde\nabcdefg\nabcdef", packed("abcdefg", "abcdef", "abcde")),  # the longest first
        ("bbbbb\naaaaa", packed("aaaaa", "bbbbb")),
        ("abcde\nabcde", packed("abcde")),
        (" ABC\tDE \r\n", packed("abc de")),
        ("abc  de\nabc\u3000de\nabc de\u2003\n  abc de\nabc de ", packed("abc de")),
        ("a    b", b""),  # blanks add nothing
        ("", b""),
    ],
)
def test_long_lines(text: str, expected: bytes) -> None:
    assert long_lines(text.lower(), 5) == expected


def test_there_are_not_more_than_can_shuffle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINES", 2)
    assert long_lines("aaaaa\nbbbbbb\nccccccc", 5) == packed("ccccccc", "bbbbbb")


def test_a_document_asks_by_its_first_lines_and_answers_by_all() -> None:
    lines, nodes, asks = as_rows([packed("a", "b", "c"), None, b"", packed("d")], np.array([5, 6, 7, 8], np.uint64), 2)
    assert lines.tobytes() == packed("a", "b", "c", "d")
    assert nodes.tolist() == [5, 5, 5, 8]
    assert asks.tolist() == [True, True, False, True]


ASKING = int(ASKS)


@pytest.mark.parametrize(
    ("rows", "edges"),
    [
        ([], []),
        ([(1, 3), (1, 2)], []),  # nobody asks
        ([(1, 3 | ASKING), (1, 2)], [(3, 2)]),
        ([(1, 3), (1, 2 | ASKING)], [(3, 2)]),
        ([(1, 3 | ASKING), (2, 2 | ASKING)], []),
        ([(1, 3 | ASKING), (1, 2), (1, 4)], [(3, 2), (4, 2)]),
        ([(1, 3 | ASKING), (1, 2), (1, 4), (1, 5)], []),  # more than three have the line
    ],
)
def test_who_is_linked_by_a_line(
    rows: list[tuple[int, int]], edges: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(components, "MAX_SHARING", 3)
    found = line_stars(np.array(rows, np.uint64).reshape(-1, 2))
    assert [tuple(row) for row in found.tolist()] == edges
