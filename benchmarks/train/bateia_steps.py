"""Bateia's step, in a process of its own: what the training loop does with a batch, without reading and logging.

python -m benchmarks.train.bateia_steps BACKEND OPTIMIZER WORKLOAD
"""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np

from benchmarks.train.step_process import Facts, System, Workload, serve
from trainer.backend.make import make_backend
from trainer.backend.protocol import Backend, Snapshot
from trainer.data.batches import Batch
from trainer.model.config import ModelConfig, flops_per_token, parameters
from trainer.model.initial import initial_weights
from trainer.settings import Schedule, TrainSettings, default_rate


def batches(tokens: np.ndarray) -> list[Batch]:
    """As PlanReader makes them of rows that are one document each. tokens: shape (batches, rows, context + 1)."""
    made = []
    for rows in tokens:
        x, y = np.ascontiguousarray(rows[:, :-1]), np.ascontiguousarray(rows[:, 1:])
        ones = np.ones_like(x)
        positions = np.ascontiguousarray(np.broadcast_to(np.arange(x.shape[1], dtype=np.int32), x.shape))
        made.append(Batch(x, y, ones, ones, positions))
    return made


class Loop:
    """A step's result is read while the next one is computed, as in `trainer/run/loop.py`."""

    def __init__(self, backend: Backend, settings: TrainSettings, turns: list[Batch]) -> None:
        self._backend, self._rate = backend, settings.schedule.peak
        self._turns = itertools.cycle(turns)
        self._pending: Any = None

    def step(self) -> None:
        started = self._backend.step(next(self._turns), self._rate)
        if self._pending is not None:
            self._backend.result(self._pending)
        self._pending = started

    def finish(self) -> None:
        if self._pending is not None:
            self._backend.result(self._pending)
        self._pending = None


def peak_memory(backend: str, device: str) -> int:
    """Bytes of the device, 0 on CPUs."""
    if device == "cpu":
        return 0
    if backend == "jax":
        import jax

        return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)
    import torch

    peak = torch.cuda.max_memory_allocated()
    torch.cuda.empty_cache()  # the next system wants it
    return peak


def make(backend: str, optimizer: str, workload: Workload) -> System:
    """A backend with the command's default settings. Raises RuntimeError if it should see a GPU and does not."""
    names = ("vocab_size", "context", "dim", "layers", "heads", "kv_heads", "hidden")
    model = ModelConfig(**{name: getattr(workload, name) for name in names})
    schedule = Schedule("constant", default_rate(model), 1_000_000, 0)
    settings = TrainSettings(model, schedule, workload.rows, optimizer=optimizer, dtype=workload.dtype)
    made = make_backend(backend, settings, Snapshot(initial_weights(model, 1), {}), devices=1)
    if workload.device == "cuda" and made.device_kind == "cpu":
        raise RuntimeError(f"{backend} sees no GPU")
    loop = Loop(made, settings, batches(np.load(workload.tokens)))
    facts = Facts(parameters(model), flops_per_token(model), made.device_kind)

    def finish() -> int:
        loop.finish()
        return peak_memory(backend, workload.device)

    return System(facts, loop.step, finish)


if __name__ == "__main__":
    serve(lambda workload: make(sys.argv[1], sys.argv[2], workload), sys.argv[3])
