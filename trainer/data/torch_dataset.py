"""Batches of a plan for a PyTorch loop of one's own."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import IterableDataset, get_worker_info

from schemas.shards.layout import read_plan, read_shards
from trainer.data.batches import PlanReader, check_sharing

NAMES = ("x", "y", "mask", "segment_ids", "positions")


class PlanDataset(IterableDataset):
    """One pass over a plan, as dicts of int64 tensors of shape (batch_size, context); see `Batch` for what they hold.

    A DataLoader takes it with batch_size=None; its workers share the batches evenly, in the plan's order where there
    is one. Rows at the end that fill no batch are left out. Raises BadInput.
    """

    def __init__(self, shards: str, plan: str = "main", batch_size: int = 16) -> None:
        check_sharing(batch_size, 0, 1)
        self._shards = read_shards(shards)
        self._plan = read_plan(self._shards, plan)
        self._batch_size = batch_size
        self._batches = PlanReader(self._shards, self._plan).rows // batch_size

    def __len__(self) -> int:
        return self._batches

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        reader, worker = PlanReader(self._shards, self._plan), get_worker_info()
        first, stride = (worker.id, worker.num_workers) if worker is not None else (0, 1)
        for step in range(first, self._batches, stride):
            arrays = reader.batch(step, self._batch_size).arrays()
            yield {name: torch.from_numpy(array).long() for name, array in zip(NAMES, arrays, strict=True)}
