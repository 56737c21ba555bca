"""nanoGPT's training step as its train.py makes it: GPT compiled, AdamW by configure_optimizers, clipping at 1.

python -m benchmarks.peers.nanogpt_steps DIR WORKLOAD, where DIR is a checkout (measured: 3adf61e)
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import itertools
import sys
from contextlib import nullcontext
from typing import Any

import torch

from benchmarks.peers.torch_steps import batches_on_device, device_name, peak_memory
from benchmarks.train.step_process import Facts, System, Workload, serve

CLIP = 1.0


def make(workload: Workload) -> System:
    """Model and optimizer as its train.py makes them."""
    from model import GPT, GPTConfig

    torch.manual_seed(1337)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    config = GPTConfig(
        workload.context, workload.vocab_size, workload.layers, workload.heads, workload.dim, dropout=0.0, bias=False
    )
    model: Any = GPT(config)
    model.to(workload.device)
    optimizer = model.configure_optimizers(0.1, 6e-4, (0.9, 0.95), workload.device)
    compiled: Any = torch.compile(model)
    half = torch.amp.autocast("cuda", torch.bfloat16) if workload.dtype == "bfloat16" else nullcontext()
    turns = itertools.cycle(batches_on_device(workload))

    def step() -> float:
        x, y = next(turns)
        with half:
            _, loss = compiled(x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()  # as train.py with log_interval 1

    def finished() -> None:
        step()
        if workload.device == "cuda":
            torch.cuda.synchronize()

    # 6 N + 12 L D T, N without positions: its estimate_mfu
    flops = 6 * model.get_num_params() + 12 * workload.layers * workload.dim * workload.context
    facts = Facts(model.get_num_params(non_embedding=False), flops, device_name(workload))
    return System(facts, finished, lambda: peak_memory(workload))


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    serve(make, sys.argv[2])
