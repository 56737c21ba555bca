"""nanoGPT's training step as its train.py makes it: GPT compiled, AdamW by configure_optimizers, clipping at 1.

python -m benchmarks.peers.nanogpt_steps DIR WORK, where DIR is a checkout (measured: 3adf61e)
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import itertools
import sys
from contextlib import nullcontext
from typing import Any

import torch

from benchmarks.peers.torch_steps import cuda_name, place, used_memory
from benchmarks.step_process import Facts, Steps, Work, serve

CLIP = 1.0


def make(work: Work) -> Steps:
    """Model and optimizer as its train.py makes them."""
    from model import GPT, GPTConfig

    torch.manual_seed(1337)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    config = GPTConfig(work.context, work.vocab_size, work.layers, work.heads, work.dim, dropout=0.0, bias=False)
    model: Any = GPT(config)
    model.to(work.device)
    optimizer = model.configure_optimizers(0.1, 6e-4, (0.9, 0.95), work.device)
    compiled: Any = torch.compile(model)
    half = torch.amp.autocast("cuda", torch.bfloat16) if work.dtype == "bfloat16" else nullcontext()
    turns = itertools.cycle(place(work))

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
        if work.device == "cuda":
            torch.cuda.synchronize()

    # 6 N + 12 L D T, N without positions: its estimate_mfu
    flops = 6 * model.get_num_params() + 12 * work.layers * work.dim * work.context
    facts = Facts(model.get_num_params(non_embedding=False), flops, cuda_name(work))
    return Steps(facts, finished, lambda: used_memory(work))


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    serve(make, sys.argv[2])
