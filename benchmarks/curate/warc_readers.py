"""Question: how fast are WARC files read, beside warcio and FastWARC?

    python -m benchmarks.curate.warc_readers --corpus WARCS --out

Measured are seconds of one core for reading every record and decoding the body of every response, on the same files,
the readers in turns; smaller is better, and the best round counts. That all give the same bodies is checked by hash.
Two lines below the readers say what inflating alone costs, by the library that ours uses (igzip) and by zlib. The files
must be sound: a reader that stops at damage is not timed. What readers make of damaged files: damaged_files.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from fastwarc.warc import ArchiveIterator as FastArchiveIterator
from fastwarc.warc import WarcRecordType
from isal import igzip_lib
from warcio.archiveiterator import ArchiveIterator

from benchmarks.harness import Benchmark, ratio, table, take_turns
from benchmarks.inputs import add_corpus_options, described, warc_files
from transforms.steps.warc.reader import Response, Unit, read_unit

CHUNK = 1 << 15  # bytes handed to an inflater at once

Body = Callable[[], bytes | None]  # the decoded body of a response, None for any other record
Reader = Callable[[Path], Iterator[Body]]  # one for each record of a file, to be asked before the next one


def warcio(path: Path) -> Iterator[Body]:
    with path.open("rb") as stream:
        for record in ArchiveIterator(stream):
            yield lambda record=record: record.content_stream().read() if record.rec_type == "response" else None


def fastwarc(path: Path) -> Iterator[Body]:
    with path.open("rb") as stream:
        for record in FastArchiveIterator(stream, parse_http=True, auto_decode="all"):
            response = record.record_type == WarcRecordType.response
            yield lambda record=record, response=response: record.reader.read() if response else None


def ours(path: Path) -> Iterator[Body]:
    size = path.stat().st_size
    with path.open("rb") as stream:
        for event in read_unit(stream, Unit(path.name, size, 0, size)):
            yield lambda event=event: event.body if isinstance(event, Response) else None


READERS: dict[str, Reader] = {"Bateia": ours, "warcio": warcio, "FastWARC": fastwarc}


def read_all(reader: Reader, paths: list[Path]) -> int:
    """Read every body; return the number of records."""
    records = 0
    for path in paths:
        for body in reader(path):
            body()
            records += 1
    return records


def fingerprint(reader: Reader, paths: list[Path]) -> str:
    """A hash of all bodies in their order."""
    bodies = (read() for path in paths for read in reader(path))
    return hashlib.sha256(b"".join(hashlib.sha256(body).digest() for body in bodies if body is not None)).hexdigest()


def inflate_igzip(paths: list[Path]) -> None:
    inflate(paths, lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP))


def inflate_zlib(paths: list[Path]) -> None:
    inflate(paths, lambda: zlib.decompressobj(31))


def inflate(paths: list[Path], new_inflater: Callable[[], igzip_lib.IgzipDecompressor | zlib._Decompress]) -> None:
    """Every gzip member of the files by an inflater of its own."""
    for path in paths:
        data, position = memoryview(path.read_bytes()), 0
        while position < len(data):
            inflater = new_inflater()
            while not inflater.eof:
                chunk = data[position : position + CHUNK]
                inflater.decompress(chunk)
                position += len(chunk)
            position -= len(inflater.unused_data)


def seconds(work: Callable[[], object]) -> float:
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def fault(reader: Reader, paths: list[Path]) -> str:
    """Why a reader doesn't come to the end of the files; empty if it does."""
    try:
        read_all(reader, paths)
    except Exception as error:  # of four libraries, on bytes from anywhere
        return f"raised {type(error).__name__}"
    return ""


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    paths = warc_files(args, scratch)
    faults = {name: fault(reader, paths) for name, reader in READERS.items()}
    sound = {name: reader for name, reader in READERS.items() if not faults[name]}
    works: dict[str, Callable[[], object]] = {
        name: lambda reader=reader: read_all(reader, paths) for name, reader in sound.items()
    }
    works["inflating alone, igzip"] = lambda: inflate_igzip(paths)
    works["inflating alone, zlib"] = lambda: inflate_zlib(paths)
    if any(faults.values()):  # plain inflaters stop at damage too
        works = {name: work for name, work in works.items() if name in sound}
    times = take_turns({name: lambda work=work: seconds(work) for name, work in works.items()}, args.rounds)

    records = read_all(ours, paths)
    megabytes = sum(path.stat().st_size for path in paths) / 1e6
    hashes = {name: fingerprint(reader, paths) for name, reader in sound.items()}
    rows = []
    for name, rounds in times.items():
        same = "" if name not in hashes else "yes" if hashes[name] == hashes["Bateia"] else "no"
        relation = ratio(times["Bateia"], rounds)
        compared = ("", "") if same == "no" else (relation, relation.by_round)  # it read less
        rows.append([name, f"{min(rounds) * 1e3 / records:.3f}", f"{megabytes / min(rounds):.0f}", *compared, same])
    rows += [[name, how, "", "", "", ""] for name, how in faults.items() if how]
    yield f"{described(paths)}, {records:,} records; one core.\n"
    yield table(["reader", "ms a record", "MB/s", "÷ ours", "round by round", "same bodies as ours"], rows)


BENCHMARK = Benchmark(
    __file__,
    "Reading WARC files",
    __doc__,
    compare,
    add_corpus_options,
    rounds=5,
    quick={"files": 1},
    packages=("warcio", "fastwarc", "isal"),
)

if __name__ == "__main__":
    BENCHMARK.main()
