"""Learning rates by the step, and schedules that can't be."""

from __future__ import annotations

import math

import pytest

from schemas.faults import BadInput
from trainer.settings import Schedule


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule("wsd", 1.0, 10, 2, decay=0.4), [0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25]),
        (Schedule("wsd", 2.0, 4, 0, decay=0.5, floor=0.5), [2, 2, 2, 1.5]),
        (Schedule("cosine", 1.0, 5, 1), [1, 1, 0.853553, 0.5, 0.146447]),
        (Schedule("constant", 3.0, 3, 2), [1.5, 3, 3]),
    ],
)
def test_rates(schedule: Schedule, expected: list[float]) -> None:
    assert [schedule.rate(step) for step in range(schedule.steps)] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "peak", "steps", "warmup", "decay"),
    [
        ("linear", 1.0, 10, 0, 0.4),
        ("wsd", 0.0, 10, 0, 0.4),
        ("wsd", math.nan, 10, 0, 0.4),
        ("wsd", 1.0, 10, 10, 0.4),
        ("wsd", 1.0, 10, -1, 0.4),
        ("wsd", 1.0, 10, 0, 0.0),
    ],
)
def test_schedules_that_cannot_be(kind: str, peak: float, steps: int, warmup: int, decay: float) -> None:
    with pytest.raises(BadInput):
        Schedule(kind, peak, steps, warmup, decay)
