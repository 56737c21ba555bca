"""Held-out text: bits per byte of each slice, and the loss by position in the context."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from schemas.shards import PlanInfo, ShardsInfo
from trainer.backend import Backend
from trainer.batches import Batch, PlanReader
from trainer.faults import BadRun

WHOLE = "all"  # the slice that is all of val/


def token_bytes(folder: str, vocab_size: int) -> np.ndarray:
    """Bytes of text that each token stands for, 0 for special ones: int64 of shape (V,). Raises BadRun."""
    path = Path(folder) / "token_bytes.npy"
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadRun(f"{path} can't be read ({error}); make the shards anew with `bateia shard`") from error
    if found.shape != (vocab_size,):
        raise BadRun(f"{path} has {found.shape} numbers and the vocabulary {vocab_size:,} tokens; it is another's")
    return found.astype(np.int64)


@dataclass
class Tally:
    """Sums over what was evaluated, in float64. nats, bytes: of tokens that stand for text, as nanochat counts them, so
    that bits per byte compare between tokenizers. loss_T, tokens_T: of all learned tokens, by position."""

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

    def told(self) -> dict[str, Any]:
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
        found = []
        for first, end in zip(edges, [*edges[1:], self.context], strict=True):
            tokens = self.tokens_T[first:end].sum()
            loss = float(self.loss_T[first:end].sum() / tokens) if tokens else None
            found.append({"from": first, "to": end, "loss": loss, "tokens": int(tokens)})
        return found


class Evaluation:
    """Slices of a plan, read anew each time. rows: at most so many of each slice, its first ones."""

    def __init__(self, shards: ShardsInfo, plan: PlanInfo, bytes_V: np.ndarray, batch_size: int, rows: int) -> None:
        self._readers = {name: PlanReader(shards, plan, name) for name, count in plan.slices.items() if count}
        self._bytes_V, self._batch_size, self._rows = bytes_V, batch_size, rows
        self._context = plan.context

    @property
    def is_empty(self) -> bool:
        return not self._readers

    def run(self, backend: Backend) -> dict[str, Any]:
        """slices: by name, what `Tally.told` tells. by_position: of all of val/."""
        tallies = {name: self._tally(backend, reader) for name, reader in self._readers.items()}
        whole = tallies.get(WHOLE)
        return {
            "slices": {name: tally.told() for name, tally in tallies.items()},
            "by_position": whole.by_position() if whole else [],
        }

    def _tally(self, backend: Backend, reader: PlanReader) -> Tally:
        tally = Tally(self._context)
        rows = min(reader.rows, self._rows)
        for first in range(0, rows, self._batch_size):
            batch = whole_batch(reader, range(first, min(first + self._batch_size, rows)), self._batch_size)
            tally.add(batch, backend.losses(batch), self._bytes_V)
        return tally


def whole_batch(reader: PlanReader, rows: range, size: int) -> Batch:
    """A batch of `size` rows, so that one compiled function serves all: those missing are masked copies of the last."""
    numbers = [*rows, *[rows[-1]] * (size - len(rows))]
    batch = reader.batch_of(numbers)
    batch.mask_BxT[len(rows) :] = 0
    return batch
