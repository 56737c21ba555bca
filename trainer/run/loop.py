"""The training loop: the same for every backend, and after a crash as without one. All else is done by hooks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trainer.backend.make import check_devices, make_backend
from trainer.backend.protocol import Backend, Group, SingleProcess, Snapshot, StepResult
from trainer.data.batches import BatchSource, PlanReader
from trainer.data.feed import Feed
from trainer.model.config import to_hf
from trainer.model.initial import initial_weights
from trainer.run.folder import RunFolder
from trainer.run.job import TrainJob
from trainer.run.resume import open_run
from trainer.run.stopping import Stopper

EVAL_DUE = "evaluation_due"  # in a checkpoint's state: whether the evaluation at its step is still to be done


@dataclass(frozen=True)
class StepDone:
    """A step of training whose result is known.

    step: its number, from 0
    rate: its learning rate
    seconds: since the result of the step before, without evaluations and checkpoints
    waited_s: of these, spent waiting for the batch
    """

    step: int
    rate: float
    result: StepResult
    seconds: float
    waited_s: float


class EvaluationLeft(Exception):
    """An evaluation that ended early because a signal asked to stop."""


class Hook:
    """What a training does besides computing steps and saving checkpoints; a hook overrides what it needs.

    Hooks are called in the order that they are given in. All but `on_log` and `on_note` are called in each of the
    processes that train together, so that they can compute together; only `training.is_first` may write. What a hook
    raises ends the training.
    """

    def on_start(self, training: Training) -> None:
        """Before the first step of this process. `training.steps` are done, more than 0 in a run that is resumed."""

    def on_step(self, training: Training, done: StepDone) -> None:
        """After each step. The next one may be under way, so the weights are not this step's."""

    def on_eval(self, training: Training) -> None:
        """Before the first step, after each `job.evaluated_every` steps and after the last, with no step under way."""

    def on_save(self, training: Training, snapshot: Snapshot) -> None:
        """After `training.steps` steps, when a checkpoint of them begins to be written."""

    def on_end(self, training: Training) -> None:
        """When the loop ends, by whatever: the last step, a signal or an exception."""

    def on_log(self, name: str, line: dict[str, Any]) -> None:
        """A line has been appended to one of the run's logs (`trainer.run.folder`). In the first process alone."""

    def on_note(self, text: str) -> None:
        """A note to the user. In the first process alone."""


class Training:
    """A run, from the state in its folder to its end.

    job: what to train, and how
    hooks: what to do besides; `trainer.run.hooks.standard_hooks` are a command's
    group: processes that train it together, the first of which writes
    backend: None makes the job's own
    source: of batches; None for the job's plan

    steps: steps done
    """

    def __init__(
        self,
        job: TrainJob,
        hooks: Sequence[Hook] = (),
        group: Group | None = None,
        backend: Backend | None = None,
        source: BatchSource | None = None,
    ) -> None:
        self.job, self.settings, self.hooks = job, job.settings, tuple(hooks)
        self.group = group or SingleProcess()
        self.is_first = self.group.rank == 0
        check_devices(job.backend, self.settings, job.devices, self.group)
        self.folder, self.source = RunFolder(job.output), source or PlanReader(job.shards, job.plan)
        self.checkpoints, newest = open_run(job, self.folder, self.group, self.note)
        self.steps = self._saved = self._finished = newest.step if newest else 0
        self._eval_due = self.steps == 0 or (newest is not None and newest.state.get(EVAL_DUE, False))
        start = newest.load() if newest else self._first()
        self.backend = backend or make_backend(job.backend, self.settings, start, job.devices, self.group, job.compiled)
        if self.backend.note:
            self.note(self.backend.note)

    def _first(self) -> Snapshot:
        """What a run begins with: drawn weights, or another run's."""
        if self.job.parent is not None:
            return Snapshot(self.job.parent.weights(), {})
        return Snapshot(initial_weights(self.settings.model, self.settings.seed), {})

    def run(self, stopper: Stopper) -> bool:
        """Train to the end, or until asked to stop. Returns whether it is the end.

        Raises BrokenRun if it can't go on: the backend or a checkpoint failed, or a hook gives up.
        """
        settings, rank, world = self.settings, self.group.rank, self.group.world
        self._stopper = stopper
        stopper.has_unsaved, stopper.kept = self._has_unsaved, self._kept
        feed = Feed(
            lambda step: self.source.batch(step, settings.batch_size, rank, world),
            range(self.steps, settings.steps),
            ahead=self.source.ahead,
        )
        try:
            for hook in self.hooks:
                hook.on_start(self)
            self._train(feed, stopper)
            if self.steps > self._saved or (self._eval_due and self.steps):
                self._save()
        finally:
            feed.close()
            for hook in self.hooks:
                hook.on_end(self)
            self.checkpoints.wait()
        return self.steps == settings.steps and not self._eval_due

    def _has_unsaved(self) -> bool:
        return self._finished > self._saved or self.checkpoints.is_writing

    def _kept(self) -> str:
        done = f"{self._saved:,} of {self.settings.steps:,} steps are saved in {self.job.output}"
        return f"stopped; {done}. The same command goes on from there"

    def _train(self, feed: Feed, stopper: Stopper) -> None:
        if self._eval_due and not self._evaluate():
            return
        pending: Pending | None = None
        self._clock = time.perf_counter()
        while self.steps < self.settings.steps:
            waited_s = feed.waited_s
            batch, rate = feed.next(), self.settings.schedule.rate(self.steps)
            started = self.backend.step(batch, rate)
            # A result is read while the next step is computed, so that the device never waits for this process.
            if pending is not None:
                self._finish(pending)
            pending = Pending(self.steps, rate, started, feed.waited_s - waited_s)
            self.steps += 1
            if self._is_pause():
                self._finish(pending)
                pending = None
                self._pause()
            if self.group.any_soon(stopper.asked is not None):
                break
        if pending is not None:
            self._finish(pending)

    def _finish(self, pending: Pending) -> None:
        result = self.backend.result(pending.started)
        now = time.perf_counter()
        done = StepDone(pending.step, pending.rate, result, now - self._clock, pending.waited_s)
        self._clock = now
        for hook in self.hooks:
            hook.on_step(self, done)
        self._finished = pending.step + 1

    def _is_pause(self) -> bool:
        every = (self.job.save_every, self.job.evaluated_every)
        return self.steps == self.settings.steps or any(self.steps % steps == 0 for steps in every)

    def _pause(self) -> None:
        """Evaluate and save between steps, in time that counts for none of them."""
        is_end = self.steps == self.settings.steps
        if is_end or self.steps % self.job.evaluated_every == 0:
            self._evaluate()
        if not is_end and not self._eval_due and self.steps % self.job.save_every == 0:
            self._save()
        self._clock = time.perf_counter()

    def _evaluate(self) -> bool:
        """Returns whether the evaluation came to its end; else it is done when the training goes on."""
        self._eval_due = True
        try:
            for hook in self.hooks:
                hook.on_eval(self)
        except EvaluationLeft:
            return False
        self._eval_due = False
        return True

    def leave_evaluation(self) -> None:
        """Raises EvaluationLeft if a signal has asked to stop; not where processes train together, which must agree."""
        if self._stopper.asked is not None and self.group.world == 1:
            raise EvaluationLeft

    def _save(self) -> None:
        shards, snapshot = self.job.shards, self.backend.snapshot()
        if self.is_first:
            self.folder.flush_logs()
            config = to_hf(self.settings.model, shards.bos_id, self.job.ends_with, shards.pad_id)
            self.checkpoints.save(self.steps, snapshot, config, {**self.job.state(), EVAL_DUE: self._eval_due})
        self._saved = self.steps
        for hook in self.hooks:
            hook.on_save(self, snapshot)

    def log(self, name: str, line: dict[str, Any]) -> None:
        """Append a line to a log of the run, in the first process alone."""
        if self.is_first:
            self.folder.append(name, line)
            for hook in self.hooks:
                hook.on_log(name, line)

    def note(self, text: str) -> None:
        """Show a note to the user, in the first process alone."""
        if self.is_first:
            for hook in self.hooks:
                hook.on_note(text)


@dataclass(frozen=True)
class Pending:
    """A step that is being computed.

    started: the backend's handle to its result.
    """

    step: int
    rate: float
    started: Any
    waited_s: float
