"""A backend and a group of processes by name; what is not installed is refused before anything is written."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from schemas.faults import BadInput
from trainer.backend.protocol import Backend, Group, SingleProcess, Snapshot
from trainer.settings import TrainSettings

# Of NVIDIA's GPUs (WSL's too), AMD's and TPUs: without one of these there is no accelerator, and no framework is asked.
DEVICE_FILES = ("nvidia*", "dxg", "kfd", "accel*", "vfio/*")
BFLOAT16_SINCE = 8.0  # compute capability of NVIDIA's GPUs that compute in it: Ampere
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


def best_dtype(name: str) -> str:
    """bfloat16 where this process' accelerator computes in it, float32 elsewhere and on CPUs, which are slow in it.

    Raises BadInput as `check_backend`. Loads the framework only where there may be an accelerator.
    """
    check_backend(name)
    if not any(any(Path("/dev").glob(pattern)) for pattern in DEVICE_FILES):
        return "float32"
    if name == "torch":
        import torch

        has_it = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        import jax

        has_it = jax_device_has_bfloat16(jax.devices()[0])
    return "bfloat16" if has_it else "float32"


def jax_device_has_bfloat16(device: Any) -> bool:
    """TPUs do, and AMD's GPUs, whose capability is no number."""
    capability = str(getattr(device, "compute_capability", ""))
    if device.platform == "cpu":
        return False
    return not capability.replace(".", "").isdigit() or float(capability) >= BFLOAT16_SINCE


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
