"""Processes that train together by JAX's collectives: gloo between CPUs, NCCL between GPUs."""

from __future__ import annotations

import os

import jax
import numpy as np
from jax.experimental import multihost_utils


class JaxGroup:
    """The coordinator listens beside torchrun's own store: at MASTER_PORT + 1."""

    def __init__(self, rank: int, world: int, local_rank: int) -> None:
        self.rank, self.world, self.local_rank = rank, world, local_rank
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        port = int(os.environ.get("MASTER_PORT", "29500")) + 1
        address = f"{os.environ.get('MASTER_ADDR', '127.0.0.1')}:{port}"
        jax.distributed.initialize(address, world, rank, local_device_ids=[local_rank] if has_gpus() else None)

    def any(self, flag: bool) -> bool:
        return bool(multihost_utils.process_allgather(np.array(flag)).any())

    def of_first(self, value: int) -> int:
        return int(multihost_utils.broadcast_one_to_all(np.array(value)))

    def close(self) -> None:
        jax.distributed.shutdown()


def has_gpus() -> bool:
    """Before JAX may be asked: its devices are not found until the processes know each other."""
    from importlib.metadata import packages_distributions

    return "jax_cuda13_plugin" in packages_distributions() or "jax_cuda12_plugin" in packages_distributions()
