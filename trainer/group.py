"""Processes that train one model together. torchrun starts them, whatever the backend, or anything else that sets its
variables: RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import Protocol

from trainer.faults import BadRun

PACKAGES = {"jax": ("jax", "optax"), "torch": ("torch",)}  # by backend, what it can't be without


class Group(Protocol):
    """rank: this one's number, from 0. world: how many there are. local_rank: its number on this machine."""

    rank: int
    world: int
    local_rank: int

    def any(self, flag: bool) -> bool:
        """Whether it is so for any of them. All wait here for each other."""
        ...

    def of_first(self, value: int) -> int:
        """The value that number 0 gives."""
        ...

    def close(self) -> None: ...


@dataclass
class Alone:
    """A process on its own."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    def any(self, flag: bool) -> bool:
        return flag

    def of_first(self, value: int) -> int:
        return value

    def close(self) -> None:
        return


def make_group(backend: str) -> Group:
    """By the environment. Raises BadRun if it is half told, or the backend is not installed."""
    check_backend(backend)
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    found = {name: os.environ[name] for name in names if os.environ.get(name, "").isdigit()}
    if int(found.get("WORLD_SIZE", 1)) == 1:
        return Alone()
    if missing := [name for name in names if name not in found]:
        raise BadRun(f"WORLD_SIZE is {found['WORLD_SIZE']} and {' and '.join(missing)} not told; start with torchrun")
    rank, world, local_rank = (int(found[name]) for name in names)
    if backend == "torch":
        from trainer.group_torch import TorchGroup

        return TorchGroup(rank, world, local_rank)
    from trainer.group_jax import JaxGroup

    return JaxGroup(rank, world, local_rank)


def check_backend(name: str) -> None:
    """Raises BadRun if it is not known or not installed."""
    if name not in PACKAGES:
        raise BadRun(f"no backend is called '{name}'; known: {', '.join(PACKAGES)}")
    for package in PACKAGES[name]:
        if importlib.util.find_spec(package) is None:
            raise BadRun(f"the backend {name} needs {package}; install it with `pip install -e '.[{name}]'`")
