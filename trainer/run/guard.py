"""Watches the loss: steps that are not finite, or whose loss jumps, are logged with the documents of their batch."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from schemas.faults import BrokenRun
from trainer.backend.protocol import StepResult
from trainer.run.folder import FAULTS, LOG
from trainer.run.loop import Hook, StepDone, Training
from trainer.run.step_log import finite

REMEMBERED, MIN_REMEMBERED = 50, 20  # steps that a loss is compared with, and how many there must be
MIN_JUMP = 1.0  # nats above their median; smaller ones are not reported
WIDTH = 8.0  # or so many median absolute deviations: of a normal distribution, 5.4 standard deviations
MAX_SKIPPED_IN_A_ROW = 10  # steps without an update, after which the training ends
WORST_ROWS = 3  # of a batch at fault whose documents are named

NOT_FINITE, SPIKE = "not finite", "spike"


@dataclass
class Guard:
    """Judges each step by the ones before it.

    losses: of the last steps that were applied, nats
    failed: steps in a row that were not applied
    """

    losses: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    failed: int = 0

    def judge(self, result: StepResult) -> str | None:
        """What is wrong with a step, or None."""
        if not result.applied:
            self.failed += 1
            return NOT_FINITE
        self.failed = 0
        jumped = len(self.losses) >= MIN_REMEMBERED and result.loss > self._limit()
        self.losses.append(result.loss)  # of a jump too: a loss that stays high is a new range, not a fault each step
        return SPIKE if jumped else None

    @property
    def is_unrecoverable(self) -> bool:
        return self.failed >= MAX_SKIPPED_IN_A_ROW

    def _limit(self) -> float:
        middle = statistics.median(self.losses)
        deviation = statistics.median(abs(loss - middle) for loss in self.losses)
        return middle + max(MIN_JUMP, WIDTH * deviation)


class WatchLoss(Hook):
    """Logs what the guard finds, and ends a training in which step after step is not finite."""

    def on_start(self, training: Training) -> None:
        earlier = (line["loss"] for line in training.folder.lines(LOG) if line["applied"])
        self._guard = Guard(deque(earlier, REMEMBERED))

    def on_step(self, training: Training, done: StepDone) -> None:
        fault = self._guard.judge(done.result)
        if fault is None:
            return
        if training.is_first:
            report_fault(training, done, fault)
        if self._guard.is_unrecoverable:
            raise BrokenRun(
                f"{self._guard.failed} steps in a row, up to step {done.step:,}, had a loss or gradient that is not "
                f"finite; the weights are those before them, the documents in {training.folder.path / FAULTS}; try a "
                "lower --lr or a longer --warmup"
            )


def report_fault(training: Training, done: StepDone, fault: str) -> None:
    """Name the documents of a batch at fault, the rows with the highest loss first."""
    step, loss = done.step, done.result.loss
    rows = list(worst_rows(training, done))
    training.log(FAULTS, {"step": step, "fault": fault, "loss": finite(loss), "rows": rows})
    urls = ", ".join(document["url"] or document["doc_id"] for document in rows[0]["documents"][:2])
    left = "" if done.result.applied else "; the weights are left as they were"
    where = training.folder.path / FAULTS
    training.note(f"step {step:,}: loss {loss:.4g} is a fault ({fault}){left}: {urls} (more in {where})")


def worst_rows(training: Training, done: StepDone) -> Iterable[dict[str, Any]]:
    """Rows of a batch with the highest losses, NaN before all, and their documents."""
    losses = [float(loss) for loss in done.result.row_losses]
    for index in sorted(range(len(losses)), key=lambda index: rank_of(losses[index]))[:WORST_ROWS]:
        told = training.source.described(done.step * training.settings.batch_size + index)
        yield {"row": told.pop("row"), "loss": finite(losses[index]), **told}


def rank_of(loss: float) -> tuple[bool, float]:
    """Sorts NaN first, then the highest."""
    return loss == loss, -loss if loss == loss else 0.0
