"""Claim: every page that can be had of a damaged WARC file comes out, also where warcio and datatrove stop.

    python -m benchmarks.damaged_files [--damaged DIR] [--peer-python VENV/bin/python] [--out FILE]

DIR (by default damaged/ in $BATEIA_CORPUS or in shared/corpus beside the checkout) holds the files and expected.json,
which lists the pages that a robust reader finds, each with its body's SHA-1. A page counts if a reader gives a body
with that hash before it ends or raises; if only one record's body can't be had, the reader is asked for the next. Then
`bateia curate` reads the whole folder: FineWeb's recipe without block lists, two workers, with the time and the memory
of all its processes (shared pages counted once, sampled). Prints Markdown.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from warcio.archiveiterator import ArchiveIterator

from benchmarks.process_cost import machine, measure
from benchmarks.warc_readers import ours

CORPUS = Path(os.environ.get("BATEIA_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")
PEER = Path(__file__).parent / "peers" / "datatrove_warc.py"
LIMIT_S = 60  # a file, for the peer


@dataclass(frozen=True)
class Got:
    """digests: SHA-1 of the bodies. end: '' or how it ended before the file did."""

    digests: frozenset[str]
    end: str = ""

    def of(self, wanted: list[str]) -> int:
        return sum(digest in self.digests for digest in wanted)


def warcio(path: Path) -> Iterator[bytes | None]:
    with path.open("rb") as stream:
        for record in ArchiveIterator(stream):
            try:
                body = record.content_stream().read() if record.rec_type == "response" else None
            except Exception:  # whatever it is, it is this record's
                body = None
            yield body


def by_library(reader: Callable[[Path], Any], path: Path) -> Got:
    found: set[str] = set()

    def read() -> None:
        for body in reader(path):
            if body is not None:
                found.add(hashlib.sha1(body).hexdigest())

    with ThreadPoolExecutor(1) as thread:
        fault = thread.submit(read).exception()
    return Got(frozenset(found), f"raised {type(fault).__name__}" if fault is not None else "")


def by_datatrove(python: str, path: Path) -> Got:
    try:
        ended = subprocess.run([python, str(PEER), str(path)], capture_output=True, text=True, timeout=LIMIT_S)
        lines, end = ended.stdout.splitlines(), f"ended with {ended.returncode}" if ended.returncode else ""
    except subprocess.TimeoutExpired as late:
        lines, end = (late.stdout or b"").decode().splitlines(), f"stopped after {LIMIT_S} s"
    raised = [line for line in lines if line.startswith("raised")]
    return Got(frozenset(lines) - set(raised), (raised or [end])[0])


def told(got: Got, wanted: list[str]) -> str:
    count = got.of(wanted)
    shown = f"{count}" if count == len(wanted) else f"**{count}**"
    return f"{shown} ({got.end})" if got.end else shown


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def table(folder: Path, expected: dict[str, Any], readers: dict[str, Callable[[Path], Got]]) -> list[str]:
    lines = [row(["file", "pages to be had", *readers]), row(["---", *["---:"] * (len(readers) + 1)])]
    pages, files, total = dict.fromkeys(readers, 0), dict.fromkeys(readers, 0), 0
    for name, facts in expected.items():
        wanted = list(facts["must"].values())
        total += len(wanted)
        cells = [name, str(len(wanted))]
        for reader, read in readers.items():
            got = read(folder / name)
            pages[reader] += got.of(wanted)
            files[reader] += got.of(wanted) < len(wanted)
            cells.append(told(got, wanted))
        lines.append(row(cells))
        print(lines[-1], file=sys.stderr, flush=True)
    lines.append(row(["all", str(total), *(str(count) for count in pages.values())]))
    lines.append(row(["files not read whole", "", *(str(count) for count in files.values())]))
    return lines


def curated(paths: list[Path]) -> str:
    """What the whole folder costs."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "out")
        command = [sys.executable, "-m", "pipelines", "curate", "--recipe", "fineweb", "--no-blocklist"]
        command += ["--input", *map(str, paths), "--output", str(output), "--workers", "2", "--quiet"]
        cost = measure(command, Path(folder, "log"))
        counts = json.loads((output / "manifest.json").read_text())["counts"]
    fates = ", ".join(f"{counts[fate]} {fate}" for fate in ("kept", "dropped", "unreadable"))
    return (
        f"`bateia curate` over all {len(paths)} files: {counts['read']} pages read = {fates}; {cost.wall_s:.0f} s, "
        f"{cost.cpu_s:.0f} s of CPU, {cost.tree_mb:,.0f} MiB in all processes at most, "
        f"{cost.largest()[0]:,.0f} MiB in the largest."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damaged", type=Path, default=CORPUS / "damaged")
    parser.add_argument("--peer-python", help="interpreter with datatrove; without it that column is left out")
    parser.add_argument("--out", type=Path, help="also write the Markdown here")
    given = parser.parse_args()
    listed = given.damaged / "expected.json"
    if not listed.exists():
        sys.exit(f"No expected.json in {given.damaged}: give the folder of damaged files with --damaged.")
    expected: dict[str, Any] = json.loads(listed.read_text("utf-8"))

    readers: dict[str, Callable[[Path], Got]] = {
        "Bateia": lambda path: by_library(ours, path),
        f"warcio {version('warcio')}": lambda path: by_library(warcio, path),
    }
    if given.peer_python:
        readers[f"datatrove {peer_version(given.peer_python)}"] = lambda path: by_datatrove(given.peer_python, path)
    lines = table(given.damaged, expected, readers)
    lines = [f"{machine()}, {date.today()}.\n", curated([given.damaged / name for name in expected]), "", *lines]
    text = "\n".join(lines) + "\n"
    print(text)
    if given.out is not None:
        given.out.write_text(text)


def peer_version(python: str) -> str:
    code = "from importlib.metadata import version; print(version('datatrove'))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
