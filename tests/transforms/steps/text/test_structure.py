"""What a line is, as Markdown marks it."""

from __future__ import annotations

import pytest

from transforms.steps.text.structure import kind_of, lines_of, spoken


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Gold is heavy.", "prose"),
        ("## Gold", "heading"),
        ("#gold and more", "prose"),
        ("- a pan", "item"),
        ("  * a pan", "item"),
        ("12. a pan", "item"),
        ("1912 was a good year.", "prose"),
        ("-5 degrees", "prose"),
        ("| a | b |", "row"),
        ("| --- | --- |", "blank"),
        ("|x| is a distance", "prose"),
        ("", "blank"),
        (" \t\u00a0", "blank"),
        ("- ", "blank"),
        ("***", "blank"),
    ],
)
def test_a_line_is_what_it_begins_with(line: str, kind: str) -> None:
    assert kind_of(line) == kind


def test_what_stands_between_fences_is_code() -> None:
    text = "Before\n```python\n# no heading\n- no item\n\n```\nAfter\n~~~\nopen"
    assert [line.kind for line in lines_of(text)] == ["prose", *["code"] * 5, "prose", "code", "code"]
    assert "\n".join(line.text for line in lines_of(text)) == text


def test_spoken_is_what_a_person_reads_out() -> None:
    assert spoken("# Gold\n\nIt is heavy.\n- a pan\n| a | b |\n```\nx = 1\n```") == "Gold\nIt is heavy.\n- a pan"
