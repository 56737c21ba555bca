"""A Grain source of batches, and threads that read ahead while the model computes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import SupportsIndex

import grain

from trainer.batches import Batch, PlanReader


class StepSource:
    """Steps of a training as a random-access source: item i is the batch of step i."""

    def __init__(self, reader: PlanReader, batch_size: int, steps: int, rank: int = 0, world: int = 1) -> None:
        self._reader, self._batch_size, self._steps = reader, batch_size, steps
        self._rank, self._world = rank, world

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: SupportsIndex) -> Batch:
        return self._reader.batch(int(index), self._batch_size, self._rank, self._world)


class Feed:
    """Batches from a step on, read ahead. waited_s: how long the caller has waited for them so far."""

    def __init__(self, source: StepSource, first: int, threads: int = 1, ahead: int = 4) -> None:
        self.waited_s = 0.0
        if first >= len(source):
            self._batches: Iterator[Batch] = iter(())
            return
        steps = grain.MapDataset.source(source)[first:]
        self._batches = iter(steps.to_iter_dataset(grain.ReadOptions(threads, ahead)))

    def next(self) -> Batch:
        began = time.perf_counter()
        batch = next(self._batches)
        self.waited_s += time.perf_counter() - began
        return batch
