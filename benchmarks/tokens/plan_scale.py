"""Claim: the plan of 10 million documents is made in 5 minutes and 2 GB on two cores, by either packing.

    python -m benchmarks.tokens.plan_scale --documents 10000000 --workers 2 --scratch DIR --out

The documents' tables are made up (lengths log-normal about 700 tokens, as web pages have them; ids, URLs and keys of
the real width); tokens are not written, as a plan never reads any. Measured are wall and CPU seconds of every process
of the command, start-up included, and memory. Needs 2 GB of disk.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from benchmarks.generated.shards import write_tables
from benchmarks.harness import Benchmark, note, positive, table
from benchmarks.process_cost import bateia, measure
from schemas.shards.layout import BESTFIT, CONCAT, read_plan, read_shards


def plan(shards: Path, packing: str, args: argparse.Namespace, log: Path) -> list[object]:
    """One row: what the plan of a packing holds and costs."""
    command = bateia("plan", "--shards", shards, "--name", packing, "--packing", packing)
    cost = measure([*command, "--context", str(args.context), "--workers", str(args.workers)], log)
    note(f"{packing}: {cost}")
    made = read_plan(read_shards(str(shards)), packing)
    size = sum(path.stat().st_size for path in Path(made.folder).glob("*.parquet"))
    times = [f"{cost.wall_s:.0f}", f"{cost.cpu_s:.0f}"]
    memory = [f"{cost.tree_mib:,.0f}", f"{max(cost.largest()):,.0f}"]
    return [packing, f"{made.rows:,}", f"{made.tokens:,}", *times, *memory, f"{size / 1e6:.0f}"]


def scale(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    shards = scratch / "shards"
    write_tables(shards, args.documents)
    note(f"{args.documents:,} documents written")
    yield f"{args.documents:,} documents; {args.workers} workers, in process, context {args.context:,}.\n"
    rows = [plan(shards, packing, args, scratch / "log.txt") for packing in (CONCAT, BESTFIT)]
    yield table(["packing", "rows", "tokens", "wall s", "CPU s", "peak MiB", "largest process MiB", "plan MB"], rows)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--documents", type=positive, default=10_000_000, help="made up (10,000,000)")
    parser.add_argument("--context", type=positive, default=2048, help="tokens of a row (2,048)")
    parser.add_argument("--workers", type=positive, default=2, help="processes (2)")


BENCHMARK = Benchmark(
    __file__,
    "Plans over many documents",
    __doc__,
    scale,
    add_options,
    quick={"documents": 20_000, "context": 512},
    packages=("apache-beam", "numpy", "pyarrow"),
)

if __name__ == "__main__":
    BENCHMARK.main()
