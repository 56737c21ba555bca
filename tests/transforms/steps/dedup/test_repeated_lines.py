"""Lines that a document says twice."""

from __future__ import annotations

import pytest

from transforms.steps.dedup.repeated_lines import DropRepeatedLines

LONG = "a line of twenty five char"


@pytest.mark.parametrize(
    ("text", "expected", "removed"),
    [
        ("", "", 0),
        (LONG, LONG, 0),
        (f"{LONG}\n{LONG}", LONG, 1),
        (f"{LONG}\nother\n{LONG}\n{LONG}\nend", f"{LONG}\nother\nend", 2),  # the first stays
        (f"{LONG}\n  {LONG}\t", LONG, 1),  # by what stands between the spaces
        (f"  {LONG}\n{LONG}", f"  {LONG}", 1),
        (f"{LONG}\n{LONG.upper()}", f"{LONG}\n{LONG.upper()}", 0),
        (f"{LONG}\n{LONG}!", f"{LONG}\n{LONG}!", 0),
        ("x" * 20 + "\n" + "x" * 20, "x" * 20, 1),
        ("x" * 19 + "\n" + "x" * 19, "x" * 19 + "\n" + "x" * 19, 0),  # a refrain
        ("x" * 19 + " \n" + "x" * 19 + " ", "x" * 19 + " \n" + "x" * 19 + " ", 0),  # spaces make it no longer
        ("a\n\n\nb\n\n", "a\n\n\nb\n\n", 0),
        (f"{LONG}\n\n{LONG}\n\n", f"{LONG}\n\n\n", 1),
        (f"{LONG}\r\n{LONG}\r\n", f"{LONG}\r\n", 1),
    ],
)
def test_repeated_lines(text: str, expected: str, removed: int) -> None:
    drop = DropRepeatedLines()
    assert drop(text) == (expected, removed)
    assert drop(expected) == (expected, 0)  # once is enough


@pytest.mark.parametrize(("min_chars", "expected"), [(0, ("ab\n", 2)), (2, ("ab\n\n", 1)), (3, ("ab\n\nab\n", 0))])
def test_the_shortest_line_that_may_go_is_a_setting(min_chars: int, expected: tuple[str, int]) -> None:
    assert DropRepeatedLines(min_chars)("ab\n\nab\n") == expected
