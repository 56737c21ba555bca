"""Weights shared among processes by FSDP2: each holds some rows of all, and gathers a layer when it needs it."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from trainer.group import Group
from trainer.llama_torch import Llama
from trainer.optim_torch import Tensors, orthogonal


def share(model: Llama, device: torch.device) -> None:
    """Layer by layer, what is left as a whole. Gradients are summed, not averaged: the caller divides."""
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    policy = MixedPrecisionPolicy(param_dtype=model.dtype, reduce_dtype=torch.float32)
    for layer in (*model.layers(), model):
        given: Any = fully_shard(layer, mesh=mesh, mp_policy=policy)
        given.set_gradient_divide_factor(1.0)
        given.set_force_sum_reduction_for_comms(True)  # gloo can't do more


def local_part(value: Any) -> Tensor:
    """What this process holds."""
    return value.to_local() if isinstance(value, DTensor) else value.detach()


def own_rows(like: Tensor) -> slice:
    """Of a parameter's rows, those that this process holds: torch.chunk's share of its rank."""
    if not isinstance(like, DTensor):
        return slice(None)
    size = -(-like.shape[0] // like.device_mesh.size())
    rank = like.device_mesh.get_local_rank()
    return slice(rank * size, min((rank + 1) * size, like.shape[0]))


def whole(local: Tensor, like: Tensor, group: Group) -> Tensor:
    """A value that is shared as a parameter is, gathered from all processes."""
    if group.world == 1 or not isinstance(like, DTensor):
        return local
    shared = DTensor.from_local(local, like.device_mesh, like.placements, shape=like.shape, stride=like.stride())
    return shared.full_tensor()


def orthogonal_together(matrices: Tensors, parameters: dict[str, Any], group: Group) -> Tensors:
    """`orthogonal` of matrices whose rows are shared: every process computes all and keeps its own rows."""
    gathered = {name: whole(value, parameters[name], group) for name, value in matrices.items()}
    return {name: value[own_rows(parameters[name])] for name, value in orthogonal(gathered).items()}
