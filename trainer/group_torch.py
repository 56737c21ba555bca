"""Processes that train together by PyTorch's collectives: gloo between CPUs, NCCL between GPUs."""

from __future__ import annotations

import torch
import torch.distributed as dist


class TorchGroup:
    def __init__(self, rank: int, world: int, local_rank: int) -> None:
        self.rank, self.world, self.local_rank = rank, world, local_rank
        gpu = torch.cuda.is_available()
        if gpu:
            torch.cuda.set_device(local_rank)
        dist.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo", rank=rank, world_size=world)

    def any(self, flag: bool) -> bool:
        told = torch.tensor(int(flag))
        dist.all_reduce(told, dist.ReduceOp.MAX)
        return bool(told)

    def of_first(self, value: int) -> int:
        told = torch.tensor(value)
        dist.broadcast(told, 0)
        return int(told)

    def close(self) -> None:
        dist.destroy_process_group()
