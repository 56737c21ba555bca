"""Trainings of the course: run in this process, gone on with where they were stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.course.section import Work
from pipelines.engine.run import Stopped
from pipelines.stages.train import finish
from schemas.manifest import MANIFEST
from schemas.shards.layout import VAL, read_shards
from trainer.backend.protocol import Snapshot
from trainer.data.chat import Conversation
from trainer.generate.generator import TextGenerator
from trainer.model.config import to_hf
from trainer.model.initial import initial_weights
from trainer.post.conversations import tokenize, write_shards
from trainer.post.sft import Base, Replay, open_base, plan_sft
from trainer.probes.documents import DocumentTokens
from trainer.run.checkpoints import PREFIX, write
from trainer.run.evaluation import WHOLE, token_bytes
from trainer.run.folder import EVALS, RUN, read_lines
from trainer.run.hooks import standard_hooks
from trainer.run.loop import Hook, StepDone, Training
from trainer.run.stopping import Stopper
from trainer.settings import TrainRecipe

if TYPE_CHECKING:
    from trainer.data.batches import BatchSource
    from trainer.run.job import TrainJob

SAVES = 4  # checkpoints of a training
SCORED_TOKENS = 16_384  # of held-out pages, at most


class Telling(Hook):
    """Tells how far a training is. first, last: shares of the section's work before and after it."""

    def __init__(self, work: Work, what: str, first: float, last: float) -> None:
        self._work, self._what, self._first, self._last = work, what, first, last

    def on_step(self, training: Training, done: StepDone) -> None:
        steps = training.settings.steps
        share = self._first + (self._last - self._first) * (done.step + 1) / steps
        self._work.tell(f"{self._what}, step {done.step + 1:,} of {steps:,}", share)


def run_training(
    work: Work,
    job: TrainJob,
    what: str,
    shares: tuple[float, float],
    source: BatchSource | None = None,
    hooks: Sequence[Hook] = (),
) -> str:
    """Train, unless it is finished. Returns the run's folder. Raises Stopped if a signal ended it; steps are saved."""
    if (Path(job.output) / MANIFEST).exists():
        return job.output
    with Stopper() as stopper:
        training = Training(job, [*standard_hooks(job), *hooks, Telling(work, what, *shares)], source=source)
        ended = training.run(stopper)
    if not ended:
        raise Stopped(stopper.exit_code)
    finish(training)
    return job.output


def how(work: Work, name: str, steps: int, evaluations: int = 1) -> dict[str, object]:
    """Options of TrainJob."""
    return {
        "output": str(work.folder / name),
        "backend": work.backend,
        "compiled": work.backend == "jax" or steps > 100,
        "save_every": max(steps // SAVES, 1),
        "eval_every": max(steps // evaluations, 1),
        "quiet": True,
    }


def fine_tune(
    work: Work,
    base: Base,
    made: Iterable[Conversation],
    name: str,
    steps: int,
    shares: tuple[float, float],
    *,
    lr: float | None = None,
    replay: str | None = None,
    plain: bool = False,
    only_row: int | None = None,
) -> str:
    """Fine-tune on conversations, unless that is done. Returns the run's folder.

    lr: None for the default of `bateia sft`
    replay: shards of the pretraining whose rows are among the batches
    plain, only_row: as of `write_shards` and `plan_sft`
    """
    shards = work.folder / f"{name}-conversations"
    if not shards.exists():
        write_shards(
            tokenize(made, base.chat(), plain), base.tokenizer, base.ids, shards, work.pace.context, plain=plain
        )
    recipe = TrainRecipe(steps=steps, batch_size=work.pace.batch_size, lr=lr, seed=work.pace.seed)
    job, source = plan_sft(base, str(shards), recipe, Replay(replay=replay), only_row, **how(work, name, steps))
    return run_training(work, job, name, shares, source)


def untrained(work: Work, like: str, name: str = "untrained") -> str:
    """A run of the same shape whose weights are as they are drawn, as a control. Returns its folder."""
    folder, base = work.folder / name, open_base(like)
    checkpoint = folder / "checkpoints" / f"{PREFIX}{0:08}"
    if not checkpoint.exists():
        shutil.copytree(base.tokenizer, folder / "tokenizer", dirs_exist_ok=True)
        shutil.copy(base.tokenizer.parent / RUN, folder / RUN)
        drawn = Snapshot(initial_weights(base.model, work.pace.seed + 1), {})
        config = to_hf(base.model, *(base.ids[name] for name in ("bos_id", "eos_id", "pad_id")))
        state = {key: base.checkpoint.state[key] for key in ("settings", "data")} | {"backend": work.backend}
        checkpoint.parent.mkdir(exist_ok=True)
        write(checkpoint, 0, drawn, config, state)
    return str(folder)


def held_out_loss(run: str) -> float | None:
    """Nats a token of a run's held-out conversations, at its end."""
    last = list(read_lines(Path(run) / EVALS))[-1]
    return last["slices"].get(WHOLE, {}).get("loss")


def held_out_bits(generator: TextGenerator, shards: str, seed: int) -> float | None:
    """Bits per byte of pages held out of the pretraining, each read from its beginning; None if there is none."""
    info = read_shards(shards)
    bytes_V = token_bytes(f"{shards}/tokenizer", info.vocab_size)
    texts, left = [], SCORED_TOKENS
    for page in DocumentTokens(info, VAL).drawn(200, 2, seed):
        texts.append(page.tokens[: generator.decoder.context + 1].tolist())
        left -= len(texts[-1])
        if left < 0:
            break
    nats = sum(float(nats_T.sum(dtype=np.float64)) for nats_T, _ in generator.decoder.score(texts)) if texts else 0.0
    size = int(sum(bytes_V[text[1:]].sum() for text in texts))
    return float(nats / np.log(2) / size) if size else None


def write_shape(path: Path, shape: dict[str, int]) -> str:
    path.write_text(json.dumps(shape) + "\n")
    return str(path)
