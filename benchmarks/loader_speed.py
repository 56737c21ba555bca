"""Claim: a plan's batches are read at 5 million tokens a CPU second and more, so a training never waits for them.

    python -m benchmarks.loader_speed [--shards DIR] [--nanogpt DIR] [--tokens 50000000] [--rounds 5] [--out FILE]

Shards are made up (documents of 700 tokens, shuffled) unless given, and are in the page cache. Each way makes batches
until it has made 20 million tokens' worth; the ways take turns, and the fastest round is told. CPU time is that of the
whole process, threads included. `PlanReader` and `Feed` give tokens, targets, mask, segment ids and positions, int32;
`memmap rows` copies the plan's spans into a batch of tokens and no more; nanoGPT's get_batch, taken from its train.py
as it stands, draws offsets and gives x and y, int64: no documents, no order that can be resumed. `DataLoader` is
torch's over the same rows as a map-style dataset of tokens, in the process itself (workers are processes; their
start alone takes seconds). At last, a nano training tells which share of its time it waited for batches.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.made_up_shards import write_shards
from benchmarks.process_cost import machine
from schemas.shards import TRAIN, ShardsInfo, read_plan, read_shards, tokens_path
from trainer.batches import PlanReader
from trainer.feed import Feed, StepSource
from trainer.token_files import TokenFiles

READ = 20_000_000  # tokens a round
SHAPES = ((16, 256, 2048), (16, 1024, 50304), (32, 2048, 32768))  # rows, context, vocabulary
NextBatch = Callable[[], Any]


@dataclass
class Best:
    """Tokens per second of the fastest round by CPU time and by the clock."""

    cpu: float = 0.0
    wall: float = 0.0


def ways(reader: PlanReader, shards: ShardsInfo, rows: int, nanogpt: str | None) -> dict[str, Callable[[], NextBatch]]:
    """What begins each way anew; what it returns makes the next batch."""
    found: dict[str, Callable[[], NextBatch]] = {
        "PlanReader.batch": lambda: by_step(lambda step: reader.batch(step, rows)),
        "Feed": lambda: Feed(StepSource(reader, rows, 1 << 40), 0).next,
        "memmap rows": lambda: by_step(memmap_rows(reader, TokenFiles(shards, TRAIN), rows)),
        "torch DataLoader": lambda: torch_loader(reader, rows),
    }
    if nanogpt is not None:
        found["nanoGPT's get_batch"] = lambda: nanogpt_batches(Path(nanogpt), shards, rows, reader.context)
    return found


def by_step(batch: Callable[[int], Any]) -> NextBatch:
    steps = itertools.count()
    return lambda: batch(next(steps))


def memmap_rows(reader: PlanReader, files: TokenFiles, rows: int) -> Callable[[int], np.ndarray]:
    def batch(step: int) -> np.ndarray:
        made = np.empty((rows, reader.context + 1), np.int32)
        for at in range(rows):
            first = 0
            for span in reader.spans(step * rows + at):
                made[at, first : first + span[2]] = files.span(*span)
                first += span[2]
        return made

    return batch


def torch_loader(reader: PlanReader, rows: int) -> NextBatch:
    from torch.utils.data import DataLoader, Dataset

    class Rows(Dataset[Any]):
        def __len__(self) -> int:
            return reader.rows

        def __getitem__(self, row: int) -> np.ndarray:
            return reader.row(row).astype(np.int64)

    def endless() -> Iterator[Any]:
        while True:
            yield from DataLoader(Rows(), batch_size=rows, drop_last=True)

    batches = endless()
    return lambda: next(batches)


def nanogpt_batches(folder: Path, shards: ShardsInfo, rows: int, context: int) -> NextBatch:
    """get_batch of its train.py, compiled from there, with the names that it looks up."""
    import torch

    tree = ast.parse((folder / "train.py").read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "get_batch"]
    data = Path(tokens_path(shards.folder, TRAIN, 0))

    class Paths:
        """Its os: the one path that it asks for is the first shard's."""

        class path:
            join = staticmethod(lambda *_: str(data))

    names: dict[str, Any] = {"np": np, "torch": torch, "os": Paths, "data_dir": "", "device": "cpu"}
    names |= {"device_type": "cpu", "block_size": context, "batch_size": rows}
    exec(compile(tree, str(folder / "train.py"), "exec"), names)
    return lambda: names["get_batch"]("train")


def measure(begun: dict[str, Callable[[], NextBatch]], tokens: int, rounds: int) -> dict[str, Best]:
    """tokens: of a batch."""
    best: dict[str, Best] = {name: Best() for name in begun}
    count = max(1, READ // tokens)
    for _ in range(rounds):
        for name, begin in begun.items():
            batch = begin()
            batch()
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(count):
                batch()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            best[name].cpu = max(best[name].cpu, count * tokens / cpu)
            best[name].wall = max(best[name].wall, count * tokens / wall)
    return best


def table(best: dict[str, Best], rows: int, reader: PlanReader) -> Iterator[str]:
    spans = sum(len(reader.spans(row)) for row in range(1000)) / 1000
    yield f"\n## {rows} rows of {reader.context} tokens ({spans:.1f} documents a row)\n"
    yield "| | M tokens a CPU second | M tokens a second | Feed ÷ this, by CPU |"
    yield "|---|--:|--:|--:|"
    for name, one in best.items():
        ratio = best["Feed"].cpu / one.cpu
        yield f"| {name} | {one.cpu / 1e6:.1f} | {one.wall / 1e6:.1f} | {ratio:.2f} |"


def waited(shards: Path, folder: Path, steps: int) -> str:
    """The share of a nano training's time, its first ten steps left out, that it waited for batches."""
    command = [sys.executable, "-m", "pipelines", "train", "--shards", str(shards), "--output", str(folder), "--quiet"]
    command += ["--model", "nano", "--steps", str(steps), "--sample-tokens", "0", "--save-every", "1000000"]
    subprocess.run(command, check=True, capture_output=True)
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()][10:]
    seconds = sum(line["seconds"] for line in lines)
    tokens = sum(line["tokens"] for line in lines)
    share = sum(line["waited_s"] for line in lines) / seconds
    return f"`bateia train --model nano`, {steps} steps: {tokens / seconds:,.0f} tokens/s, {share:.3%} of it waited."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, help="output of `bateia shard`; default: made up")
    parser.add_argument("--nanogpt", help="a checkout of github.com/karpathy/nanoGPT (measured: 3adf61e)")
    parser.add_argument("--tokens", type=int, default=50_000_000, help="of made-up shards")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60, help="of the training")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    lines = [f"# Reading batches, {date.today()}\n\n{machine()}."]
    for rows, context, vocab_size in SHAPES if args.shards is None else SHAPES[:1]:
        with tempfile.TemporaryDirectory() as name:
            folder = args.shards or write_shards(Path(name) / "shards", args.tokens, context, vocab_size)
            shards = read_shards(str(folder))
            reader = PlanReader(shards, read_plan(shards, "main"))
            best = measure(ways(reader, shards, rows, args.nanogpt), rows * reader.context, args.rounds)
            lines += table(best, rows, reader)
            if rows * context == SHAPES[0][0] * SHAPES[0][1] or args.shards:
                lines += ["", waited(folder, Path(name) / "run", args.steps)]
    told = "\n".join(lines) + "\n"
    print(told)
    if args.out:
        args.out.write_text(told)


if __name__ == "__main__":
    main()
