"""How fast and how whole WARC files are read: warcio, FastWARC and ours, on the same files in one run.

    python -m benchmarks.warc_readers [CORPUS]

CORPUS (or $BATEIA_CORPUS; by default the folder shared/corpus beside the checkout) holds public/*.warc.gz, sound files,
and damaged/ with expected.json, which lists the pages that a robust reader finds. Prints Markdown.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from fastwarc.warc import ArchiveIterator as FastArchiveIterator
from fastwarc.warc import WarcRecordType
from isal import igzip_lib
from warcio.archiveiterator import ArchiveIterator

from transforms.steps.warc import Response, Unit, read_unit

ROUNDS = 5
Reader = Callable[[Path], Iterator[bytes | None]]  # a response's decoded body, None for any other record


def warcio(path: Path) -> Iterator[bytes | None]:
    with path.open("rb") as stream:
        for record in ArchiveIterator(stream):
            yield record.content_stream().read() if record.rec_type == "response" else None


def fastwarc(path: Path) -> Iterator[bytes | None]:
    with path.open("rb") as stream:
        for record in FastArchiveIterator(stream, parse_http=True, auto_decode="all"):
            yield record.reader.read() if record.record_type == WarcRecordType.response else None


def ours(path: Path) -> Iterator[bytes | None]:
    size = path.stat().st_size
    with path.open("rb") as stream:
        for event in read_unit(stream, Unit(path.name, size, 0, size)):
            yield event.body if isinstance(event, Response) else None


READERS: dict[str, Reader] = {
    f"warcio {version('warcio')}": warcio,
    f"FastWARC {version('fastwarc')}": fastwarc,
    "Bateia": ours,
}


def seconds(work: Callable[[], object]) -> float:
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def read_all(reader: Reader, paths: list[Path]) -> int:
    return sum(1 for path in paths for _ in reader(path))


def fingerprint(reader: Reader, paths: list[Path]) -> str:
    bodies = (body for path in paths for body in reader(path) if body is not None)
    return hashlib.sha256(b"".join(hashlib.sha256(body).digest() for body in bodies)).hexdigest()


def found_in(reader: Reader, path: Path) -> tuple[set[str], bool]:
    """SHA-1 of the bodies read before the reader ended or raised, and whether it raised (whatever it was)."""
    found: set[str] = set()

    def read() -> None:
        for body in reader(path):
            if body is not None:
                found.add(hashlib.sha1(body).hexdigest())

    with ThreadPoolExecutor(1) as thread:
        return found, thread.submit(read).exception() is not None


def damaged_row(reader: Reader, folder: Path) -> tuple[int, int, int, int]:
    """Pages found, pages to find, files left incomplete, files on which the reader raised."""
    pages = total = incomplete = raised = 0
    for name, expected in json.loads((folder / "expected.json").read_text()).items():
        found, failed = found_in(reader, folder / name)
        count = sum(digest in found for digest in expected["must"].values())
        pages, total = pages + count, total + len(expected["must"])
        incomplete += count < len(expected["must"])
        raised += failed
    return pages, total, incomplete, raised


def inflate(paths: list[Path], library: str) -> None:
    for path in paths:
        data, position = memoryview(path.read_bytes()), 0
        while position < len(data):
            igzip = library == "igzip"
            inflater = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP) if igzip else zlib.decompressobj(31)
            while not inflater.eof:
                given = data[position : position + (1 << 15)]
                inflater.decompress(given)
                position += len(given)
            position -= len(inflater.unused_data)


def main() -> None:
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BATEIA_CORPUS")
    corpus = Path(given) if given else Path(__file__).parents[2] / "shared" / "corpus"
    paths = sorted((corpus / "public").glob("*.warc.gz"))
    if not paths or not (corpus / "damaged" / "expected.json").exists():
        sys.exit(f"No public/*.warc.gz and damaged/expected.json in {corpus}: give the corpus as an argument.")

    times: dict[str, list[float]] = {name: [] for name in (*READERS, "igzip", "zlib")}
    for _ in range(ROUNDS):  # in turn, so that a slow spell of the machine hits all alike
        for name, reader in READERS.items():
            times[name].append(seconds(lambda reader=reader: read_all(reader, paths)))
        for name in ("igzip", "zlib"):
            times[name].append(seconds(lambda name=name: inflate(paths, name)))

    records = read_all(ours, paths)
    megabytes = sum(path.stat().st_size for path in paths) / 1e6
    agreed = fingerprint(warcio, paths)
    print(f"{len(paths)} sound files, {records} records, {megabytes:.1f} MB; best of {ROUNDS} rounds, one core.\n")
    print(
        "| reader | ms/record | MB/s | same bodies as warcio | damaged: pages | files incomplete | files it raises on |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, reader in READERS.items():
        best = min(times[name])
        pages, total, incomplete, raised = damaged_row(reader, corpus / "damaged")
        same = "yes" if fingerprint(reader, paths) == agreed else "no"
        cost = f"{best * 1e3 / records:.3f} | {megabytes / best:.0f}"
        print(f"| {name} | {cost} | {same} | {pages}/{total} | {incomplete} | {raised} |")
    for name in ("igzip", "zlib"):
        best = min(times[name])
        print(f"| inflating alone, {name} | {best * 1e3 / records:.3f} | {megabytes / best:.0f} | | | | |")


if __name__ == "__main__":
    main()
