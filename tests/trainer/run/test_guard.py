"""What the guard finds wrong with a step, and when it gives up; what devices could do."""

from __future__ import annotations

import math

import numpy as np
import pytest

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


@pytest.mark.parametrize(
    ("kind", "teraflops"),
    [
        *[("NVIDIA H100 80GB HBM3", 989), ("NVIDIA H100 PCIe", 756), ("NVIDIA H100 NVL", 835), ("NVIDIA H200", 989)],
        *[("NVIDIA L4", 121), ("NVIDIA L40", 181), ("NVIDIA L40S", 362), ("NVIDIA A40", 149.7)],
        *[("NVIDIA A10", 125), ("NVIDIA A10G", 70), ("NVIDIA A100-SXM4-40GB", 312), ("NVIDIA A100 80GB PCIe", 312)],
        *[("Tesla T4", 65), ("Tesla V100-SXM2-16GB", 125), ("Tesla V100-PCIE-32GB", 112)],
        *[("NVIDIA GH200 480GB", 989), ("NVIDIA B300 SXM6 AC", 2250), ("NVIDIA GB200", 2500)],
        *[("NVIDIA GeForce RTX 4090", 165.2), ("NVIDIA GeForce RTX 5090", 209.5)],
        # Others whose names begin as theirs do.
        *[("NVIDIA GeForce RTX 4090 Laptop GPU", None), ("NVIDIA GeForce RTX 4090 D", None)],
        *[("NVIDIA A1000", None), ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", None), ("cpu", None)],
    ],
)
def test_peaks_of_devices(kind: str, teraflops: float | None) -> None:
    assert peak_flops(kind) == (None if teraflops is None else pytest.approx(teraflops * 1e12))
