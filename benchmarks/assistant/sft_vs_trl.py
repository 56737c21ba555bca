"""Is our fine-tuning the same as TRL's? One model, the same conversations in the same order, 20 steps of AdamW in both.

Ours: the loop of `bateia sft`, and its own rendering by token numbers. Theirs: SFTTrainer over our export, whose chat
template renders the same messages, with assistant_only_loss. Both read a conversation a row. Measured is the loss of
each step before its update.

    python -m benchmarks.assistant.sft_vs_trl
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.generated.runs import drawn_run
from benchmarks.harness import Benchmark, Part, table
from benchmarks.peers.installed import TRL
from trainer.data.batches import Batch
from trainer.data.chat import write_conversations
from trainer.export import export_hf
from trainer.post.conversations import tokenize, write_shards
from trainer.post.makers.basics import make_basics
from trainer.post.sft import Replay, open_base, plan_sft
from trainer.run.checkpoints import MODEL, put_arrays
from trainer.run.folder import LOG, read_lines
from trainer.run.hooks import standard_hooks
from trainer.run.loop import Training
from trainer.run.stopping import Stopper
from trainer.settings import TrainRecipe

CONTEXT, BATCH, RATE = 128, 8, 1e-3
CLOSE = 1e-3  # nats a token
CHILD = Path(__file__).parents[1] / "peers" / "trl_sft.py"


class OneARow:
    """`BatchSource` of conversations in their order, one a row."""

    ahead = 2

    def __init__(self, rendered: Sequence[tuple[list[int], list[int]]], context: int) -> None:
        self._rendered, self._context = rendered, context

    def batch(self, step: int, batch_size: int, rank: int = 0, world: int = 1) -> Batch:
        shape = (batch_size, self._context + 1)
        tokens_BxS, mask_BxS, segments_BxS = (np.zeros(shape, np.int32) for _ in range(3))
        for row in range(batch_size):
            tokens, mask = self._rendered[(step * batch_size + row) % len(self._rendered)]
            tokens_BxS[row, : len(tokens)], mask_BxS[row, : len(mask)] = tokens, mask
            segments_BxS[row, : len(tokens)] = 1
        positions_BxT = np.tile(np.arange(self._context, dtype=np.int32), (batch_size, 1))
        parts = (tokens_BxS[:, :-1], tokens_BxS[:, 1:], mask_BxS[:, 1:], segments_BxS[:, :-1], positions_BxT)
        return Batch(*map(np.ascontiguousarray, parts))

    def learned(self, step: int, batch_size: int) -> int:
        return int(self.batch(step, batch_size).mask_BxT.sum())

    def described(self, row: int) -> dict[str, Any]:
        return {"row": row, "documents": []}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--steps", type=int, default=20, help="default: %(default)s")
    parser.add_argument("--backend", default="jax", help="default: %(default)s")


def measure(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    made = list(make_basics(args.steps * BATCH))
    write_conversations(str(scratch / "conversations.jsonl"), made)
    count = drawn_run(scratch / "drawn", CONTEXT, 1)
    ours = own_losses(args, scratch, made)
    theirs = trl_losses(args, scratch)
    yield f"{count:,} parameters, {args.steps} steps of {BATCH} conversations, AdamW at {RATE}, no weight decay"
    rows = [
        [str(step), f"{own:.5f}", f"{other:.4f}", f"{abs(own - other):.5f}"]
        for step, (own, other) in both(ours, theirs)
    ]
    yield table(["step", "ours", "TRL", "difference"], rows)
    largest = max(abs(own - other) for _, (own, other) in both(ours, theirs))
    verdict = "within" if largest <= CLOSE else "not within"
    yield f"The largest difference is {largest:.5f} nats, {verdict} {CLOSE}; {len(rows)} steps were compared."


def both(ours: list[float], theirs: list[float]) -> Iterator[tuple[int, tuple[float, float]]]:
    yield from enumerate(zip(ours, theirs, strict=True))


def own_losses(args: argparse.Namespace, scratch: Path, made: Sequence[Any]) -> list[float]:
    base = open_base(str(scratch / "drawn"))
    tokenized = list(tokenize(made, base.chat()))
    write_shards(tokenized, base.tokenizer, base.ids, scratch / "shards", CONTEXT)  # what the loop asks for its data
    recipe = TrainRecipe(
        steps=args.steps, batch_size=BATCH, lr=RATE, optimizer="adamw", weight_decay=0.0, schedule="constant", warmup=0
    )
    how = {"quiet": True, "eval_every": 10**6, "save_every": 10**6, "backend": args.backend, "compiled": False}
    job, _ = plan_sft(base, str(scratch / "shards"), recipe, Replay(), output=str(scratch / "ours"), **how)
    source = OneARow([(one.tokens, one.mask) for one in tokenized], CONTEXT)
    with Stopper() as stopper:
        Training(job, standard_hooks(job), source=source).run(stopper)
    return [line["loss"] for line in read_lines(scratch / "ours" / LOG)]


def trl_losses(args: argparse.Namespace, scratch: Path) -> list[float]:
    """Of the model that ours began with: its export is made of the drawn weights in the place of the tuned ones."""
    base = open_base(str(scratch / "drawn"))
    export_hf(scratch / "ours", scratch / "export")
    put_arrays(scratch / "export" / MODEL, base.checkpoint.weights())
    numbers = (str(args.steps), str(BATCH), str(CONTEXT), str(RATE))
    paths = (str(scratch / "export"), str(scratch / "conversations.jsonl"), str(scratch / "trl"))
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    ended = subprocess.run([args.trl, CHILD, *paths, *numbers], capture_output=True, text=True, env=env)
    told = [line for line in ended.stdout.splitlines() if line.startswith("LOSSES ")]
    if ended.returncode or not told:
        raise SystemExit(f"TRL did not run:\n{ended.stderr[-3000:]}")
    return json.loads(told[-1].removeprefix("LOSSES "))


BENCHMARK = Benchmark(
    file=__file__,
    title="Fine-tuning beside TRL's SFTTrainer",
    about=__doc__,
    measure=measure,
    add_options=add_options,
    quick={"steps": 3},
    packages=("jax", "numpy"),
    peers=(TRL,),
)

if __name__ == "__main__":
    BENCHMARK.main()
