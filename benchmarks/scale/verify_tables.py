"""Claim: to verify ten times as many documents takes no more memory; the bar is 4 GiB for 100 million.

    python -m benchmarks.scale.verify_tables --documents 1000000 10000000 100000000 --workers 2 --scratch DIR --out

Documents' tables and a plan over them are made up: lengths of 8 to 24 tokens, keys drawn at random, a plan whose files
of rows hold 500,000 documents each from all over the shards. Files of tokens are sparse, and their zeros stand for BOS,
so that they take no disk; sha256 is not compared. Measured are seconds and memory of `bateia shards verify` with all
its processes. Needs 8 GB of disk for 100 million documents.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.generated.shards import finish, write_tokenizer
from benchmarks.harness import Benchmark, note, positive, table
from benchmarks.process_cost import bateia, measure
from pipelines.upkeep.counts import added, count_documents
from schemas.manifest import FileEntry
from schemas.shards.layout import PLAN_STAGE, SHARD_STAGE, TRAIN, VAL, docs_path, docs_schema, tokens_path
from transforms.plan import rows_table
from transforms.steps.tokens.pack import SPAN, cut_rows
from transforms.steps.tokens.settings import PlanSettings

DOCUMENTS_PER_SHARD, DOCUMENTS_PER_PART = 200_000, 500_000
LANGUAGES, DUMPS = ["en", "pt"], ["CC-MAIN-2024-33", "CC-MAIN-2024-38"]
CONTEXT = 31  # so that a document has 1.5 spans, as one of 700 tokens has in rows of 2,049


def write_shards(folder: Path, documents: int) -> int:
    """Write finished shards with the plan `main`; returns how many spans it has."""
    entries = list(write_tokenizer(folder / "tokenizer", 16))
    [sha256] = [entry.sha256 for entry in entries if entry.path.endswith("tokenizer.json")]
    parts = max(1, documents // DOCUMENTS_PER_PART)
    (folder / "spans").mkdir()
    counts = count_documents(docs_schema().empty_table())
    nothing = counts
    for shard, first in enumerate(range(0, documents, DOCUMENTS_PER_SHARD)):
        made = documents_of(shard, min(DOCUMENTS_PER_SHARD, documents - first))
        counts = added(counts, count_documents(made))
        entries += write_shard(folder, shard, made)
        scatter(folder / "spans", shard, made, parts)
    described = {"dtype": "uint16", "vocab_size": 16, "bos_id": 0, "eos_id": None, "pad_id": None}
    described |= {"layout_hash": "made up", "tokenizer_sha256": sha256}
    finish(folder, SHARD_STAGE, {"tokens": described}, {TRAIN: counts, VAL: nothing, "slices": {}}, entries)
    return write_plan(folder, parts, counts, described)


def documents_of(shard: int, count: int) -> pa.Table:
    """A shard's table. Names are the same for all: nothing that is verified reads them."""
    rng = np.random.default_rng(shard)
    lengths = rng.integers(8, 25, count)
    known = {
        "doc_id": pa.repeat("made up", count),
        "start": np.cumsum(lengths) - lengths,
        "length": lengths,
        "bytes": lengths * 4,
        "key": rng.integers(0, 1 << 64, count, np.uint64),
        "dump": named(rng.integers(0, len(DUMPS), count), DUMPS),
        "language": named(rng.integers(0, len(LANGUAGES), count), LANGUAGES),
    }
    schema = docs_schema()
    columns = [pa.array(known[f.name], f.type) if f.name in known else pa.nulls(count, f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def named(codes: np.ndarray, names: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), names).cast(pa.string())


def write_shard(folder: Path, shard: int, made: pa.Table) -> Iterator[FileEntry]:
    for name in (docs_path("", TRAIN, shard), tokens_path("", TRAIN, shard)):
        path = folder / name.lstrip("/")
        path.parent.mkdir(exist_ok=True)
        if name.endswith(".parquet"):
            pq.write_table(made, path, compression="zstd")
        else:
            with path.open("wb") as file:
                file.truncate(2 * int(made["length"].to_numpy().sum()))
        rows = len(made) if name.endswith(".parquet") else 0
        yield FileEntry(name.lstrip("/"), rows, path.stat().st_size, "")


def scatter(folder: Path, shard: int, made: pa.Table, parts: int) -> None:
    """Put a shard's documents to those of the parts of the plan that their keys draw."""
    spans = np.zeros(len(made), SPAN)
    spans["shard"], spans["start"], spans["length"] = shard, made["start"].to_numpy(), made["length"].to_numpy()
    part = made["key"].to_numpy() % np.uint64(parts)
    order = np.argsort(part, kind="stable")
    cuts = np.searchsorted(part[order], np.arange(1, parts, dtype=np.uint64))
    for number, piece in enumerate(np.split(spans[order], cuts)):
        with (folder / f"{number}").open("ab") as file:
            file.write(piece.tobytes())


def write_plan(folder: Path, parts: int, counts: dict, described: dict) -> int:
    """Cut the documents of all parts, one after the other, into rows; a row belongs to the part it begins in."""
    plan, size = folder / "plan" / "main", CONTEXT + 1
    plan.mkdir(parents=True)
    listed, entries, before, spans_made = [], [], 0, 0
    following = np.fromfile(folder / "spans" / "0", SPAN)
    for part in range(parts):
        spans = following
        following = np.fromfile(folder / "spans" / f"{part + 1}", SPAN) if part + 1 < parts else spans[:0]
        end = before + int(spans["length"].sum(dtype=np.int64))
        first, last = -(-before // size), -(-end // size)
        pieces = cut_rows(np.concatenate([spans, following[:size]]), before, first, last, size)
        path = plan / f"rows-{part:05}.parquet"
        pq.write_table(rows_table(pieces), path, compression="zstd", use_dictionary=False)
        entries.append(FileEntry(path.name, len(pieces), path.stat().st_size, ""))
        listed.append({"path": path.name, "first_row": first, "rows": last - first})
        before, spans_made = end, spans_made + len(pieces)
    settings = PlanSettings(context=CONTEXT).settings
    settings |= {name: described[name] for name in ("layout_hash", "tokenizer_sha256")}
    totals = {"documents": counts["documents"], "rows": -(-before // size), "tokens": before, "cut": 0}
    finish(plan, PLAN_STAGE, settings, totals | {"slices": {}, "parts": listed}, entries)
    return spans_made


def verify(documents: int, workers: int, scratch: Path) -> list[object]:
    """One row: what verifying so many documents costs."""
    shards = scratch / f"shards-{documents}"
    spans = write_shards(shards, documents)
    note(f"{documents:,} documents and {spans:,} spans written")
    command = bateia("shards", "verify", "--shards", shards, "--no-sha256", "--workers", str(workers), "--quiet")
    cost = measure(command, scratch / "log.txt")
    note(f"{documents:,} documents: {cost}")
    times = [f"{cost.wall_s:.0f}", f"{cost.cpu_s:.0f}"]
    return [f"{documents:,}", f"{spans:,}", *times, f"{cost.tree_mib:,.0f}", f"{max(cost.largest()):,.0f}"]


def scale(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    yield f"{args.workers} workers, in process; {DOCUMENTS_PER_SHARD:,} documents a shard.\n"
    rows = [verify(documents, args.workers, scratch) for documents in args.documents]
    yield table(["documents", "spans", "wall s", "CPU s", "peak MiB", "largest process MiB"], rows)


def add_options(parser: argparse.ArgumentParser) -> None:
    many = [1_000_000, 10_000_000, 100_000_000]
    parser.add_argument("--documents", type=positive, nargs="+", default=many, help="made up (1, 10, 100 million)")
    parser.add_argument("--workers", type=positive, default=2, help="processes (2)")


BENCHMARK = Benchmark(
    __file__,
    "Verifying many documents",
    __doc__,
    scale,
    add_options,
    quick={"documents": [20_000]},
    packages=("apache-beam", "numpy", "pyarrow"),
)

if __name__ == "__main__":
    BENCHMARK.main()
