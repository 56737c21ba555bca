"""Claim: Bateia's training step is at least as fast as nanochat's and nanoGPT's at equal shape, on both backends.

    python -m benchmarks.train_vs_peers --nanochat DIR --nanogpt DIR [--device cpu|gpu] [--sizes nano 30m]
        [--shards DIR] [--rounds 3] [--seconds 5] [--minutes 60] [--out FILE]

DIR are checkouts (github.com/karpathy/nanochat at 92d63d4, nanoGPT at 3adf61e); this environment needs torch and, for
nanochat, filelock, and for the plain loop transformers. Equal are layers, width, heads, heads of keys and values
(nanoGPT has as many as heads), vocabulary, context, rows of a batch, tokens and precision (float32 on CPUs, bfloat16
with float32 weights on GPUs). What else the peers' models have is theirs: nanochat's head is not tied, it has value
embeddings; so FLOP/s are told beside tokens/s, FLOPs as each counts its own (6 N + 12 L D T).

A step is forward, backward and update with the system's own defaults: ours clips, counts what is not finite and hands
batches from numpy to the device; the peers' batches lie on the device already. `bateia train` asks for memory in huge
pages (`pipelines/huge_pages.py`), which on CPUs is a part of its pace: the peers run as they come, and so too.

Every system has a process of its own and all cores; they take turns (A B C A B C), a round being `--seconds` of steps,
its figure their median; told is the fastest round, as other work on the machine only adds, and the slowest. Compiling
and the first steps are left out. Then `bateia train` runs as a whole: its median step, reading and logging included,
and the share of the time that it waited for data.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.made_up_shards import write_shards
from benchmarks.process_cost import machine
from benchmarks.step_process import Child, Facts, Round, Work
from pipelines import huge_pages
from schemas.shards import read_plan, read_shards
from trainer.batches import PlanReader
from trainer.model_config import find_model
from trainer.peaks import peak_flops

# Vocabulary, context and rows by size. 50,304 is GPT-2's vocabulary rounded up, as nanoGPT has it.
SHAPES = {"nano": (2048, 256, 16), "30m": (32768, 256, 4), "124m": (50304, 1024, 16), "350m": (32768, 1024, 8)}
BATCHES = 8
OURS = ("Bateia, JAX", "Bateia, PyTorch")
PAGES = {huge_pages.VARIABLE: huge_pages.ASKED}  # as `bateia train` sets it; peers get it in rows of their own
GPU_MEMORY = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # JAX else takes three quarters, and others wait beside it
STEPS_LEFT_OUT = 10  # of `bateia train`: the first are its compilation


@dataclass
class System:
    """One row of a table. failed: why there are no numbers."""

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    child: Child | None = None
    facts: Facts | None = None
    steps: int = 0
    rounds: list[Round] = field(default_factory=list)
    failed: str = ""

    def start(self, work: Work, log: Path) -> None:
        self.child = Child(self.command, work, log, self.environment)

    def ready(self) -> None:
        """Wait until it is."""
        assert self.child is not None
        try:
            self.facts = self.child.ready()
        except RuntimeError as error:
            self.failed = str(error)

    def go(self, seconds: float) -> None:
        """A round. The first one finds out how many steps fill it."""
        assert self.child is not None
        try:
            if not self.steps:
                self.steps = max(3, round(seconds / statistics.median(self.child.round(3).seconds)))
            self.rounds.append(self.child.round(self.steps))
        except RuntimeError as error:
            self.failed = str(error)

    def paces(self, tokens: int) -> list[float]:
        """Tokens per second of each round, slowest first."""
        return sorted(tokens / statistics.median(made.seconds) for made in self.rounds)


Systems = dict[str, System]


def module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.{name}", *arguments]


def ours(optimizer: str) -> Systems:
    return {
        "Bateia, JAX": System(module("bateia_steps", "jax", optimizer), {**GPU_MEMORY, **PAGES}),
        "Bateia, PyTorch": System(module("bateia_steps", "torch", optimizer), PAGES),
    }


def families(args: argparse.Namespace) -> dict[str, Systems]:
    """Systems that are compared with each other: those of one optimizer."""
    dtype = {"NANOCHAT_DTYPE": "bfloat16" if args.device == "gpu" else "float32"}

    def nanochat(pattern: str) -> System:
        return System(module("peers.nanochat_steps", args.nanochat, pattern), dtype)

    muon = ours("muon") | {"nanochat": nanochat("L")}
    if args.device == "gpu":
        muon["nanochat, its windows (SSSL)"] = nanochat("SSSL")
    else:
        muon |= in_huge_pages(muon)
    adamw = ours("adamw") | {"nanoGPT": System(module("peers.nanogpt_steps", args.nanogpt))}
    for mode in ("compiled", "plain"):
        adamw[f"transformers' Llama, {mode}"] = System(module("peers.llama_steps", mode))
    if args.device == "cpu":
        adamw |= in_huge_pages(adamw)
    found = {"Muon": muon, "AdamW": adamw}
    if args.only:
        found = {
            family: {name: one for name, one in systems.items() if name.startswith(tuple(args.only))}
            for family, systems in found.items()
        }
    return {family: systems for family, systems in found.items() if systems}


def in_huge_pages(systems: Systems) -> Systems:
    """The peers once more, with the memory that ours have."""
    peers = {name: system for name, system in systems.items() if name not in OURS}
    return {
        f"{name}, huge pages": System(system.command, {**system.environment, **PAGES}) for name, system in peers.items()
    }


def measure(systems: Systems, work: Work, args: argparse.Namespace, scratch: Path) -> None:
    """Start all, then let them take turns. On a GPU ours in JAX compiles first, as XLA then tries out kernels, and the
    others at once."""
    names = list(systems)
    groups = [[name] for name in names] if args.device == "cpu" else [names[:1], names[1:]]
    for group in groups:
        for name in group:
            systems[name].start(work, scratch / f"log-{names.index(name)}.txt")
        for name in group:
            systems[name].ready()
            told(f"  {name}: {systems[name].failed or systems[name].facts}")
    for _ in range(args.rounds):
        for system in systems.values():
            if not system.failed:
                system.go(args.seconds)
    for system in systems.values():
        assert system.child is not None
        system.child.close()


def told(text: str) -> None:
    sys.stderr.write(text + "\n")


def find_work(size: str, args: argparse.Namespace, scratch: Path) -> tuple[Work, Path]:
    """The shape of a size and its tokens: of the shards given, or made up."""
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
    told_rows = np.stack([reader.row(row) for row in range(BATCHES * rows)]).astype(np.int32)
    file = scratch / "tokens.npy"
    np.save(file, told_rows.reshape(BATCHES, rows, plan.context + 1))
    device, dtype = ("cuda", "bfloat16") if args.device == "gpu" else ("cpu", "float32")
    shape = (model.dim, model.layers, model.heads, model.kv_heads, model.hidden)
    return Work(str(file), device, dtype, info.vocab_size, plan.context, rows, *shape), shards


def table(family: str, systems: Systems, work: Work) -> Iterator[str]:
    tokens = work.rows * work.context
    yield f"\n### {family}\n"
    gpu = " memory GB | MFU |" if work.device == "cuda" else ""
    yield (
        "| | parameters M | MFLOPs a token | tokens/s | slowest round | GFLOP/s | "
        f"JAX ÷ this | PyTorch ÷ this | JAX ÷ this, FLOP/s | PyTorch ÷ this, FLOP/s | ready after s |{gpu}"
    )
    yield "|---|" + "--:|" * (12 if gpu else 10)
    speeds = {name: pace_and_flops(system, tokens) for name, system in systems.items() if system.rounds}
    for name, system in systems.items():
        if name not in speeds or system.facts is None:
            yield f"| {name} | did not run |" + " |" * (11 if gpu else 9)
            continue
        pace, flops = speeds[name]
        low = system.paces(tokens)[0]
        facts = system.facts
        cells = [f"{facts.parameters / 1e6:.2f}", f"{facts.flops / 1e6:,.1f}", f"{pace:,.0f}", f"{low:,.0f}"]
        cells.append(f"{flops / 1e9:,.1f}")
        cells += [f"{speeds[our][0] / pace:.2f}" if our in speeds else "–" for our in OURS]
        cells += [f"{speeds[our][1] / flops:.2f}" if our in speeds else "–" for our in OURS]
        cells.append(f"{facts.start_s:.0f}")
        if gpu:
            peak = peak_flops(facts.device)
            memory = max(made.memory for made in system.rounds) / 1e9
            cells += [f"{memory:.1f}", f"{flops / peak:.1%}" if peak else "–"]
        yield f"| {name} | {' | '.join(cells)} |"


def pace_and_flops(system: System, tokens: int) -> tuple[float, float]:
    assert system.facts is not None
    pace = system.paces(tokens)[-1]
    return pace, pace * system.facts.flops


def whole(size: str, shards: Path, work: Work, args: argparse.Namespace, scratch: Path, steps: int) -> Iterator[str]:
    """`bateia train` from start to end: its median step and what it waited."""
    yield "\n### `bateia train`\n"
    yield "| backend | tokens/s, median step | tokens/s of all steps | waited for data | command s |"
    yield "|---|--:|--:|--:|--:|"
    for backend in ("jax", "torch"):
        output = scratch / f"run-{backend}"
        command = [sys.executable, "-m", "pipelines", "train", "--shards", str(shards), "--output", str(output)]
        command += ["--model", size, "--backend", backend, "--steps", str(steps), "--dtype", work.dtype, "--quiet"]
        command += ["--batch-size", str(work.rows), "--sample-tokens", "0", "--devices", "1"]
        command += ["--save-every", "1000000", "--eval-every", "1000000"]
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            yield f"| {backend} | did not run | | | |"
            told(done.stderr[-1500:])
            continue
        lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()][STEPS_LEFT_OUT:]
        seconds = [line["seconds"] for line in lines]
        waited = sum(line["waited_s"] for line in lines) / sum(seconds)
        tokens = work.rows * work.context
        pace, mean = tokens / statistics.median(seconds), tokens * len(lines) / sum(seconds)
        yield f"| {backend} | {pace:,.0f} | {mean:,.0f} | {waited:.2%} | {time.monotonic() - began:.0f} |"


def heading(args: argparse.Namespace) -> str:
    packages = ("jax", "jaxlib", "optax", "torch", "transformers", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    peers = ", ".join(f"{Path(folder).name} {commit(folder)}" for folder in (args.nanochat, args.nanogpt))
    return f"# A training step beside its peers, {date.today()}\n\n{machine()}; {versions}; {peers}."


def commit(folder: str) -> str:
    done = subprocess.run(["git", "-C", folder, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "of an unknown commit"


def sections(args: argparse.Namespace) -> Iterator[str]:
    """Markdown, part by part as it is measured, until the time is over."""
    yield heading(args)
    end = time.monotonic() + args.minutes * 60
    for size in args.sizes:
        with tempfile.TemporaryDirectory() as name:
            work, shards = find_work(size, args, Path(name))
            yield f"\n## {size}\n\n{shape_of(work)}."
            step_s = 0.0
            for family, systems in families(args).items():
                if time.monotonic() > end:
                    yield f"\n{family}: out of time."
                    continue
                told(f"{size}, {family}")
                measure(systems, work, args, Path(name))
                yield "\n".join(table(family, systems, work))
                made = systems[OURS[0]].rounds if OURS[0] in systems else []
                step_s = statistics.median(made[0].seconds) if made else step_s
            if step_s and time.monotonic() < end:
                steps = STEPS_LEFT_OUT + max(10, round(2 * args.seconds / step_s))
                yield "\n".join(whole(size, shards, work, args, Path(name), steps))


def shape_of(work: Work) -> str:
    return (
        f"{work.layers} layers of width {work.dim}, {work.heads} heads ({work.kv_heads} of keys and values), "
        f"vocabulary {work.vocab_size:,}; {work.rows} rows of {work.context} tokens; {work.dtype} on {work.device}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nanochat", required=True, metavar="DIR")
    parser.add_argument("--nanogpt", required=True, metavar="DIR")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--sizes", nargs="+", choices=SHAPES, help="default: nano 30m, on a GPU 124m 350m")
    parser.add_argument("--shards", type=Path, help="output of `bateia shard`; default: made up for each size")
    parser.add_argument("--context", type=int, help="of made-up shards")
    parser.add_argument("--rows", type=int, help="of a batch")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="systems by the beginning of their names")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of a round")
    parser.add_argument("--minutes", type=float, default=60.0, help="after which no table more is begun")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    args.sizes = args.sizes or (["124m", "350m"] if args.device == "gpu" else ["nano", "30m"])
    lines = ""
    for section in sections(args):
        print(section, flush=True)
        lines += section + "\n"
        if args.out:
            args.out.write_text(lines)


if __name__ == "__main__":
    main()
