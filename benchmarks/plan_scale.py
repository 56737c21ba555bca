"""Claim: the plan of 10 million documents is made in 5 minutes and 2 GB on two cores, by either packing.

    python -m benchmarks.plan_scale [--documents 10000000] [--context 2048] [--workers 2] [--out FILE]

The documents' tables are made up (lengths log-normal about 700 tokens, as web pages have them; ids, URLs and hashes of
the real width); tokens are not written, as a plan never reads any. CPU time is that of every process of the command,
start-up included; memory is the sum over all processes with shared pages counted once, sampled four times a second.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.process_cost import machine, measure
from schemas.manifest import Manifest, hash_dataset, write_manifest
from schemas.shards import BESTFIT, CONCAT, SHARD_STAGE, docs_path, docs_schema, read_plan, read_shards
from transforms.part_files import write_table

PER_SHARD = 100_000
MEDIAN_TOKENS = 700


def docs_table(shard: int, count: int) -> pa.Table:
    draw = np.random.default_rng(shard)
    lengths = np.exp(draw.normal(np.log(MEDIAN_TOKENS), 1.0, count)).astype(np.int64) + 1
    keys = draw.integers(0, 1 << 64, count, np.uint64)
    known = {
        "doc_id": [f"<urn:uuid:{key:016x}-{shard:08x}>" for key in keys.tolist()],
        "start": np.cumsum(lengths) - lengths,
        "length": lengths,
        "bytes": lengths * 4,
        "key": keys,
        "url": [f"https://site-{key % 100_000}.invalid/{key:x}" for key in keys.tolist()],
        "language": ["en" if key % 4 else "pt" for key in keys.tolist()],
    }
    schema = docs_schema()
    return pa.table({field.name: pa.array(known.get(field.name, [None] * count), field.type) for field in schema})


def write_shards(folder: Path, documents: int) -> None:
    entries, tokens = [], 0
    for shard in range(-(-documents // PER_SHARD)):
        table = docs_table(shard, min(PER_SHARD, documents - shard * PER_SHARD))
        tokens += int(table.column("length").to_numpy().sum())
        entries.append(write_table(str(folder), docs_path("", "train", shard).lstrip("/"), table))
    settings = {"tokens": dict.fromkeys(("eos_id", "pad_id")) | {"bos_id": 1, "dtype": "uint16", "vocab_size": 32768}}
    settings["tokens"] |= {"tokenizer_sha256": "", "layout_hash": "made up"}
    train = {"documents": documents, "tokens": tokens, "languages": {}, "dumps": {}}
    counts = {"train": train, "val": {"documents": 0, "tokens": 0}, "slices": {}}
    write_manifest(str(folder), Manifest(SHARD_STAGE, settings, {}, [], counts, tuple(entries), hash_dataset(entries)))


def rows(folder: Path, args: argparse.Namespace) -> Iterator[str]:
    for packing in (CONCAT, BESTFIT):
        command = [sys.executable, "-m", "pipelines", "plan", "--shards", str(folder), "--name", packing]
        command += ["--context", str(args.context), "--packing", packing, "--workers", str(args.workers)]
        cost = measure(command, folder / "log.txt")
        plan = read_plan(read_shards(str(folder)), packing)
        size = sum(path.stat().st_size for path in Path(plan.folder).glob("*.parquet"))
        yield (
            f"| {packing} | {plan.rows:,} | {plan.tokens:,} | {cost.wall_s:.0f} | {cost.cpu_s:.0f} | "
            f"{cost.tree_mb:.0f} | {max(cost.largest()):.0f} | {size / 1e6:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=10_000_000)
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    lines = [f"# Plans over {args.documents:,} documents, {date.today()}\n"]
    lines += [f"{machine()}; {args.workers} workers, in process, context {args.context:,}.\n"]
    lines += ["| packing | rows | tokens | wall s | CPU s | all processes MiB | largest MiB | plan MB |"]
    lines += ["|---|--:|--:|--:|--:|--:|--:|--:|"]
    with tempfile.TemporaryDirectory() as scratch:
        write_shards(Path(scratch), args.documents)
        lines += rows(Path(scratch), args)
    told = "\n".join(lines) + "\n"
    print(told)
    if args.out:
        args.out.write_text(told)


if __name__ == "__main__":
    main()
