"""Question: by which library are files fetched over https, requests or fsspec?

    python -m benchmarks.crawl.fetchers --fsspec VENV/bin/python --out

Measured are CPU milliseconds of the client alone, for a whole file in one request and for ranges of it one after the
other, on a server in a process of its own on loopback; in turns, and the best round counts. The second table says what
each makes of one fault, after which the server is well again: whether the right bytes came, and by how many requests.
Sides: ours (requests, with attempts, bucket and checks of its own), requests with urllib3's Retry, and fsspec's
HTTPFileSystem, which is aiohttp.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from benchmarks.harness import Benchmark, positive, table, take_turns
from benchmarks.peers.installed import FSSPEC
from transforms.steps.fetch.faults import NotFetched
from transforms.steps.fetch.fetcher import Fetcher
from transforms.steps.fetch.settings import FetchSettings

SETTINGS = FetchSettings(requests_per_s=1_000_000, backoff_s=0.05)
RANGE_BYTES = 20_000  # about a page's record
SCRIPT = Path(__file__).parents[1] / "peers" / "fsspec_ranges.py"
# What the first answer to an address is; all later ones are right. Of "changed" the second is of another file.
FAULTS = {
    "503": "503",
    "503-later": "503 with Retry-After: 1",
    "403": "403",
    "cut": "a body cut at its middle",
    "shifted": "a range that begins elsewhere, as its header says",
    "changed": "another file from the second range on, by another ETag",
}
Span = tuple[int, int | None]


@dataclass(frozen=True)
class Outcome:
    """What a side made of ranges. outcomes: of each the SHA-1 of its bytes, or "raised X"."""

    outcomes: list[str]
    cpu_s: float
    wall_s: float


class Handler(BaseHTTPRequestHandler):
    """Serves one file under the name of each fault, and counts requests: GET /count/<name> tells and forgets them."""

    protocol_version = "HTTP/1.1"
    data = other = b""
    asked: dict[str, int] = {}  # noqa: RUF012 - of the one server of its process

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        kind, _, name = self.path.strip("/").partition("/")
        if kind == "count":
            self.send(200, str(self.asked.pop(name, 0)).encode(), {})
            return
        if name == "start":
            self.send(404, b"", {})
            return
        self.asked[kind] = number = self.asked.get(kind, 0) + 1
        if number == 1 and kind[:3].isdigit():
            self.send(int(kind[:3]), b"busy", {"Retry-After": "1"} if kind.endswith("later") else {})
            return
        data = self.other if kind == "changed" and number > 1 else self.data
        first, _, last = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
        start, stop = int(first or 0), int(last) + 1 if last else len(data)
        if number == 1 and kind == "shifted":
            start, stop = start + 7, stop + 7
        body = data[start:stop]
        tag = {"ETag": f'"{hashlib.sha1(data, usedforsecurity=False).hexdigest()}"', "Accept-Ranges": "bytes"}
        if first:
            tag["Content-Range"] = f"bytes {start}-{start + len(body) - 1}/{len(data)}"
        self.send(206 if first else 200, body, tag, len(body) // 2 if number == 1 and kind == "cut" else None)

    def send(self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:cut])
        self.close_connection = cut is not None

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is told of a request."""


def serve_for_ever(data: bytes, port: Any) -> None:
    Handler.data, Handler.other = data, data[::-1]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.send(server.server_address[1])
    server.serve_forever()


@contextmanager
def serve(data: bytes) -> Iterator[str]:
    """The server's address, in a process of its own: its CPU is nobody's."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=serve_for_ever, args=(data, theirs), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{ours.recv()}"
    process.terminate()
    process.join()


def sha1(data: bytes | bytearray) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def measured(spans: list[Span], fetch: Callable[[Span], bytes | bytearray]) -> Outcome:
    outcomes, cpu, wall = [], time.process_time(), time.perf_counter()
    for span in spans:
        try:
            outcomes.append(sha1(fetch(span)))
        except (NotFetched, requests.RequestException, ValueError) as error:
            outcomes.append(f"raised {type(error).__name__}")
    return Outcome(outcomes, time.process_time() - cpu, time.perf_counter() - wall)


def ours(url: str, spans: list[Span]) -> Outcome:
    fetcher, etag = Fetcher(SETTINGS), ""

    def fetch(span: Span) -> bytearray:
        nonlocal etag
        held = bytearray()
        etag = fetcher.fetch(url, *span, held.extend, etag).etag
        return held

    return measured(spans, fetch)


def bare(url: str, spans: list[Span]) -> Outcome:
    session = requests.Session()
    retry = Retry(
        8, backoff_factor=0.05, status_forcelist=(403, 429, 500, 502, 503, 504), respect_retry_after_header=True
    )
    session.mount("http://", HTTPAdapter(max_retries=retry))

    def fetch(span: Span) -> bytes:
        start, stop = span
        headers = {"Accept-Encoding": "identity"}
        if stop is not None:
            headers["Range"] = f"bytes={start}-{stop - 1}"
        answer = session.get(url, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.content

    return measured(spans, fetch)


def fsspec(python: Path, url: str, spans: list[Span]) -> Outcome:
    ended = subprocess.run([python, SCRIPT, url], input=json.dumps(spans), capture_output=True, text=True, check=True)
    return Outcome(**json.loads(ended.stdout))


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    data = random.Random(1).randbytes(args.megabytes * 1_000_000)
    draw = random.Random(2)
    starts = [draw.randrange(len(data) - RANGE_BYTES) for _ in range(args.ranges)]
    spans: list[Span] = [(start, start + RANGE_BYTES) for start in starts]
    fetchers: dict[str, Callable[[str, list[Span]], Outcome]] = {
        "ours": ours,
        "requests with Retry": bare,
        "fsspec": lambda url, spans: fsspec(args.fsspec, url, spans),
    }
    with serve(data) as server:
        due = [sha1(data)], [sha1(data[start:stop]) for start, stop in spans]

        def cost(fetch: Callable[[str, list[Span]], Outcome]) -> tuple[float, float]:
            whole, ranges = fetch(f"{server}/fine/x", [(0, None)]), fetch(f"{server}/fine/x", spans)
            assert (whole.outcomes, ranges.outcomes) == due
            return 1000 * whole.cpu_s / args.megabytes, 1000 * ranges.cpu_s / len(spans)

        sides = {name: lambda fetch=fetch: cost(fetch) for name, fetch in fetchers.items()}
        rounds = take_turns(sides, args.rounds)
        rows = [[name, *(f"{min(costs):.2f}" for costs in zip(*pairs, strict=True))] for name, pairs in rounds.items()]
        yield f"A file of {args.megabytes} MB; {len(spans)} ranges of {RANGE_BYTES:,} bytes, one after the other.\n"
        yield table(["side", "CPU ms a MB, whole file", "CPU ms a range"], rows)
        made = [
            [about, *(made_of(fault, fetch, server, data) for fetch in fetchers.values())]
            for fault, about in FAULTS.items()
        ]
        yield table(["first answer", *fetchers], made)


def made_of(fault: str, fetch: Callable[[str, list[Span]], Outcome], server: str, data: bytes) -> str:
    """What a side makes of a fault, on two ranges: words for each, and the requests of both."""
    spans: list[Span] = [(1000, 400_000), (500_000, 600_000)]
    requests.get(f"{server}/count/{fault}", timeout=60)
    outcome = fetch(f"{server}/{fault}/x", spans)
    asked = requests.get(f"{server}/count/{fault}", timeout=60).text
    right = [sha1(data[start:stop]) for start, stop in spans]
    words = [
        "right" if made == due else made if made.startswith("raised") else "WRONG BYTES, nothing said"
        for made, due in zip(outcome.outcomes, right, strict=True)
    ]
    return f"{', '.join(words)} ({asked} requests)"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--megabytes", type=positive, default=64, metavar="N", help="of the file (64)")
    parser.add_argument("--ranges", type=positive, default=500, metavar="N", help="that are fetched of it (500)")


BENCHMARK = Benchmark(
    __file__,
    "Fetchers: requests or fsspec",
    __doc__,
    compare,
    add_options,
    rounds=3,
    quick={"megabytes": 4, "ranges": 20},
    packages=("requests", "urllib3"),
    peers=(FSSPEC,),
)

if __name__ == "__main__":
    BENCHMARK.main()
