"""nanochat's training step as its scripts/base_train.py makes it: GPT compiled, MuonAdamW, no clipping.

python -m benchmarks.peers.nanochat_steps DIR PATTERN WORKLOAD, where DIR is a checkout (measured: 92d63d4) and PATTERN
its window pattern: L for full attention, SSSL for its default. NANOCHAT_DTYPE sets the precision.
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import gc
import itertools
import sys
from typing import Any

import torch

from benchmarks.peers.torch_steps import batches_on_device, device_name, peak_memory
from benchmarks.train.step_process import Facts, System, Workload, serve


def make(pattern: str, workload: Workload) -> System:
    """As its base_train makes model and optimizer. pattern: of its attention's windows, L for the whole context."""
    from nanochat.common import compute_init
    from nanochat.gpt import GPT, GPTConfig

    *_, device = compute_init(workload.device)
    config = GPTConfig(
        workload.context, workload.vocab_size, workload.layers, workload.heads, workload.kv_heads, workload.dim, pattern
    )
    with torch.device("meta"):
        model: Any = GPT(config)
    model.to_empty(device=device)
    model.init_weights()
    compiled: Any = torch.compile(model, dynamic=False)
    optimizer = model.setup_optimizer(weight_decay=0.1)
    turns = itertools.cycle(batches_on_device(workload))
    gc.disable()  # as base_train does after its first step

    def step() -> float:
        x, y = next(turns)
        loss = compiled(x, y)
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * 0.1
        optimizer.step()
        compiled.zero_grad(set_to_none=True)
        return loss.item()  # waits for the device up to the loss, as base_train does; its synchronize is below

    def finished() -> None:
        step()
        if workload.device == "cuda":
            torch.cuda.synchronize()

    total = model.num_scaling_params()["total"]
    facts = Facts(total, float(model.estimate_flops()), device_name(workload))
    return System(facts, finished, lambda: peak_memory(workload))


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    serve(lambda workload: make(sys.argv[2], workload), sys.argv[3])
