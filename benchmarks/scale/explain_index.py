"""Claim: a question about one page opens two of a thousand files of a ledger, and takes as long as of a few.

    python -m benchmarks.scale.explain_index --files 1000 --rows 2000 --scratch DIR --out

The ledger is made up: addresses of 60 characters, every page dropped. Measured are looking through all files, as where
nothing is indexed, the first question, which makes the index, and the next one; for each a process of its own, with its
start. Counted are the files of the ledger and the index that it opens.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import Benchmark, note, positive, table
from benchmarks.process_cost import measure
from schemas.ledger import ledger_schema
from schemas.manifest import FileEntry, Manifest, hash_dataset, write_manifest

# The command, with a count of what it opens. argv: address, folder, files from which on there is an index.
ASK = """
import sys
from unittest import mock
from pipelines.lineage import urls
from pipelines.lineage.explain import explain
from schemas import storage
seen, locate, read = set(), storage.locate, urls.open_read
def located(path):
    seen.update([path] if path.endswith(".parquet") else [])
    return locate(path)
def opened(path):
    seen.add(path)
    return read(path)
with mock.patch.object(storage, "locate", located), mock.patch.object(urls, "open_read", opened):
    urls.LEAST_FILES = int(sys.argv[3])
    explain(sys.argv[1], sys.argv[2])
print(len(seen))
"""


def url_of(file: int, row: int) -> str:
    return f"https://www.site-{row % 997:03}.example/articles/2026/{file:06}-{row:06}.html"


def write_ledger(folder: Path, files: int, rows: int) -> None:
    (folder / "ledger").mkdir(parents=True)
    schema, entries = ledger_schema(), []
    for file in range(files):
        known = {
            "url": pa.array([url_of(file, row) for row in range(rows)]),
            "record_id": pa.array([f"<urn:uuid:{file:08x}-{row:08x}>" for row in range(rows)]),
            "warc_file": pa.repeat(f"crawl-data/{file:05}.warc.gz", rows),
            "warc_offset": pa.array(np.arange(rows, dtype=np.int64) * 30_000),
            **{name: pa.repeat(value, rows) for name, value in (("fate", "dropped"), ("stage", "language"))},
            "reason": pa.repeat("other_language", rows),
        }
        columns = [known[f.name] if f.name in known else pa.nulls(rows, f.type) for f in schema]
        path = f"ledger/part-{file:05}.parquet"
        pq.write_table(pa.Table.from_arrays(columns, schema=schema), folder / path, compression="zstd")
        entries.append(FileEntry(path, rows, (folder / path).stat().st_size, f"{file:064x}"))
    write_manifest(str(folder), Manifest("curate", {}, {}, [], {}, tuple(entries), hash_dataset(entries)))


def ask(what: str, url: str, folder: Path, least: int, log: Path) -> list[object]:
    """One row: what a question costs. least: files from which on there is an index."""
    cost = measure([sys.executable, "-c", ASK, url, str(folder), str(least)], log)
    opened = int(log.read_text().split()[-1])
    note(f"{what}: {cost}, {opened:,} files")
    return [what, f"{opened:,}", f"{cost.cpu_s:.2f}", f"{cost.tree_mib:,.0f}"]


def scale(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    folder, url = scratch / "documents", url_of(args.files * 2 // 3, args.rows // 2)
    write_ledger(folder, args.files, args.rows)
    yield f"{args.files:,} files of {args.rows:,} pages.\n"
    rows = [
        ask("all files looked through", url, folder, 1 << 40, scratch / "log.txt"),
        ask("first question: indexed", url, folder, 64, scratch / "log.txt"),
        ask("next question", url, folder, 64, scratch / "log.txt"),
    ]
    yield table(["", "files opened", "CPU s", "peak MiB"], rows)
    size = sum(path.stat().st_size for path in (folder / ".urls").rglob("*.bin"))
    ledger = sum(path.stat().st_size for path in (folder / "ledger").iterdir())
    yield f"\nThe index takes {size / 1e6:.0f} MB beside a ledger of {ledger / 1e6:.0f} MB."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--files", type=positive, default=1000, help="of the ledger (1,000)")
    parser.add_argument("--rows", type=positive, default=2000, help="pages of each (2,000)")


BENCHMARK = Benchmark(
    __file__,
    "One page out of many files",
    __doc__,
    scale,
    add_options,
    quick={"files": 70, "rows": 10},
    packages=("numpy", "pyarrow"),
)

if __name__ == "__main__":
    BENCHMARK.main()
