"""log.jsonl: a line a step, with its loss, its pace and how much of the hardware's peak that is."""

from __future__ import annotations

import math
from typing import Any

from trainer.model.config import flops_per_token
from trainer.run.folder import LOG
from trainer.run.loop import Hook, StepDone, Training

# Dense bfloat16 FLOP/s (T4: float16) by the beginning of a device kind; the longest that fits counts.
PEAK_FLOPS: dict[str, float] = {
    "NVIDIA A100": 312e12,
    "NVIDIA H100": 989e12,
    "NVIDIA H100 PCIe": 756e12,
    "NVIDIA H200": 989e12,
    "NVIDIA B200": 2250e12,
    "NVIDIA L4": 121e12,
    "NVIDIA L40": 181e12,
    "NVIDIA L40S": 362e12,
    "Tesla T4": 65e12,
    "TPU v4": 275e12,
    "TPU v5 lite": 197e12,
    "TPU v5p": 459e12,
    "TPU v6 lite": 918e12,
}


class LogSteps(Hook):
    """Logs each step.

    mfu: model FLOPs utilization, of all devices together; None where a device's peak is not known, as a CPU's
    """

    def on_step(self, training: Training, done: StepDone) -> None:
        training.log(LOG, step_line(training, done))


def step_line(training: Training, done: StepDone) -> dict[str, Any]:
    """A line of log.jsonl. Padding is no token: it counts neither as seen nor for the pace."""
    tokens = training.source.learned(done.step, training.settings.batch_size)
    pace = tokens / done.seconds
    peak = peak_flops(training.backend.device_kind)
    flops = flops_per_token(training.settings.model) * pace
    return {
        "step": done.step,
        "loss": finite(done.result.loss),
        "lr": done.rate,
        "grad_norm": finite(done.result.grad_norm),
        "applied": done.result.applied,
        "tokens": tokens,
        "seconds": done.seconds,
        "waited_s": done.waited_s,
        "tokens_per_s": pace,
        "mfu": flops / (peak * training.backend.devices) if peak else None,
    }


def peak_flops(device_kind: str) -> float | None:
    """FLOP/s of one device, None where they are not known, as of CPUs."""
    fitting = [name for name in PEAK_FLOPS if device_kind.startswith(name)]
    return PEAK_FLOPS[max(fitting, key=len)] if fitting else None


def finite(value: float) -> float | None:
    """The value as JSON can hold it, which has no NaN."""
    return value if math.isfinite(value) else None
