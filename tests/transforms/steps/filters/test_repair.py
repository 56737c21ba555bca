"""ftfy is shown only the lines that it may change, and the text comes out as if it had seen all of them."""

from __future__ import annotations

import random

import pytest

from transforms.steps.filters.repair import RepairText, _ftfy

SIGNS = [
    "a",
    "Ã©",
    "â€™",
    "“",
    "”",
    "&lt;",
    "<",
    "\x85",
    "\x92",
    "\xa0",
    "Â",
    "\n",
    "\x1b[0m",
    " é",
    "œ",
    "&",
    "&eacute;",
    "\ud800",
    "’",
    "…",
    "—",
    "\u2028",
    ".",
]


@pytest.mark.slow
def test_it_is_as_if_ftfy_had_seen_the_whole_text() -> None:
    fix, config = _ftfy()
    draw = random.Random(1)
    texts = ["".join(draw.choices(SIGNS, k=draw.randint(1, 60))) for _ in range(2000)]
    step = RepairText(bars=False)
    assert [step.repaired(text) for text in texts] == [fix(text, config=config) for text in texts]
    assert any(step.repaired(text) != text for text in texts)


def test_a_line_that_ends_in_a_doubtful_sign_is_seen_with_its_end() -> None:
    fix, config = _ftfy()
    step = RepairText(bars=False)
    for text in ("coeurœ\nplain", "Ã©œ\nplain\n", "é\n", "œ", "A & B < C &amp; D\nx", "a<b\n&eacute;", "&eacute;\na<b"):
        assert step.repaired(text) == fix(text, config=config)
