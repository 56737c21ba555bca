"""Question: how fast do a selection's ranges come, beside whole WARC files from the same server?

    python -m benchmarks.crawl.ranges_vs_files --out

A server on loopback has one WARC file of made-up responses, a gzip member each. Measured are, in turns, the whole file
through the fetcher, and the records that a selection names: all, every tenth and every hundredth, with the requests
and bytes that they take and the CPU seconds of fetcher, server and checks together; the best round counts. The bucket
is off, so what is seen is the machinery's cost: Common Crawl's servers are asked once a second.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.harness import Benchmark, positive, table, take_turns
from transforms.steps.fetch.fetcher import Fetcher
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.sources.selection import Wanted, ranges_of, read_selected
from transforms.steps.warc.limits import ReadLimits
from transforms.steps.warc.reader import Response

SETTINGS = FetchSettings(requests_per_s=1_000_000)
SHARES = {"all records": 1, "every 10th": 10, "every 100th": 100}
NAME = "file.warc.gz"


@dataclass(frozen=True)
class Fetched:
    """One way to the pages. records: those that came, checked; of a whole file none is looked at."""

    requests: int
    megabytes: float
    records: int
    cpu_s: float
    wall_s: float


def write_file(path: Path, records: int) -> list[Wanted]:
    """A WARC file of responses of some kilobytes that hardly compress; where each record is."""
    draw, wanted = random.Random(1), []
    with path.open("wb") as file:
        for number in range(records):
            body = base64.b64encode(draw.randbytes(draw.randrange(2_000, 40_000)))
            url = f"https://site{number}.example/"
            http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
            head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nContent-Length: {len(http)}\r\n\r\n"
            member = gzip.compress(head.encode() + http + b"\r\n\r\n", 1, mtime=0)
            digest = base64.b32encode(hashlib.sha1(body).digest()).decode()
            wanted.append(Wanted(NAME, file.tell(), len(member), url, digest))
            file.write(member)
    return wanted


@contextmanager
def serve(path: Path) -> Iterator[str]:
    """The file on loopback, by ranges."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            size = path.stat().st_size
            first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            start, stop = int(first), min(size, int(last) + 1) if last else size
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("Content-Length", str(stop - start))
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
            self.end_headers()
            with path.open("rb") as file:
                file.seek(start)
                while start < stop and (piece := file.read(min(1 << 18, stop - start))):
                    self.wfile.write(piece)
                    start += len(piece)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is told of a request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/{NAME}"
    server.shutdown()


def whole(url: str) -> Fetched:
    held, cpu, wall = bytearray(), time.process_time(), time.perf_counter()
    Fetcher(SETTINGS).fetch(url, 0, None, held.extend)
    return Fetched(1, len(held) / 1e6, 0, time.process_time() - cpu, time.perf_counter() - wall)


def selected(url: str, wanted: list[Wanted]) -> Fetched:
    cpu, wall = time.process_time(), time.perf_counter()
    found = [event for _, event in read_selected(wanted, lambda _: url, SETTINGS, ReadLimits())]
    assert all(isinstance(event, Response) for event in found)
    ranges = ranges_of(wanted)
    size = sum(group[-1].stop - group[0].offset for group in ranges) / 1e6
    return Fetched(len(ranges), size, len(found), time.process_time() - cpu, time.perf_counter() - wall)


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    wanted = write_file(scratch / NAME, args.records)
    size = (scratch / NAME).stat().st_size / 1e6
    yield f"A WARC file of {len(wanted):,} records and {size:,.0f} MB.\n"
    with serve(scratch / NAME) as url:
        sides = {"whole file": lambda: whole(url)}
        sides |= {name: lambda step=step: selected(url, wanted[::step]) for name, step in SHARES.items()}
        rounds = take_turns(sides, args.rounds)
    rows = []
    for name, of_rounds in rounds.items():
        best = min(of_rounds, key=lambda fetched: fetched.cpu_s)
        pages = f"{best.records:,}" if best.records else "not looked at"
        speed = f"{best.megabytes / best.wall_s:,.0f}"
        cost = f"{1000 * best.cpu_s / best.records:.2f}" if best.records else "–"
        rows.append([name, pages, f"{best.requests:,}", f"{best.megabytes:,.1f}", speed, f"{best.cpu_s:.2f}", cost])
    head = ["fetched", "records checked", "requests", "MB", "MB/s", "CPU s", "CPU ms a record"]
    yield table(head, rows)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--records", type=positive, default=10_000, metavar="N", help="in the WARC file (10,000)")


BENCHMARK = Benchmark(
    __file__,
    "Ranges and whole files",
    __doc__,
    compare,
    add_options,
    rounds=3,
    quick={"records": 500},
    packages=("requests", "urllib3"),
)

if __name__ == "__main__":
    BENCHMARK.main()
