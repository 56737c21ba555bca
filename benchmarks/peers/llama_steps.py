"""A plain loop over transformers' LlamaForCausalLM, of the very model that Bateia trains: AdamW, clipping at 1.

python -m benchmarks.peers.llama_steps MODE WORKLOAD, where MODE is compiled or plain
"""

from __future__ import annotations

import itertools
import sys
from contextlib import nullcontext
from importlib import import_module
from typing import Any

import torch

from benchmarks.peers.torch_steps import batches_on_device, device_name, peak_memory
from benchmarks.train.step_process import Facts, System, Workload, serve

CLIP = 1.0


def make(mode: str, workload: Workload) -> System:
    """transformers' own model with torch.optim.AdamW. mode: compiled or plain."""
    transformers: Any = import_module("transformers")  # else pyright reads all of its models
    torch.manual_seed(1)
    torch.set_float32_matmul_precision("high")  # tf32 on GPUs, as the other peers have it
    config = transformers.LlamaConfig(
        vocab_size=workload.vocab_size,
        hidden_size=workload.dim,
        intermediate_size=workload.hidden,
        num_hidden_layers=workload.layers,
        num_attention_heads=workload.heads,
        num_key_value_heads=workload.kv_heads,
        max_position_embeddings=workload.context,
        tie_word_embeddings=True,
        use_cache=False,
    )
    config._attn_implementation = "sdpa"
    model: Any = transformers.LlamaForCausalLM(config).to(workload.device)
    fused = workload.device == "cuda"
    optimizer = torch.optim.AdamW(model.parameters(), 6e-4, (0.9, 0.95), weight_decay=0.1, fused=fused)
    called = torch.compile(model, dynamic=False) if mode == "compiled" else model
    half = torch.amp.autocast("cuda", torch.bfloat16) if workload.dtype == "bfloat16" else nullcontext()
    turns = itertools.cycle(batches_on_device(workload))

    def step() -> None:
        x, y = next(turns)
        with half:
            logits = called(x).logits
            loss = torch.nn.functional.cross_entropy(logits.float().view(-1, workload.vocab_size), y.view(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()
        if workload.device == "cuda":
            torch.cuda.synchronize()

    total = sum(value.numel() for value in model.parameters())
    flops = 6 * total + 12 * workload.layers * workload.dim * workload.context
    return System(Facts(total, flops, device_name(workload)), step, lambda: peak_memory(workload))


if __name__ == "__main__":
    serve(lambda workload: make(sys.argv[1], workload), sys.argv[2])
