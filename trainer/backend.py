"""What the training loop asks of a framework. The loop knows nothing else of JAX or PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from trainer.batches import Batch
from trainer.sampling import Speaker

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


def make_backend(name: str, settings: Any, snapshot: Snapshot, devices: int | None) -> Backend:
    """Raises BadRun for a backend that is not known or not installed, ModuleNotFoundError never."""
    from trainer.faults import BadRun

    if name != "jax":
        raise BadRun(f"no backend is called '{name}'; known: jax")
    try:
        from trainer.backend_jax import JaxBackend
    except ModuleNotFoundError as error:
        raise BadRun(f"the backend {name} needs {error.name}; install it with `pip install -e '.[{name}]'`") from error
    return JaxBackend(settings, snapshot, devices)
