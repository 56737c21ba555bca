"""Evaluation on held-out text: bits per byte of each slice, and the loss by position in the context."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from schemas.faults import BadInput
from trainer.backend.protocol import Backend
from trainer.data.batches import Batch, PlanReader
from trainer.run.folder import EVALS
from trainer.run.job import TrainJob
from trainer.run.loop import Hook, Training

WHOLE = "all"  # the slice that is all of val/


def token_bytes(folder: str, vocab_size: int) -> np.ndarray:
    """Bytes of text that each token stands for, 0 for special ones: int64 of shape (V,).

    folder: of a tokenizer, in shards or in a run

    Raises BadInput if they can't be read or are another vocabulary's.
    """
    path = Path(folder) / "token_bytes.npy"
    try:
        bytes_V = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} can't be read ({error}); make the shards anew with `bateia shard`") from error
    if bytes_V.shape != (vocab_size,):
        raise BadInput(f"{path} has {bytes_V.shape} numbers and the vocabulary {vocab_size:,} tokens; it is another's")
    return bytes_V.astype(np.int64)


@dataclass
class LossSums:
    """Sums over evaluated rows, in float64.

    context: T
    nats, bytes: of tokens that stand for text, as nanochat counts them: bits per byte then compare between tokenizers
    rows: with a learned token
    loss_T, tokens_T: nats and number of all learned tokens, by position
    """

    context: int
    nats: float = 0.0
    bytes: int = 0
    rows: int = 0
    loss_T: np.ndarray = field(init=False)
    tokens_T: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.loss_T, self.tokens_T = np.zeros(self.context), np.zeros(self.context)

    def add(self, batch: Batch, losses_BxT: np.ndarray, bytes_V: np.ndarray) -> None:
        learned_BxT = batch.mask_BxT.astype(bool)
        sizes_BxT = bytes_V[batch.y_BxT] * learned_BxT
        wide_BxT = losses_BxT.astype(np.float64)
        self.nats += float(wide_BxT[sizes_BxT > 0].sum())
        self.bytes += int(sizes_BxT.sum())
        self.rows += int(learned_BxT.any(axis=1).sum())
        self.loss_T += np.where(learned_BxT, wide_BxT, 0.0).sum(axis=0)
        self.tokens_T += learned_BxT.sum(axis=0)

    def means(self) -> dict[str, Any]:
        """A slice's entry of evals.jsonl; None where there was nothing to divide by."""
        tokens = int(self.tokens_T.sum())
        return {
            "bits_per_byte": self.nats / math.log(2) / self.bytes if self.bytes else None,
            "loss": float(self.loss_T.sum() / tokens) if tokens else None,
            "tokens": tokens,
            "bytes": self.bytes,
            "rows": self.rows,
        }

    def by_position(self) -> list[dict[str, Any]]:
        """Mean loss from position 0, 1, 2, 4, 8, … of the context up to the next of these."""
        edges = [0, *(1 << power for power in range(self.context.bit_length()) if 1 << power < self.context)]
        means = []
        for first, end in zip(edges, [*edges[1:], self.context], strict=True):
            tokens = self.tokens_T[first:end].sum()
            loss = float(self.loss_T[first:end].sum() / tokens) if tokens else None
            means.append({"from": first, "to": end, "loss": loss, "tokens": int(tokens)})
        return means


class Evaluate(Hook):
    """Evaluates the plan's slices of held-out text, the first `job.eval_rows` rows of each.

    Raises BadInput if they can't be read.
    """

    def __init__(self, job: TrainJob) -> None:
        self._bytes_V = token_bytes(f"{job.shards.folder}/tokenizer", job.shards.vocab_size)
        slices = [name for name, rows in job.plan.slices.items() if rows]
        self._readers = {name: PlanReader(job.shards, job.plan, name) for name in slices}
        self._batch_size = max(job.settings.batch_size // job.settings.accumulate, 1)
        self._rows, self._context = job.eval_rows, job.plan.context

    def on_eval(self, training: Training) -> None:
        if self._readers:
            measured = self.measure(training.backend, training.leave_evaluation)
            training.log(EVALS, {"step": training.steps, **measured})

    def measure(self, backend: Backend, between: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """The means of all slices, with the same steps in each process of several.

        slices: by name, `LossSums.means`
        by_position: `LossSums.by_position` of all of val/
        between: called between batches; what it raises ends the evaluation
        """
        sums = {name: self._sums(backend, reader, between) for name, reader in self._readers.items()}
        whole = sums.get(WHOLE)
        return {
            "slices": {name: one.means() for name, one in sums.items()},
            "by_position": whole.by_position() if whole else [],
        }

    def _sums(self, backend: Backend, reader: PlanReader, between: Callable[[], None]) -> LossSums:
        sums = LossSums(self._context)
        rows = min(reader.rows, self._rows)
        for first in range(0, rows, self._batch_size):
            batch = full_batch(reader, range(first, min(first + self._batch_size, rows)), self._batch_size)
            sums.add(batch, backend.losses(batch), self._bytes_V)
            between()
        return sums


def full_batch(reader: PlanReader, rows: range, size: int) -> Batch:
    """A batch of `size` rows, so that one compiled function serves all: those missing are masked copies of the last."""
    numbers = [*rows, *[rows[-1]] * (size - len(rows))]
    batch = reader.batch_of(numbers)
    batch.mask_BxT[len(rows) :] = 0
    return batch
