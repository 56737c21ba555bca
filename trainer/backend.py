"""What the training loop asks of a framework. The loop knows nothing else of JAX or PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from trainer.batches import Batch
from trainer.faults import BadRun, BrokenRun
from trainer.group import Group, check_backend
from trainer.sampling import Speaker
from trainer.settings import TrainSettings

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class StepResult:
    """loss: mean over learned tokens, nats. row_losses: of each row of the batch, shape (B,). applied: False if loss or
    gradient was not finite; the weights are then as before."""

    loss: float
    grad_norm: float
    row_losses: np.ndarray
    applied: bool


@dataclass(frozen=True)
class Snapshot:
    """Copies of the weights (Hugging Face's names) and of the optimizer's state, the same names for every backend:
    adam.count, adam.mu.<weight>, adam.nu.<weight>, muon.count, muon.mu.<weight>."""

    weights: Arrays
    optimizer: Arrays


class Backend(Protocol):
    name: str
    device_kind: str
    devices: int
    note: str  # what is to be known of how it computes, or nothing

    def step(self, batch: Batch, rate: float) -> Any:
        """Begin a step of training. Returns what `result` reads; may return before it is computed."""
        ...

    def result(self, pending: Any) -> StepResult: ...

    def losses(self, batch: Batch) -> np.ndarray:
        """losses_BxT of the weights as they are, nats, float32, also where the mask is 0."""
        ...

    def snapshot(self) -> Snapshot: ...

    def speaker(self) -> Speaker:
        """The weights as they are, ready to continue a text."""
        ...


def make_backend(
    name: str,
    settings: TrainSettings,
    snapshot: Snapshot,
    devices: int | None = None,
    group: Group | None = None,
    compiled: bool = True,
) -> Backend:
    """compiled: whether torch.compile is used. Raises BadRun for a backend or devices that are not there, or that can't
    share a batch."""
    check_backend(name)
    if name == "torch":
        from trainer.backend_torch import TorchBackend

        return TorchBackend(settings, snapshot, devices, group, compiled)
    from trainer.backend_jax import JaxBackend

    return JaxBackend(settings, snapshot, devices, group)


def check_devices(name: str, settings: TrainSettings, devices: int | None, group: Group) -> None:
    """Raises BadRun as `make_backend` would, before anything is written."""
    check_backend(name)
    if name == "torch":
        from trainer.backend_torch import choose_device

        choose_device(settings, devices, group)
        return
    from trainer.backend_jax import choose_devices

    choose_devices(settings, devices, group)


def check_shared_rows(settings: TrainSettings, devices: int) -> None:
    """Raises BadRun if the rows that are computed at once can't be shared evenly."""
    rows = settings.batch_size // settings.accumulate
    if rows % devices:
        raise BadRun(
            f"{rows} rows at a time can't be shared evenly by {devices} devices; change the batch size, how many "
            "parts it is accumulated from, or the number of devices"
        )


def out_of_memory(settings: TrainSettings, devices: int) -> BrokenRun:
    """A fault with its numbers and the knobs to turn."""
    model, rows = settings.model, settings.batch_size // settings.accumulate // devices
    logits_gb = rows * model.context * model.vocab_size * 4 / 1e9
    return BrokenRun(
        f"a device is out of memory with {rows} rows of {model.context} tokens at once (their logits alone are "
        f"{logits_gb:.1f} GB); compute a batch in more parts (--accumulate {settings.accumulate * 2}), or layers anew "
        "on the way back (--remat), or in --dtype bfloat16"
    )
