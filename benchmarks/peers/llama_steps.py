"""A plain loop over transformers' LlamaForCausalLM, of the very model that Bateia trains: AdamW, clipping at 1.

python -m benchmarks.peers.llama_steps MODE WORK, where MODE is compiled or plain
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import itertools
import sys
from contextlib import nullcontext
from typing import Any

import torch

from benchmarks.peers.torch_steps import cuda_name, place, used_memory
from benchmarks.step_process import Facts, Steps, Work, serve

CLIP = 1.0


def make(mode: str, work: Work) -> Steps:
    """transformers' own model with torch.optim.AdamW. mode: compiled or plain."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    torch.set_float32_matmul_precision("high")  # tf32 on GPUs, as the other peers have it
    config: Any = LlamaConfig(
        vocab_size=work.vocab_size,
        hidden_size=work.dim,
        intermediate_size=work.hidden,
        num_hidden_layers=work.layers,
        num_attention_heads=work.heads,
        num_key_value_heads=work.kv_heads,
        max_position_embeddings=work.context,
        tie_word_embeddings=True,
        use_cache=False,
    )
    config._attn_implementation = "sdpa"
    model: Any = LlamaForCausalLM(config).to(work.device)  # pyright: ignore[reportArgumentType]
    fused = work.device == "cuda"
    optimizer = torch.optim.AdamW(model.parameters(), 6e-4, (0.9, 0.95), weight_decay=0.1, fused=fused)
    called = torch.compile(model, dynamic=False) if mode == "compiled" else model
    half = torch.amp.autocast("cuda", torch.bfloat16) if work.dtype == "bfloat16" else nullcontext()
    turns = itertools.cycle(place(work))

    def step() -> None:
        x, y = next(turns)
        with half:
            logits = called(x).logits
            loss = torch.nn.functional.cross_entropy(logits.float().view(-1, work.vocab_size), y.view(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()
        if work.device == "cuda":
            torch.cuda.synchronize()

    total = sum(value.numel() for value in model.parameters())
    flops = 6 * total + 12 * work.layers * work.dim * work.context
    return Steps(Facts(total, flops, cuda_name(work)), step, lambda: used_memory(work))


if __name__ == "__main__":
    serve(lambda work: make(sys.argv[1], work), sys.argv[2])
