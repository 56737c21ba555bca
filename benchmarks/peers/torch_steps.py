"""What the peers' steps in PyTorch share: tokens on the device, and what was used of it."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.step_process import Work


def place(work: Work) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(x, y) of every batch, int64, on the device before the clock starts."""
    tokens = torch.from_numpy(np.load(work.tokens).astype(np.int64))
    return [(rows[:, :-1].contiguous().to(work.device), rows[:, 1:].contiguous().to(work.device)) for rows in tokens]


def cuda_name(work: Work) -> str:
    return torch.cuda.get_device_name(0) if work.device == "cuda" else "cpu"


def used_memory(work: Work) -> int:
    """Most bytes allocated so far; what is cached goes back, as another process wants it next."""
    if work.device != "cuda":
        return 0
    most = torch.cuda.max_memory_allocated()
    torch.cuda.empty_cache()
    return most
