"""What the peers' steps in PyTorch share: tokens on the device, and the memory used there."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.train.step_process import Workload


def batches_on_device(workload: Workload) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(x, y) of every batch, int64, on the device before the clock starts."""
    tokens, device = torch.from_numpy(np.load(workload.tokens).astype(np.int64)), workload.device
    return [(rows[:, :-1].contiguous().to(device), rows[:, 1:].contiguous().to(device)) for rows in tokens]


def device_name(workload: Workload) -> str:
    return torch.cuda.get_device_name(0) if workload.device == "cuda" else "cpu"


def peak_memory(workload: Workload) -> int:
    """The most bytes allocated so far, 0 on CPUs; what is cached goes back, as another process wants it next."""
    if workload.device != "cuda":
        return 0
    peak = torch.cuda.max_memory_allocated()
    torch.cuda.empty_cache()
    return peak
