"""Watches the loss: what is not finite, and what jumps out of the last steps' range."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, field

from trainer.backend import StepResult

REMEMBERED, LEAST = 50, 20  # steps that a loss is held against, and how many there must be
LEAST_JUMP = 1.0  # nats above their median; smaller ones are told by no one
WIDTH = 8.0  # or so many median absolute deviations: of a normal distribution, 5.4 standard deviations
MOST_IN_A_ROW = 10  # steps without an update, after which a training is at its end

NOT_FINITE, SPIKE = "not finite", "spike"


@dataclass
class Guard:
    """losses: of the last steps that were applied, from an earlier run's log on. failed: steps in a row."""

    losses: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    failed: int = 0

    def judge(self, result: StepResult) -> str | None:
        """What is wrong with a step, or None."""
        if not result.applied:
            self.failed += 1
            return NOT_FINITE
        self.failed = 0
        jumped = len(self.losses) >= LEAST and result.loss > self._limit()
        self.losses.append(result.loss)  # of a jump too: a loss that stays high is a new range, not a fault each step
        return SPIKE if jumped else None

    @property
    def is_hopeless(self) -> bool:
        return self.failed >= MOST_IN_A_ROW

    def _limit(self) -> float:
        middle = statistics.median(self.losses)
        deviation = statistics.median(abs(loss - middle) for loss in self.losses)
        return middle + max(LEAST_JUMP, WIDTH * deviation)
