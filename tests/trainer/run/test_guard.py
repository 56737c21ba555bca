"""What the guard finds wrong with a step, and when it gives up; what devices could do."""

from __future__ import annotations

import math

import numpy as np

from trainer.backend.protocol import StepResult
from trainer.run.guard import MAX_SKIPPED_IN_A_ROW, Guard
from trainer.run.step_log import peak_flops


def result(loss: float, applied: bool = True) -> StepResult:
    return StepResult(loss, 1.0, np.array([loss]), applied)


def test_the_guard_tells_jumps_and_what_is_not_finite() -> None:
    guard = Guard()
    assert [guard.judge(result(9.0 - at / 20)) for at in range(30)] == [None] * 30
    assert guard.judge(result(9.5)) is None
    assert guard.judge(result(14.0)) == "spike"
    assert guard.judge(result(math.nan, applied=False)) == "not finite"
    assert guard.judge(result(8.0)) is None
    judged = [guard.judge(result(14.0)) for _ in range(60)]
    assert judged[0] == "spike"
    assert judged[-1] is None  # a new range


def test_the_guard_gives_up_on_what_goes_on() -> None:
    guard = Guard()
    for _ in range(MAX_SKIPPED_IN_A_ROW - 1):
        guard.judge(result(math.nan, applied=False))
    assert not guard.is_unrecoverable
    guard.judge(result(math.nan, applied=False))
    assert guard.is_unrecoverable


def test_peaks_of_devices() -> None:
    assert peak_flops("NVIDIA H100 80GB HBM3") == 989e12
    assert peak_flops("NVIDIA H100 PCIe") == 756e12
    assert (peak_flops("NVIDIA L40S"), peak_flops("NVIDIA L40")) == (362e12, 181e12)
    assert peak_flops("cpu") is None
