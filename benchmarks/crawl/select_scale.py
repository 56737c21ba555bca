"""Question: what does a selection of a crawl cost, and how much of the index does it read?

    python -m benchmarks.crawl.select_scale --rows 2000000 --out

A columnar index in Common Crawl's schema is made up, sorted by SURT over files of row groups as theirs is, in a
mirror's folder. Measured are `bateia select`'s CPU and wall seconds, the most memory of all its processes, and the
bytes that it says the question costs beside those that are there.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.generated.crawl_index import CRAWL, write_mirror
from benchmarks.harness import Benchmark, positive, table
from benchmarks.process_cost import bateia, measure

QUESTIONS = {
    "10,000 pages in Portuguese, of any host": ("--languages", "por", "--limit", "10000"),
    "pages in Portuguese below .gov.br": ("--languages", "por", "--hosts", "*.gov.br"),
    "pages below .es, in any language": ("--hosts", "*.es"),
    "all HTML pages": (),
}
TOLD = re.compile(r"costs ([\d.,]+) MB")


def ask(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    size = write_mirror(scratch / "mirror", args.rows, args.files, args.group)
    yield f"{args.rows:,} rows in {args.files} files of {size / 1e6:,.0f} MB, row groups of {args.group:,} rows.\n"
    rows = []
    for number, (question, words) in enumerate(QUESTIONS.items()):
        output, log = scratch / f"{number}.parquet", scratch / "log"
        command = bateia("select", CRAWL, "--output", output, "--index", "columnar", *words)
        cost = measure(command, log, {"BATEIA_COMMONCRAWL": str(scratch / "mirror")}, every_s=0.05)
        told = TOLD.search(log.read_text())
        assert told is not None
        read = float(told[1].replace(",", ""))
        pages = pq.read_metadata(output).num_rows
        share = f"{read / (size / 1e6):.0%}"
        rows.append(
            [
                question,
                f"{pages:,}",
                f"{read:,.1f}",
                share,
                *(f"{v:,.1f}" for v in (cost.cpu_s, cost.wall_s)),
                f"{cost.tree_mib:,.0f}",
            ]
        )
    yield table(["question", "pages", "MB read", "of the index", "CPU s", "s", "MiB"], rows)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=positive, default=2_000_000, metavar="N", help="pages in the index (2,000,000)")
    parser.add_argument("--files", type=positive, default=4, metavar="N", help="files of the index (4)")
    parser.add_argument("--group", type=positive, default=100_000, metavar="N", help="rows of a row group (100,000)")


BENCHMARK = Benchmark(
    __file__,
    "Selections of a crawl",
    __doc__,
    ask,
    add_options,
    quick={"rows": 50_000, "group": 5_000},
    packages=("pyarrow",),
)

if __name__ == "__main__":
    BENCHMARK.main()
