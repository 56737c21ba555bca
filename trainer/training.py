"""The loop of a training: the same for every backend, and the same after a crash as without one."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from schemas.shards import TRAIN
from trainer import tensorboard_log
from trainer.backend import Backend, Snapshot, StepResult, check_devices, make_backend
from trainer.batches import PlanReader
from trainer.checkpoints import Checkpoint, Checkpoints
from trainer.documents import Documents
from trainer.evaluation import Evaluation, token_bytes
from trainer.faults import BadRun, BrokenRun
from trainer.feed import Feed, StepSource
from trainer.group import Alone, Group
from trainer.guard import REMEMBERED, Guard
from trainer.initial_weights import initial_weights
from trainer.job import TrainJob, code_hash, versions
from trainer.model_config import flops_per_token, to_hf
from trainer.peaks import peak_flops
from trainer.progress import ProgressLine
from trainer.run_folder import EVALS, FAULTS, LOG, SAMPLES, RunFolder
from trainer.sampling import Sampling, Speaker, generate
from trainer.stopping import Stopper
from trainer.text import Text

WORST_ROWS = 3  # of a batch at fault whose documents are named


class Training:
    """A run from where it stands to its end. backend: None makes the job's own; group: processes that train it
    together, of which the first one writes; steps: those done."""

    def __init__(self, job: TrainJob, backend: Backend | None = None, group: Group | None = None) -> None:
        self.job, self.settings, self.group = job, job.settings, group or Alone()
        self.is_first = self.group.rank == 0
        check_devices(job.backend, self.settings, job.devices, self.group)
        self.folder = RunFolder(job.output)
        self.reader = PlanReader(job.shards, job.plan)
        bytes_V = token_bytes(f"{job.shards.folder}/tokenizer", job.shards.vocab_size)
        rows = max(self.settings.batch_size // self.settings.accumulate, 1)
        self.evaluation = Evaluation(job.shards, job.plan, bytes_V, rows, job.eval_rows)
        self.checkpoints = Checkpoints(self.folder.checkpoints, job.keep)
        self.progress = ProgressLine(self.settings.steps, job.quiet, silent=not self.is_first)
        self._in_first(self._prepare)
        self.text = Text(self.folder.tokenizer)
        found = self.checkpoints.newest()
        self.steps = self._saved = found.step if found else 0
        if self.group.of_first(self.steps) != self.steps:
            raise BadRun(f"output {job.output} is not the same folder for all processes; give one that they share")
        self._told_changes(found)
        snapshot = found.load() if found else Snapshot(initial_weights(self.settings.model, self.settings.seed), {})
        self.backend = backend or self._make_backend(snapshot)
        if self.backend.note:
            self.progress.say(self.backend.note)
        earlier = (line["loss"] for line in self.folder.lines(LOG) if line["applied"])
        self.guard = Guard(deque(earlier, REMEMBERED))
        self._peak = peak_flops(self.backend.device_kind)
        self._clock = time.perf_counter()

    def _make_backend(self, snapshot: Snapshot) -> Backend:
        job = self.job
        return make_backend(job.backend, self.settings, snapshot, job.devices, self.group, job.compiled)

    def _in_first(self, action: Callable[[], None]) -> None:
        """Do it in the first process while the others wait. Raises in all of them what it raises."""
        fault: BadRun | OSError | None = None
        if self.is_first:
            try:
                action()
            except (BadRun, OSError) as error:
                fault = error
        if self.group.any(fault is not None):
            raise fault or BadRun("the first process can't begin")

    def _prepare(self) -> None:
        """The folder and its logs, as a new run or the newest checkpoint wants them."""
        job = self.job
        self.folder.prepare({"settings": self.settings.as_dict(), "data": job.data}, job.overwrite)
        self.folder.take_tokenizer(job.shards.folder)
        self.checkpoints.clean()
        found = self.checkpoints.newest()
        self.folder.cut_logs(found.step if found else 0)
        if not tensorboard_log.follow(self.folder):
            self.progress.say(tensorboard_log.MISSING)

    def _told_changes(self, found: Checkpoint | None) -> None:
        """Say what is not as it was when the checkpoint was written, though the run may go on."""
        if found is None:
            return
        self.progress.say(f"going on from step {found.step:,} of {self.job.output}")
        for key, what in (("code_hash", "the trainer's code"), ("dataset_hash", "the shards' content")):
            if found.state.get(key) != self._state[key]:
                self.progress.say(f"note: {what} is not what it was at step {found.step:,}")

    @property
    def _state(self) -> dict[str, Any]:
        """What state.json tells besides the step."""
        return {
            "settings": self.settings.as_dict(),
            "data": self.job.data,
            "dataset_hash": self.job.shards.dataset_hash,
            "code_hash": code_hash(),
            "versions": versions(),
            "backend": self.job.backend,
        }

    def run(self, stopper: Stopper) -> bool:
        """Train to the end, or until asked to stop. Returns whether it is the end. Raises BrokenRun."""
        rank, world = self.group.rank, self.group.world
        source = StepSource(self.reader, self.settings.batch_size, self.settings.steps, rank, world)
        feed = Feed(source, self.steps)
        try:
            for _ in self._walk(feed):
                if self.group.any(stopper.asked is not None):
                    break
        finally:
            self.progress.close()
        if self.steps > self._saved:
            self._save()
        self.checkpoints.wait()
        return self.steps == self.settings.steps

    def _walk(self, feed: Feed) -> Iterator[None]:
        """One step at a time. Its result is read while the next one is computed, so the device never waits for us."""
        if self.steps == 0:
            self._evaluate()
        pending: tuple[int, Any, float] | None = None
        self._clock = time.perf_counter()
        while self.steps < self.settings.steps:
            waited = feed.waited_s
            batch = feed.next()
            started = self.backend.step(batch, self.settings.schedule.rate(self.steps))
            if pending is not None:
                self._settle(*pending)
            pending = self.steps, started, feed.waited_s - waited
            self.steps += 1
            if self._is_due():
                self._settle(*pending)
                pending = None
                self._pause()
            try:
                yield
            except GeneratorExit:
                break
        if pending is not None:
            self._settle(*pending)

    def _is_due(self) -> bool:
        end = self.steps == self.settings.steps
        return end or self.steps % self.job.save_every == 0 or self.steps % self.job.eval_every == 0

    def _pause(self) -> None:
        """What is done between steps; its time counts for none of them."""
        end = self.steps == self.settings.steps
        if end or self.steps % self.job.eval_every == 0:
            self._evaluate()
        if not end and self.steps % self.job.save_every == 0:
            self._save()
        self._clock = time.perf_counter()

    def _settle(self, step: int, started: Any, waited_s: float) -> None:
        """Read a step's result, log it and judge it."""
        result = self.backend.result(started)
        now = time.perf_counter()
        seconds, self._clock = now - self._clock, now
        logged = self._logged(step, result, seconds, waited_s)
        self._append(LOG, logged)
        self.progress.show(logged)
        if (fault := self.guard.judge(result)) is not None:
            self._tell_fault(step, fault, result)

    def _append(self, name: str, line: dict[str, Any]) -> None:
        if self.is_first:
            self.folder.append(name, line)

    def _logged(self, step: int, result: StepResult, seconds: float, waited_s: float) -> dict[str, Any]:
        tokens = self.settings.tokens_per_step
        rate = tokens / seconds
        flops = flops_per_token(self.settings.model) * rate
        return {
            "step": step,
            "loss": number(result.loss),
            "lr": self.settings.schedule.rate(step),
            "grad_norm": number(result.grad_norm),
            "applied": result.applied,
            "tokens": tokens,
            "seconds": seconds,
            "waited_s": waited_s,
            "tokens_per_s": rate,
            "mfu": flops / (self._peak * self.backend.devices) if self._peak else None,
        }

    def _tell_fault(self, step: int, fault: str, result: StepResult) -> None:
        """Name the documents of a batch that went wrong, worst rows first. Raises BrokenRun if it goes on like that."""
        rows = worst_rows(self.job, self.reader, step, result)
        self._append(FAULTS, {"step": step, "fault": fault, "loss": number(result.loss), "rows": rows})
        urls = ", ".join(document["url"] or document["doc_id"] for document in rows[0]["documents"][:2])
        left = "" if result.applied else "; the weights are left as they were"
        where = self.folder.path / FAULTS
        self.progress.say(f"step {step:,}: loss {result.loss:.4g} is a fault ({fault}){left}: {urls} (more in {where})")
        if self.guard.is_hopeless:
            self.checkpoints.wait()
            raise BrokenRun(
                f"{self.guard.failed} steps in a row, up to step {step:,}, had a loss or gradient that is not finite; "
                f"the weights are those before them, the documents in {where}; try a lower --lr or a longer --warmup"
            )

    def _evaluate(self) -> None:
        if not self.evaluation.is_empty:
            self._append(EVALS, {"step": self.steps, **self.evaluation.run(self.backend)})
        if self.job.sample_tokens:
            speaker = self.backend.speaker()
            for prompt in ("", *self.job.prompts) if self.is_first else ():
                self._append(SAMPLES, {"step": self.steps, "prompt": prompt, "text": self._sample(speaker, prompt)})

    def _sample(self, speaker: Speaker, prompt: str) -> str:
        """A text of the model as it is now, from the same seed each time."""
        bos, eos = self.job.shards.bos_id, self.job.shards.eos_id
        stops = frozenset({bos} if eos is None else {bos, eos})
        sampling = Sampling(self.job.sample_tokens, seed=self.settings.seed)
        tokens = [bos, *self.text.encode(prompt)]
        return self.text.decode(list(generate(speaker, tokens, sampling, stops)))

    def _save(self) -> None:
        shards = self.job.shards
        config = to_hf(self.settings.model, shards.bos_id, shards.eos_id, shards.pad_id)
        snapshot = self.backend.snapshot()
        if self.is_first:
            self.checkpoints.save(self.steps, snapshot, config, self._state)
        self._saved = self.steps


def worst_rows(job: TrainJob, reader: PlanReader, step: int, result: StepResult) -> list[dict[str, Any]]:
    """Rows of a batch with the highest losses, NaN before all, and their documents."""
    documents = Documents(job.shards, TRAIN)
    order = sorted(range(len(result.row_losses)), key=lambda at: rank_of(float(result.row_losses[at])))
    found = []
    for at in order[:WORST_ROWS]:
        row = step * job.settings.batch_size + at
        named = documents.of_spans(reader.spans(row))
        found.append({"row": row % reader.rows, "loss": number(float(result.row_losses[at])), "documents": named})
    return found


def rank_of(loss: float) -> tuple[bool, float]:
    """Sorts NaN first, then the highest."""
    return loss == loss, -loss if loss == loss else 0.0


def number(value: float) -> float | None:
    """As JSON can hold it, which has no NaN."""
    return value if math.isfinite(value) else None
