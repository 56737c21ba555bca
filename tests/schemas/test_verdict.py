"""A check passes on the side of its threshold that it names."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Literal

import pytest

from schemas.verdict import Check, Drop


@pytest.mark.parametrize(
    "keep, below, equal, above",
    [
        ("<=", True, True, False),
        (">=", False, True, True),
        ("<", True, False, False),
        (">", False, False, True),
    ],
)
def test_checks(keep: Literal["<=", ">=", "<", ">"], below: bool, equal: bool, above: bool) -> None:
    passed = [Check("rule", "measure", value, keep, 0.5).passed for value in (0.49, 0.5, 0.51)]
    assert passed == [below, equal, above]
    assert not Check("rule", "measure", float("nan"), keep, 0.5).passed  # what can't be measured is no pass


def test_verdicts_are_values() -> None:
    drop = Drop("c4", "lorem", 1.0, 0.0)
    assert drop == Drop("c4", "lorem", 1.0, 0.0)
    assert hash(drop) == hash(Drop("c4", "lorem", 1.0, 0.0))
    assert drop.fate == "dropped"
    with pytest.raises(FrozenInstanceError):
        drop.reason = "other"  # type: ignore[misc]
