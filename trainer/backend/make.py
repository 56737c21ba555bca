"""A backend and a group of processes by name; what is not installed is refused before anything is written."""

from __future__ import annotations

import importlib.util
import os

from schemas.faults import BadInput
from trainer.backend.protocol import Backend, Group, SingleProcess, Snapshot
from trainer.settings import TrainSettings

PACKAGES = {"jax": ("jax", "optax"), "torch": ("torch",)}  # by backend, what it needs


def make_backend(
    name: str,
    settings: TrainSettings,
    snapshot: Snapshot,
    devices: int | None = None,
    group: Group | None = None,
    compiled: bool = True,
) -> Backend:
    """Raises BadInput for a backend or devices that are absent, or devices that can't split a batch.

    snapshot: weights to begin with, and the optimizer's state where a training is resumed
    devices: how many of this process to use; None for all
    group: processes that train together; None for this one alone
    compiled: whether torch.compile is used
    """
    check_backend(name)
    if name == "torch":
        from trainer.backend.backend_torch import TorchBackend

        return TorchBackend(settings, snapshot, devices, group, compiled)
    from trainer.backend.backend_jax import JaxBackend

    return JaxBackend(settings, snapshot, devices, group)


def check_devices(name: str, settings: TrainSettings, devices: int | None, group: Group) -> None:
    """Raises BadInput as `make_backend` would, before anything is written."""
    check_backend(name)
    if name == "torch":
        from trainer.backend.backend_torch import choose_device

        choose_device(settings, devices, group)
        return
    from trainer.backend.backend_jax import choose_devices

    choose_devices(settings, devices, group)


def make_group(backend: str) -> Group:
    """The group that torchrun's environment variables describe.

    Raises BadInput if only some of them are set, or the backend is not installed.
    """
    check_backend(backend)
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    given = {name: int(os.environ[name]) for name in names if os.environ.get(name, "").isdigit()}
    if given.get("WORLD_SIZE", 1) == 1:
        return SingleProcess()
    if missing := [name for name in names if name not in given]:
        raise BadInput(f"WORLD_SIZE is {given['WORLD_SIZE']} and {' and '.join(missing)} not set; start with torchrun")
    rank, world, local_rank = (given[name] for name in names)
    if backend == "torch":
        from trainer.backend.distributed_torch import TorchGroup

        return TorchGroup(rank, world, local_rank)
    from trainer.backend.backend_jax import JaxGroup

    return JaxGroup(rank, world, local_rank)


def check_backend(name: str) -> None:
    """Raises BadInput for a backend that is not known or not installed."""
    if name not in PACKAGES:
        raise BadInput(f"no backend is called '{name}'; known: {', '.join(PACKAGES)}")
    for package in PACKAGES[name]:
        if importlib.util.find_spec(package) is None:
            raise BadInput(f"the backend {name} needs {package}; install it with `pip install -e '.[{name}]'`")
