"""What the training loop asks of a framework, and of a group of processes; it knows nothing else of either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from schemas.faults import BadInput, BrokenRun
from trainer.data.batches import Batch
from trainer.model.decoder import Decoder
from trainer.settings import TrainSettings

Arrays = dict[str, np.ndarray]
MOST_LOGITS = 1 << 30  # bytes at once on an accelerator; ours: with their gradients and exponentials three times that


@dataclass(frozen=True)
class StepResult:
    """What one step of training came to.

    loss: mean over the tokens learned from, nats
    grad_norm: L2 norm of the mean's gradient, before clipping
    row_losses: mean of each row of the batch, nats, shape (B,)
    applied: False if loss or gradient was not finite; weights and optimizer are then as before
    """

    loss: float
    grad_norm: float
    row_losses: np.ndarray
    applied: bool


@dataclass(frozen=True)
class Snapshot:
    """Copies of all that a training has learned, under the same names for every backend.

    weights: by Hugging Face's names
    optimizer: adam.count, adam.mu.<weight>, adam.nu.<weight>, muon.count, muon.mu.<weight>; empty before the first step
    """

    weights: Arrays
    optimizer: Arrays


class Backend(Protocol):
    """A model in training. Of several processes all call the same methods in the same order.

    name: "jax" or "torch"
    device_kind: as the framework calls its device, such as "cpu" or "NVIDIA H100 80GB HBM3"
    devices: how many compute, in all processes together
    note: what a person should know of how it computes; mostly empty
    """

    name: str
    device_kind: str
    devices: int
    note: str

    def step(self, batch: Batch, rate: float) -> Any:
        """Start a step at a learning rate. Returns what `result` reads, maybe before it is computed.

        Raises BrokenRun if a device is out of memory or a compiler fails.
        """
        ...

    def result(self, pending: Any) -> StepResult:
        """Wait for a step and read its result."""
        ...

    def losses(self, batch: Batch) -> np.ndarray:
        """losses_BxT of the current weights, nats, float32, also where the mask is 0. All processes give all rows.

        Raises BrokenRun if a device is out of memory.
        """
        ...

    def snapshot(self) -> Snapshot:
        """Copies of weights and optimizer; of several processes only the first need have them."""
        ...

    def decoder(self) -> Decoder:
        """A decoder of the current weights."""
        ...


def check_shared_rows(settings: TrainSettings, devices: int) -> None:
    """Raises BadInput if the rows that are computed at once can't be split evenly among the devices."""
    rows = settings.batch_size // settings.accumulate
    if rows % devices:
        raise BadInput(
            f"{rows} rows at a time can't be shared evenly by {devices} devices; change the batch size, how many "
            "parts it is accumulated from, or the number of devices"
        )


def rows_at_once(settings: TrainSettings, devices: int) -> int:
    """Rows that a device computes together."""
    return settings.batch_size // settings.accumulate // devices


def logits_pieces(settings: TrainSettings, devices: int) -> int:
    """Equal pieces of the positions, as few as keep the logits of each within MOST_LOGITS."""
    context = settings.model.context
    whole = rows_at_once(settings, devices) * context * settings.model.vocab_size * 4
    return next(
        (count for count in range(1, context) if context % count == 0 and whole <= count * MOST_LOGITS), context
    )


def out_of_memory(settings: TrainSettings, devices: int, pieces: int = 1) -> BrokenRun:
    """The fault to raise, with the sizes that led to it and the options that make them smaller."""
    model, rows = settings.model, rows_at_once(settings, devices)
    logits_gb = rows * model.context * model.vocab_size * 4 / 1e9 / pieces
    return BrokenRun(
        f"a device is out of memory with {rows} rows of {model.context} tokens at once (their logits alone are "
        f"{logits_gb:.1f} GB); compute a batch in more parts (--accumulate {settings.accumulate * 2}), or recompute "
        "layers in the backward pass (--remat), or in --dtype bfloat16"
    )


class Group(Protocol):
    """Processes that train one model together.

    rank: this process' number, from 0
    world: how many there are
    local_rank: this process' number on its machine
    """

    rank: int
    world: int
    local_rank: int

    def any_reduce(self, flag: bool) -> bool:
        """Whether the flag is true in any process. All wait here for each other."""
        ...

    def any_soon(self, flag: bool) -> bool:
        """Whether the flag was true in any process at this call, or at the one before it: the same in all of them.

        Asked at each step; no device's work under way is waited for.
        """
        ...

    def broadcast(self, value: int) -> int:
        """The value that rank 0 gives."""
        ...

    def close(self) -> None: ...


@dataclass
class SingleProcess:
    """The group of a process that trains alone."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    def any_reduce(self, flag: bool) -> bool:
        return flag

    any_soon = any_reduce

    def broadcast(self, value: int) -> int:
        return value

    def close(self) -> None:
        return
