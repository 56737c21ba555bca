"""log.jsonl: a line a step, with its loss, its pace and how much of the hardware's peak that is."""

from __future__ import annotations

import math
from typing import Any

from trainer.model.config import flops_per_token
from trainer.run.folder import LOG
from trainer.run.loop import Hook, StepDone, Training

# Dense bfloat16 FLOP/s with sums in float32, by the beginning of a device kind; the longest that fits counts. From
# NVIDIA's data sheets and Google's documentation of TPUs, without what they count for sparse matrices. T4 and V100
# compute in no bfloat16: theirs are of float16.
PEAK_FLOPS: dict[str, float] = {
    "Tesla T4": 65e12,
    "Tesla V100": 125e12,
    "Tesla V100-PCIE": 112e12,
    "NVIDIA A10": 125e12,
    "NVIDIA A10G": 70e12,
    "NVIDIA A30": 165e12,
    "NVIDIA A40": 149.7e12,
    "NVIDIA A100": 312e12,
    "NVIDIA L4": 121e12,
    "NVIDIA L40": 181e12,
    "NVIDIA L40S": 362e12,
    "NVIDIA H20": 148e12,
    "NVIDIA H100": 989e12,
    "NVIDIA H100 NVL": 835e12,
    "NVIDIA H100 PCIe": 756e12,
    "NVIDIA H200": 989e12,
    "NVIDIA H200 NVL": 835e12,
    "NVIDIA GH200": 989e12,
    "NVIDIA B200": 2250e12,
    "NVIDIA B300": 2250e12,
    "NVIDIA GB200": 2500e12,
    "NVIDIA GB300": 2500e12,
    "NVIDIA GeForce RTX 3090": 71e12,
    "NVIDIA GeForce RTX 4090": 165.2e12,
    "NVIDIA GeForce RTX 5090": 209.5e12,
    "TPU v4": 275e12,
    "TPU v5 lite": 197e12,
    "TPU v5p": 459e12,
    "TPU v6 lite": 918e12,
}
SLOWER = ("Laptop", "RTX 4090 D", "RTX 5090 D", "RTX 3090 Ti", "MIG")  # kinds that begin as another one's do


class LogSteps(Hook):
    """Logs each step.

    mfu: model FLOPs utilization, of all devices together and of their peak in bfloat16, in whichever dtype is computed;
        None where a device's peak is not known, as a CPU's
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
    """FLOP/s of one device in bfloat16, None where they are not known, as of CPUs."""
    if any(kind in device_kind for kind in SLOWER):
        return None
    # A name ends where the kind does, or a word of it: "NVIDIA A10" is no beginning of "NVIDIA A1000".
    fitting = [
        name for name in PEAK_FLOPS if device_kind.startswith(name) and not device_kind[len(name) :][:1].isalnum()
    ]
    return PEAK_FLOPS[max(fitting, key=len)] if fitting else None


def finite(value: float) -> float | None:
    """The value as JSON can hold it, which has no NaN."""
    return value if math.isfinite(value) else None
