"""Claim: a plan's batches are read at 5 million tokens a CPU second and more, so a training never waits for them.

    python -m benchmarks.train.loader_speed --nanogpt nanoGPT --out

Shards are made up (documents of 700 tokens, shuffled) unless given, and are in the page cache. Each way makes batches
until it has made 20 million tokens' worth; the ways take turns. Measured are tokens per CPU second of the whole
process, threads included, and per second; the fastest round counts.

- PlanReader.batch and Feed give tokens, targets, mask, segment ids and positions, int32.
- memmap rows copies the plan's spans into a batch of tokens and no more.
- nanoGPT's get_batch, taken from its train.py as it stands, draws offsets and gives x and y, int64: no documents, no
  order that can be resumed. Its row is left out without a checkout.
- torch DataLoader is over the same rows as a map-style dataset of tokens, in the process itself (workers are processes;
  their start alone takes seconds).

Last, a nano training shows which share of its time it waited for batches.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.generated.shards import write_shards
from benchmarks.harness import Benchmark, positive, ratio, table, take_turns
from benchmarks.peers.installed import NANOGPT
from benchmarks.process_cost import bateia, measure
from schemas.shards.layout import TRAIN, ShardsInfo, read_plan, read_shards, tokens_path
from schemas.shards.tokens import TokenFiles
from trainer.data.batches import PlanReader
from trainer.data.feed import Feed

SHAPES = ((16, 256, 2048), (16, 1024, 50304), (32, 2048, 32768))  # rows, context, vocabulary
STEPS_LEFT_OUT = 10  # of the training: the first are its compilation
NextBatch = Callable[[], Any]


@dataclass(frozen=True)
class Speed:
    """One round of a way: seconds for all of its tokens."""

    tokens: int
    cpu_s: float
    wall_s: float

    def __str__(self) -> str:
        return f"{self.tokens / self.cpu_s / 1e6:.1f} M tokens a CPU second"


def ways(reader: PlanReader, shards: ShardsInfo, rows: int, nanogpt: Path | None) -> dict[str, Callable[[], NextBatch]]:
    """What begins each way anew; what it returns makes the next batch."""
    begun: dict[str, Callable[[], NextBatch]] = {
        "Feed": lambda: Feed(lambda step: reader.batch(step, rows), range(1 << 40)).next,
        "PlanReader.batch": lambda: by_step(lambda step: reader.batch(step, rows)),
        "memmap rows": lambda: by_step(memmap_rows(reader, TokenFiles(shards, TRAIN), rows)),
        "torch DataLoader": lambda: torch_loader(reader, rows),
    }
    if nanogpt is not None:
        begun["nanoGPT's get_batch"] = lambda: nanogpt_batches(nanogpt, shards, rows, reader.context)
    return begun


def by_step(batch: Callable[[int], Any]) -> NextBatch:
    steps = itertools.count()
    return lambda: batch(next(steps))


def memmap_rows(reader: PlanReader, files: TokenFiles, rows: int) -> Callable[[int], np.ndarray]:
    def batch(step: int) -> np.ndarray:
        made = np.empty((rows, reader.context + 1), np.int32)
        for row in range(rows):
            filled = 0
            for span in reader.spans(step * rows + row):
                made[row, filled : filled + span[2]] = files.span(*span)
                filled += span[2]
        return made

    return batch


def torch_loader(reader: PlanReader, rows: int) -> NextBatch:
    """Batches of int64 rows (rows, context + 1) from a plain DataLoader over the same plan."""
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


def nanogpt_batches(checkout: Path, shards: ShardsInfo, rows: int, context: int) -> NextBatch:
    """get_batch of its train.py, compiled from there, with the names that it looks up."""
    import torch

    tree = ast.parse((checkout / "train.py").read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "get_batch"]
    data = Path(tokens_path(shards.folder, TRAIN, 0))

    class Paths:
        """Its os: the one path that it asks for is the first shard's."""

        class path:
            join = staticmethod(lambda *_: str(data))

    names: dict[str, Any] = {"np": np, "torch": torch, "os": Paths, "data_dir": "", "device": "cpu"}
    names |= {"device_type": "cpu", "block_size": context, "batch_size": rows}
    exec(compile(tree, str(checkout / "train.py"), "exec"), names)
    return lambda: names["get_batch"]("train")


def read(begin: Callable[[], NextBatch], batches: int, tokens: int) -> Speed:
    """Make some batches. tokens: of one."""
    batch = begin()
    batch()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(batches):
        batch()
    return Speed(batches * tokens, time.process_time() - cpu, time.perf_counter() - wall)


def speeds_table(speeds: dict[str, list[Speed]]) -> str:
    ours, rows = [speed.cpu_s for speed in speeds["Feed"]], []
    for name, of_rounds in speeds.items():
        relation = ratio(ours, [speed.cpu_s for speed in of_rounds])
        tokens = of_rounds[0].tokens / 1e6
        cpu, wall = (min(speed.cpu_s for speed in of_rounds), min(speed.wall_s for speed in of_rounds))
        rows.append([name, f"{tokens / cpu:.1f}", f"{tokens / wall:.1f}", relation, relation.by_round])
    return table(["", "M tokens a CPU second", "M tokens a second", "CPU ÷ Feed", "round by round"], rows)


def training_waits(shards: Path, steps: int, scratch: Path) -> str:
    """The share of a nano training's time, its first steps left out, that it waited for batches."""
    output = scratch / "run"
    command = bateia("train", "--shards", shards, "--output", output, "--quiet", "--model", "nano", "--steps", steps)
    measure([*command, "--sample-tokens", "0", "--save-every", "1000000"], scratch / "log.txt")
    lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()][STEPS_LEFT_OUT:]
    seconds = sum(line["seconds"] for line in lines)
    pace = sum(line["tokens"] for line in lines) / seconds
    share = sum(line["waited_s"] for line in lines) / seconds
    return f"`bateia train --model nano`, {steps} steps: {pace:,.0f} tokens/s, {share:.3%} of the time waited.\n"


def section(folder: Path, rows: int, args: argparse.Namespace) -> Iterator[str]:
    """Every way over the plan of these shards. rows: of a batch."""
    shards = read_shards(str(folder))
    reader = PlanReader(shards, read_plan(shards, "main"))
    tokens = rows * reader.context
    batches = max(1, args.read // tokens)
    begun = ways(reader, shards, rows, args.nanogpt)
    sides = {name: lambda begin=begin: read(begin, batches, tokens) for name, begin in begun.items()}
    speeds = take_turns(sides, args.rounds)
    looked_at = min(reader.rows, 1000)
    documents = sum(len(reader.spans(row)) for row in range(looked_at)) / looked_at
    yield f"## {rows} rows of {reader.context} tokens ({documents:.1f} documents a row)\n"
    yield speeds_table(speeds)


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    shapes = SHAPES[:1] if args.shards else SHAPES[: args.shapes]
    for number, (rows, context, vocab_size) in enumerate(shapes):
        folder = args.shards or write_shards(scratch / f"shards-{number}", args.tokens, context, vocab_size)
        yield from section(folder, rows, args)
        if number == 0:
            yield training_waits(folder, args.steps, scratch)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shards", type=Path, help="output of `bateia shard`; default: made up")
    parser.add_argument("--shapes", type=positive, default=len(SHAPES), help="how many shapes of made-up shards (3)")
    parser.add_argument("--tokens", type=positive, default=50_000_000, help="of made-up shards (50,000,000)")
    parser.add_argument("--read", type=positive, default=20_000_000, help="tokens that a round reads (20,000,000)")
    parser.add_argument("--steps", type=positive, default=60, help="of the training (60)")


BENCHMARK = Benchmark(
    __file__,
    "Reading batches",
    __doc__,
    compare,
    add_options,
    rounds=5,
    quick={"shapes": 1, "tokens": 1_000_000, "read": 400_000, "steps": 20},
    packages=("numpy", "torch", "jax"),
    optional_peers=(NANOGPT,),
)

if __name__ == "__main__":
    BENCHMARK.main()
