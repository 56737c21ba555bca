"""Trainings from a test: to their end, stopped as if by a signal, or crashed at a step."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.shards.layout import PlanInfo
from trainer.backend.protocol import Backend
from trainer.run.folder import LOG, read_lines
from trainer.run.hooks import standard_hooks
from trainer.run.job import TrainJob
from trainer.run.loop import Hook, StepDone, Training
from trainer.run.stopping import Stopper


class StopAfter(Hook):
    """Asks to stop, as SIGTERM does, when so many steps are done."""

    def __init__(self, steps: int, stopper: Stopper) -> None:
        self._steps, self._stopper = steps, stopper

    def on_step(self, training: Training, done: StepDone) -> None:
        if done.step + 1 >= self._steps:
            self._stopper.asked = signal.SIGTERM


class CrashAfter(Hook):
    """Raises ZeroDivisionError when so many steps are done, while the next one is computed."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def on_step(self, training: Training, done: StepDone) -> None:
        if done.step + 1 == self._steps:
            raise ZeroDivisionError


def train(
    job: TrainJob, steps: int | None = None, hooks: Sequence[Hook] = (), backend: Backend | None = None
) -> Training:
    """Train with the standard hooks and others behind them, to the end or for so many steps."""
    with Stopper() as stopper:
        stops = [] if steps is None else [StopAfter(steps, stopper)]
        training = Training(job, [*standard_hooks(job), *hooks, *stops], backend=backend)
        assert training.run(stopper) is (steps is None)
    return training


def first_rows(plan: PlanInfo, rows: int, folder: Path) -> PlanInfo:
    """A plan of another one's first rows, written into a folder, without held-out text."""
    name, _, _ = plan.parts[0]
    table = pq.read_table(f"{plan.folder}/{name}", filters=pc.field("row") < rows)
    pq.write_table(table, folder / name)
    return replace(plan, folder=str(folder), rows=rows, parts=((name, 0, rows),), slices={})


def losses(run: str | Path) -> list[tuple[int, float, float]]:
    """Step, loss and gradient's norm of each line of a run's log."""
    return [(line["step"], line["loss"], line["grad_norm"]) for line in read_lines(Path(run) / LOG)]
