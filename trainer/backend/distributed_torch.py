"""Several processes in PyTorch: their collectives, and weights sharded among them by FSDP2.

What shards is imported by who shards: it takes a single process half a second and 70 MB, with SymPy.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from trainer.backend.protocol import Group
from trainer.model.llama_torch import Llama
from trainer.optim.optim_torch import Tensors, orthogonal


class TorchGroup:
    """`Group` by PyTorch's collectives: gloo between CPUs, NCCL between GPUs."""

    def __init__(self, rank: int, world: int, local_rank: int) -> None:
        self.rank, self.world, self.local_rank = rank, world, local_rank
        gpu = torch.cuda.is_available()
        if gpu:
            torch.cuda.set_device(local_rank)
        dist.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo", rank=rank, world_size=world)

    def any_reduce(self, flag: bool) -> bool:
        highest = torch.tensor(int(flag))
        dist.all_reduce(highest, dist.ReduceOp.MAX)
        return bool(highest)

    any_soon = any_reduce  # by gloo: CPUs alone wait for each other

    def broadcast(self, value: int) -> int:
        shared = torch.tensor(value)
        dist.broadcast(shared, 0)
        return int(shared)

    def close(self) -> None:
        dist.destroy_process_group()


def shard(model: Llama, device: torch.device) -> None:
    """Shard each layer by itself, so that it is gathered when it computes, and the rest as a whole.

    Each process holds some rows of all weights. Gradients are summed, not averaged: the caller divides.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    policy = MixedPrecisionPolicy(param_dtype=model.dtype, reduce_dtype=torch.float32)
    for layer in (*model.layers(), model):
        given: Any = fully_shard(layer, mesh=mesh, mp_policy=policy)
        given.set_gradient_divide_factor(1.0)
        given.set_force_sum_reduction_for_comms(True)  # gloo can't do more


def is_sharded(value: Any) -> bool:
    """Whether it is a DTensor: a plain tensor has no mesh."""
    return hasattr(value, "device_mesh")


def local_part(value: Any) -> Tensor:
    """What this process holds of a sharded value."""
    return value.to_local() if is_sharded(value) else value.detach()


def own_rows(like: Any) -> slice:
    """The rows of a parameter that this process holds: torch.chunk's share of its rank."""
    if not is_sharded(like):
        return slice(None)
    size = -(-like.shape[0] // like.device_mesh.size())
    rank = like.device_mesh.get_local_rank()
    return slice(rank * size, min((rank + 1) * size, like.shape[0]))


def whole(local: Tensor, like: Any, group: Group) -> Tensor:
    """A value that is sharded like a parameter, gathered from all processes."""
    if group.world == 1 or not is_sharded(like):
        return local
    from torch.distributed.tensor import DTensor

    sharded = DTensor.from_local(local, like.device_mesh, like.placements, shape=like.shape, stride=like.stride())
    return sharded.full_tensor()


def orthogonal_together(
    matrices: Tensors, parameters: dict[str, Any], group: Group, dtype: torch.dtype = torch.float32
) -> Tensors:
    """`orthogonal` of matrices whose rows are sharded: every process computes all and keeps its own rows."""
    gathered = {name: whole(value, parameters[name], group) for name, value in matrices.items()}
    return {name: value[own_rows(parameters[name])] for name, value in orthogonal(gathered, dtype).items()}
