"""How the learning rate goes over a training: plain functions of the step, the same for every backend."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainer.faults import BadRun

SCHEDULES = ("wsd", "cosine", "constant")


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up to `peak` over `warmup` steps, then by `kind` down to `floor` · peak at the last of `steps` steps.

    wsd: level until the last `decay` share of the steps, then down in a line (nanochat's trapezoid; MiniCPM's
    warm-up, stable, decay). cosine: half a wave over all that follows the warm-up.
    """

    kind: str
    peak: float
    steps: int
    warmup: int
    decay: float = 0.4  # nanochat has .65, MiniCPM .1; see trainer/README.md
    floor: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in SCHEDULES:
            raise BadRun(f"no schedule is called '{self.kind}'; known: {', '.join(SCHEDULES)}")
        if not (0 < self.peak < math.inf):
            raise BadRun(f"a learning rate of {self.peak} can't be; give a number above 0, such as 0.003")
        if not 0 <= self.warmup < max(self.steps, 1):
            raise BadRun(f"a warm-up of {self.warmup} steps does not fit into {self.steps}; give fewer")
        if not (0 < self.decay <= 1 and 0 <= self.floor <= 1):
            raise BadRun(
                "a schedule's decay is a share of the steps above 0, its floor a share of the rate from 0 to 1"
            )

    def rate(self, step: int) -> float:
        """Learning rate of a step, the first of which is 0."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        return self.peak * (self.floor + (1 - self.floor) * self._height(step))

    def _height(self, step: int) -> float:
        """1 at the top, 0 one step after the last."""
        if self.kind == "constant":
            return 1.0
        left = self.steps - step
        if self.kind == "wsd":
            return min(1.0, left / max(self.steps * self.decay, 1))
        return 0.5 * (1 - math.cos(math.pi * left / (self.steps - self.warmup)))
