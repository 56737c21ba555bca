"""Claim: every page that can be had of a damaged WARC file comes out, also where other readers stop.

    python -m benchmarks.curate.damaged_files --damaged DIR --datatrove datatrove/bin/python --out

DIR (default: damaged/ in $BATEIA_CORPUS) holds the files and expected.json, which lists by file the pages that a robust
reader finds: {"file.warc.gz": {"must": {"URL": "SHA-1 of the body"}}}. Measured is how many of these bodies a reader
gives before it ends or raises; if only one record's body can't be had, the reader is asked for the next. datatrove's
column is left out where it isn't installed.

Then `bateia curate` reads the whole folder, with FineWeb's recipe and two workers: its fates add up, and its time and
memory are reported.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.curate.warc_readers import READERS, Reader
from benchmarks.harness import Benchmark, counted, note, positive, table
from benchmarks.inputs import CORPUS, corpus_folder
from benchmarks.peers.installed import DATATROVE
from benchmarks.process_cost import bateia, measure

PEER = Path(__file__).parents[1] / "peers" / "datatrove_warc.py"
LIMIT_S = 60  # a file, for the peer


@dataclass(frozen=True)
class Reading:
    """What a reader made of one file. digests: SHA-1 of the bodies. end: how it ended if the file did not."""

    digests: frozenset[str]
    end: str = ""

    def count_found(self, wanted: list[str]) -> int:
        return sum(digest in self.digests for digest in wanted)

    def described(self, wanted: list[str]) -> str:
        """How many of the wanted pages there are; bold where some are missing."""
        count = self.count_found(wanted)
        shown = f"{count}" if count == len(wanted) else f"**{count}**"
        return f"{shown} ({self.end})" if self.end else shown


def read_with(reader: Reader, path: Path) -> Reading:
    """In a thread, as a damaged file ends some readers with SystemExit or the like."""
    digests: set[str] = set()

    def read() -> None:
        for body in reader(path):
            try:
                data = body()
            except Exception:  # whatever it is, it is this record's
                continue
            if data is not None:
                digests.add(hashlib.sha1(data).hexdigest())

    with ThreadPoolExecutor(1) as thread:
        fault = thread.submit(read).exception()
    return Reading(frozenset(digests), f"raised {type(fault).__name__}" if fault is not None else "")


def read_with_datatrove(python: Path, path: Path) -> Reading:
    command = [str(python), str(PEER), str(path)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
        lines, end = ended.stdout.splitlines(), f"ended with {ended.returncode}" if ended.returncode else ""
    except subprocess.TimeoutExpired as late:
        lines, end = (late.stdout or b"").decode().splitlines(), f"stopped after {LIMIT_S} s"
    raised = [line for line in lines if line.startswith("raised")]
    return Reading(frozenset(lines) - set(raised), (raised or [end])[0])


def pages_table(folder: Path, expected: dict[str, Any], readers: dict[str, Callable[[Path], Reading]]) -> str:
    """A row a damaged file: how many of the pages that must be had each reader found."""
    pages, incomplete, total, rows = dict.fromkeys(readers, 0), dict.fromkeys(readers, 0), 0, []
    for name, facts in expected.items():
        wanted = list(facts["must"].values())
        total += len(wanted)
        cells = []
        for reader, read in readers.items():
            reading = read(folder / name)
            pages[reader] += reading.count_found(wanted)
            incomplete[reader] += reading.count_found(wanted) < len(wanted)
            cells.append(reading.described(wanted))
        rows.append([name, len(wanted), *cells])
        note(name)
    rows.append(["all", total, *pages.values()])
    rows.append(["files not read whole", "", *incomplete.values()])
    return table(["file", "pages to be had", *readers], rows)


def curate_all(paths: list[Path], scratch: Path) -> str:
    """What became of all files together, and what it cost."""
    output = scratch / "documents"
    command = bateia("curate", "--recipe", "fineweb", "--no-blocklist", "--workers", 2, "--quiet", "--output", output)
    cost = measure([*command, "--input", *map(str, paths)], scratch / "log.txt")
    counts = json.loads((output / "manifest.json").read_text())["counts"]
    fates = ", ".join(f"{counts[fate]} {fate}" for fate in ("kept", "dropped", "unreadable"))
    largest = f"{cost.largest()[0]:,.0f} MiB in the largest process"
    read = f"`bateia curate` over {counted(len(paths), 'file')}: {counts['read']} pages read = {fates}"
    return f"{read}; {cost}, {largest}.\n"


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The report over all damaged files; ends where there is no `expected.json`."""
    folder: Path | None = args.damaged or corpus_folder("damaged")
    if folder is None or not (folder / "expected.json").exists():
        raise SystemExit(f"There is no expected.json: give the folder of damaged files with --damaged or ${CORPUS}.")
    listed: dict[str, Any] = json.loads((folder / "expected.json").read_text("utf-8"))
    expected = dict(islice(listed.items(), args.files))
    yield curate_all([folder / name for name in expected], scratch)
    readers: dict[str, Callable[[Path], Reading]] = {
        name: lambda path, reader=reader: read_with(reader, path) for name, reader in READERS.items()
    }
    if args.datatrove:
        readers["datatrove"] = lambda path: read_with_datatrove(args.datatrove, path)
    yield pages_table(folder, expected, readers)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--damaged", type=Path, metavar="DIR", help=f"default: ${CORPUS}/damaged")
    parser.add_argument("--files", type=positive, metavar="N", help="only the first N files")


BENCHMARK = Benchmark(
    __file__,
    "Damaged WARC files: pages that readers find",
    __doc__,
    compare,
    add_options,
    quick={"files": 6},
    packages=("warcio", "fastwarc"),
    optional_peers=(DATATROVE,),
)

if __name__ == "__main__":
    BENCHMARK.main()
