"""Claim: Bateia's training step is at least as fast as nanochat's and nanoGPT's at equal shape, on both backends.

    python -m benchmarks.train.train_vs_peers --nanochat nanochat --nanogpt nanoGPT --sizes nano 30m --out
    python -m benchmarks.train.train_vs_peers --nanochat nanochat --nanogpt nanoGPT --device gpu --minutes 8 --out

Peers are checkouts (nanochat at 92d63d4, nanoGPT at 3adf61e were measured), and a plain loop over transformers' Llama;
this environment needs torch and transformers, and filelock for nanochat. A peer that is absent has no row. Equal are
layers, width, heads, heads of keys and values (nanoGPT has as many as heads), vocabulary, context, rows of a batch,
tokens and precision (float32 on CPUs, bfloat16 with float32 weights on GPUs). What else the peers' models have is
theirs: nanochat's head is not tied, and it has value embeddings. So FLOP/s stand beside tokens/s, FLOPs as each counts
its own (6 N + 12 L D T).

Measured are tokens per second of a step: forward, backward and update with the system's own defaults. Ours clips,
counts what is not finite and hands batches from numpy to the device; the peers' batches lie on the device already.
`bateia train` asks for memory in huge pages, which on CPUs is a part of its pace: peers have rows as they come, and
rows with huge pages.

Every system has a process of its own and all cores; they take turns, a round being --seconds of steps and its figure
their median. The fastest round counts, as other work on the machine only adds; the slowest is shown. Compiling and the
first steps are left out. Then `bateia train` runs as a whole: its median step, reading and logging included, and the
share of its time that it waited for data.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.generated.shards import write_shards
from benchmarks.harness import Benchmark, note, positive, table, take_turns
from benchmarks.peers.installed import NANOCHAT, NANOGPT
from benchmarks.process_cost import bateia, measure
from benchmarks.train.step_process import Child, Facts, Round, Workload
from schemas.shards.layout import read_plan, read_shards
from trainer.data.batches import PlanReader
from trainer.model.config import find_model
from trainer.run.step_log import peak_flops

# Vocabulary, context and rows by size. 50,304 is GPT-2's vocabulary rounded up, as nanoGPT has it.
SHAPES = {"nano": (2048, 256, 16), "30m": (32768, 256, 4), "124m": (50304, 1024, 16), "350m": (32768, 1024, 8)}
SIZES = {"cpu": ["nano", "30m"], "gpu": ["124m", "350m"]}
BATCHES = 8
OURS = ("Bateia, JAX", "Bateia, PyTorch")
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}  # as `bateia train` sets it
GPU_MEMORY = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # else JAX takes three quarters, and others wait beside it
STEPS_LEFT_OUT = 10  # of `bateia train`: the first are its compilation


@dataclass
class Side:
    """One system: its process, and what it measured.

    steps: of a round, 0 before the first.
    failed: why there are no numbers.
    """

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    child: Child | None = None
    facts: Facts | None = None
    steps: int = 0
    rounds: list[Round] = field(default_factory=list)
    failed: str = ""

    def start(self, workload: Workload, log: Path) -> None:
        # What other runs compiled, or left half compiled, is nobody's in this one.
        cache = {"TORCHINDUCTOR_CACHE_DIR": str(log.parent / "inductor")}
        self.child = Child(self.command, workload, log, {**self.environment, **cache})

    def wait_until_ready(self) -> None:
        assert self.child is not None
        try:
            self.facts = self.child.ready()
        except RuntimeError as error:
            self.failed = str(error)

    def go(self, seconds: float) -> str:
        """One round, described in words. The first one finds out how many steps fill it."""
        assert self.child is not None
        try:
            if not self.steps:
                self.steps = max(3, round(seconds / statistics.median(self.child.round(3).seconds)))
            self.rounds.append(self.child.round(self.steps))
        except RuntimeError as error:
            self.failed = str(error)
        return self.failed or f"{statistics.median(self.rounds[-1].seconds):.4f} s a step"

    def paces(self, tokens: int) -> list[float]:
        """Tokens per second of each round, the slowest first. tokens: of a step."""
        return sorted(tokens / statistics.median(made.seconds) for made in self.rounds)

    def pace_and_flops(self, tokens: int) -> tuple[float, float]:
        """Tokens and FLOPs per second of the fastest round."""
        assert self.facts is not None
        pace = self.paces(tokens)[-1]
        return pace, pace * self.facts.flops


Sides = dict[str, Side]


def module(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)]


def ours(optimizer: str) -> Sides:
    return {
        "Bateia, JAX": Side(module("train.bateia_steps", "jax", optimizer), {**GPU_MEMORY, **HUGE_PAGES}),
        "Bateia, PyTorch": Side(module("train.bateia_steps", "torch", optimizer), HUGE_PAGES),
    }


def families(args: argparse.Namespace) -> dict[str, Sides]:
    """Systems that are compared with each other: those of one optimizer."""
    muon, adamw = ours("muon"), ours("adamw")
    if args.nanochat:
        windows = {"nanochat": "L"} | ({"nanochat, its windows (SSSL)": "SSSL"} if args.device == "gpu" else {})
        dtype = {"NANOCHAT_DTYPE": "bfloat16" if args.device == "gpu" else "float32"}
        for name, pattern in windows.items():
            muon[name] = Side(module("peers.nanochat_steps", args.nanochat, pattern), dtype)
    if args.nanogpt:
        adamw["nanoGPT"] = Side(module("peers.nanogpt_steps", args.nanogpt))
    for mode in ("compiled", "plain"):
        adamw[f"transformers' Llama, {mode}"] = Side(module("peers.llama_steps", mode))
    chosen = {"Muon": muon, "AdamW": adamw}
    if args.device == "cpu":
        chosen = {family: sides | in_huge_pages(sides) for family, sides in chosen.items()}
    if args.only:
        chosen = {
            family: {name: side for name, side in sides.items() if name in args.only}
            for family, sides in chosen.items()
        }
    return {family: sides for family, sides in chosen.items() if sides}


def in_huge_pages(sides: Sides) -> Sides:
    """The peers once more, with the memory that ours have."""
    peers = {name: side for name, side in sides.items() if name not in OURS}
    return {
        f"{name}, huge pages": Side(side.command, {**side.environment, **HUGE_PAGES}) for name, side in peers.items()
    }


def run_rounds(sides: Sides, workload: Workload, args: argparse.Namespace, scratch: Path) -> None:
    """Start all, then let them take turns.

    On a GPU ours in JAX compiles first, as XLA then tries out kernels, and the others at once.
    """
    names = list(sides)
    groups = [[name] for name in names] if args.device == "cpu" else [names[:1], names[1:]]
    for group in groups:
        for name in group:
            sides[name].start(workload, scratch / f"log-{names.index(name)}.txt")
        for name in group:
            sides[name].wait_until_ready()
            note(f"{name}: {sides[name].failed or sides[name].facts}")
    sound = {name: side for name, side in sides.items() if not side.failed}
    take_turns(
        {name: lambda side=side: side.failed or side.go(args.seconds) for name, side in sound.items()}, args.rounds
    )
    for side in sides.values():
        assert side.child is not None
        side.child.close()


def find_workload(size: str, args: argparse.Namespace, scratch: Path) -> tuple[Workload, Path]:
    """The shape of a size, with its tokens, and the shards they are of: those given, or made up."""
    vocab_size, context, rows = SHAPES[size]
    rows = args.rows or rows
    if args.shards is None:
        tokens = max(1_000_000, rows * context * 600)
        shards = write_shards(scratch / "shards", tokens, args.context or context, vocab_size)
    else:
        shards = args.shards
    info = read_shards(str(shards))
    plan = read_plan(info, "main")
    model = find_model(size, info.vocab_size, plan.context)
    reader = PlanReader(info, plan)
    tokens_of_rows = np.stack([reader.row(row) for row in range(BATCHES * rows)]).astype(np.int32)
    file = scratch / "tokens.npy"
    np.save(file, tokens_of_rows.reshape(BATCHES, rows, plan.context + 1))
    device, dtype = ("cuda", "bfloat16") if args.device == "gpu" else ("cpu", "float32")
    shape = (model.dim, model.layers, model.heads, model.kv_heads, model.hidden)
    return Workload(str(file), device, dtype, info.vocab_size, plan.context, rows, *shape), shards


def described(workload: Workload) -> str:
    return (
        f"{workload.layers} layers of width {workload.dim}, {workload.heads} heads ({workload.kv_heads} of keys and "
        f"values), vocabulary {workload.vocab_size:,}; {workload.rows} rows of {workload.context} tokens; "
        f"{workload.dtype} on {workload.device}"
    )


def paces_table(sides: Sides, workload: Workload) -> str:
    """A row a trainer: tokens/s, FLOP/s, memory, and how many times slower than ours it is."""
    tokens = workload.rows * workload.context
    speeds = {name: side.pace_and_flops(tokens) for name, side in sides.items() if side.rounds}
    head = ["", "parameters M", "MFLOPs a token", "tokens/s", "slowest round", "GFLOP/s"]
    head += [f"{our} ÷ this" for our in OURS] + [f"{our} ÷ this, FLOP/s" for our in OURS] + ["ready after s"]
    gpu = workload.device == "cuda"
    head += ["memory GB", "MFU"] if gpu else []
    rows = []
    for name, side in sides.items():
        facts = side.facts
        if name not in speeds or facts is None:
            rows.append([name, "did not run", *[""] * (len(head) - 2)])
            continue
        pace, flops = speeds[name]
        cells = [f"{facts.parameters / 1e6:.2f}", f"{facts.flops / 1e6:,.1f}", f"{pace:,.0f}"]
        cells += [f"{side.paces(tokens)[0]:,.0f}", f"{flops / 1e9:,.1f}"]
        cells += [f"{speeds[our][0] / pace:.2f}" if our in speeds else "–" for our in OURS]
        cells += [f"{speeds[our][1] / flops:.2f}" if our in speeds else "–" for our in OURS]
        cells.append(f"{facts.start_s:.0f}")
        if gpu:
            peak = peak_flops(facts.device)
            memory = max(made.memory for made in side.rounds) / 1e9
            cells += [f"{memory:.1f}", f"{flops / peak:.1%}" if peak else "–"]
        rows.append([name, *cells])
    return table(head, rows)


def whole_command(size: str, shards: Path, workload: Workload, steps: int, scratch: Path) -> str:
    """`bateia train` from start to end: its median step and what it waited."""
    rows = []
    for backend in ("jax", "torch"):
        output = scratch / f"run-{backend}"
        command = bateia("train", "--shards", shards, "--output", output, "--model", size, "--backend", backend)
        command += ["--steps", str(steps), "--dtype", workload.dtype, "--batch-size", str(workload.rows), "--quiet"]
        command += ["--devices", "1", "--sample-tokens", "0", "--save-every", "1000000", "--eval-every", "1000000"]
        try:
            cost = measure(command, scratch / "log.txt")
        except RuntimeError as error:
            note(str(error))
            rows.append([backend, "did not run", "", "", ""])
            continue
        lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()][STEPS_LEFT_OUT:]
        seconds = [line["seconds"] for line in lines]
        waited = sum(line["waited_s"] for line in lines) / sum(seconds)
        tokens = workload.rows * workload.context
        pace, average = tokens / statistics.median(seconds), tokens * len(lines) / sum(seconds)
        rows.append([backend, f"{pace:,.0f}", f"{average:,.0f}", f"{waited:.2%}", f"{cost.wall_s:.0f}"])
    return table(["backend", "tokens/s, median step", "tokens/s of all steps", "waited for data", "command s"], rows)


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The report by size of model, until the minutes are used up."""
    end = time.monotonic() + args.minutes * 60
    for size in args.sizes or SIZES[args.device]:
        folder = scratch / size
        folder.mkdir()
        workload, shards = find_workload(size, args, folder)
        yield f"## {size}\n\n{described(workload)}.\n"
        step_s = 0.0
        for family, sides in families(args).items():
            if time.monotonic() > end:
                yield f"{family}: out of time.\n"
                continue
            run_rounds(sides, workload, args, folder)
            yield f"### {family}\n\n{paces_table(sides, workload)}"
            rounds = sides[OURS[0]].rounds if OURS[0] in sides else []
            step_s = statistics.median(rounds[0].seconds) if rounds else step_s
        if step_s and time.monotonic() < end:
            steps = STEPS_LEFT_OUT + max(10, round(2 * args.seconds / step_s))
            yield f"### `bateia train`\n\n{whole_command(size, shards, workload, steps, folder)}"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=tuple(SIZES), default="cpu")
    parser.add_argument("--sizes", nargs="+", choices=SHAPES, help="default: nano 30m, on a GPU 124m 350m")
    parser.add_argument("--shards", type=Path, help="output of `bateia shard`; default: made up for each size")
    parser.add_argument("--context", type=positive, help="of made-up shards, in tokens")
    parser.add_argument("--rows", type=positive, help="of a batch")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="only these rows, for instance 'Bateia, JAX' nanochat"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of a round (5)")
    parser.add_argument("--minutes", type=float, default=60.0, help="after which no table more is begun (60)")


BENCHMARK = Benchmark(
    __file__,
    "A training step beside its peers",
    __doc__,
    compare,
    add_options,
    rounds=3,
    quick={
        **{"sizes": ["nano"], "rows": 2, "seconds": 0.5, "minutes": 10.0},
        "only": ["Bateia, JAX", "nanochat", "transformers' Llama, plain"],
    },
    packages=("jax", "jaxlib", "optax", "torch", "transformers", "numpy"),
    optional_peers=(NANOCHAT, NANOGPT),
)

if __name__ == "__main__":
    BENCHMARK.main()
