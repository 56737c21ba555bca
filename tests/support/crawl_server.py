"""A server on loopback that speaks Common Crawl's paths, with faults by seed, and notes what it was asked."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

from support.web_server import serve_web

FAULTS = ("503", "503 later", "403", "cut", "slow", "wrong range")
MOST_DRIPS = 300
DRIPPED_S = 0.02  # from one byte to the next of a server that keeps its clients


@dataclass(frozen=True)
class Asked:
    """A request. status: as it was answered; 0 for a body that was cut. sent: bytes of the body."""

    path: str
    start: int
    stop: int | None
    status: int
    sent: int
    moment: float
    agent: str


@dataclass
class CrawlServer:
    """Files of a folder over HTTP.

    faults: of FAULTS, which `share` of the requests meet, drawn by `seed`; or "dripping head", "dripping body", for
        as long as the client stays, or "trickle" of so many bytes ten times a second
    dead: paths that answer 503 for ever
    drips, dripped: pieces that a server meant to drip, and those it did before its client left
    """

    root: Path
    share: float = 0.0
    faults: tuple[str, ...] = FAULTS
    seed: int = 1
    dead: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    drips: int = 1
    dripped: int = 0
    ranges: bool = True
    url: str = ""

    def __post_init__(self) -> None:
        self._random, self._lock = random.Random(self.seed), threading.Lock()

    def draw(self, path: str) -> str:
        with self._lock:
            if path in self.dead:
                return "503"
            return self._random.choice(self.faults) if self._random.random() < self.share else ""

    def cut_at(self, length: int) -> int:
        with self._lock:
            return self._random.randrange(max(1, length))

    def note(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)

    def bytes_of(self, ending: str) -> int:
        return sum(asked.sent for asked in self.asked if asked.path.endswith(ending))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    crawl: CrawlServer

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0]).lstrip("/")
        moment, agent = time.monotonic(), self.headers.get("User-Agent", "")
        start, stop = span_of(self.headers.get("Range", "") if self.crawl.ranges else "")
        note: Callable[[int, int], None] = lambda status, sent: self.crawl.note(  # noqa: E731
            Asked(path, start, stop, status, sent, moment, agent)
        )
        fault = self.crawl.draw(path)
        if fault == "dripping head":
            note(0, 0)
            self.drip(b"HTTP/1.1 206 Partial Content\r\nX-Long: ", 1, DRIPPED_S)
            return
        if fault[:3].isdigit():
            later = {"Retry-After": "0"} if fault.endswith("later") else {}
            note(int(fault[:3]), 4)
            self.answer(int(fault[:3]), later, b"busy")
            return
        file = self.crawl.root / path
        if ".." in path or not file.is_file():
            note(404, 12)
            self.answer(404, {}, b"no such file")
            return
        data = file.read_bytes()
        size, ranged = len(data), bool(self.headers.get("Range")) and self.crawl.ranges
        headers = {"ETag": f'"{sha1(data).hexdigest()[:16]}"', "Accept-Ranges": "bytes"}
        if ranged and start >= size:
            note(416, 0)
            self.answer(416, headers | {"Content-Range": f"bytes */{size}"}, b"")
            return
        status, shift = 200, 0
        if ranged:
            status, shift = 206, 7 if fault == "wrong range" else 0
        first = start + shift
        body = data[first : None if stop is None else stop + shift]
        if ranged:
            headers["Content-Range"] = f"bytes {first}-{first + len(body) - 1}/{size}"
        if fault == "dripping body" or fault.startswith("trickle"):
            note(status, 0)
            self.answer(status, headers, body, 0)
            step, pause = (1, DRIPPED_S) if fault == "dripping body" else (int(fault.split()[1]), 0.1)
            self.drip(b"", step, pause, body)
            return
        if fault == "cut":
            cut = self.crawl.cut_at(len(body))
            note(0, cut)
            self.answer(status, headers, body, cut)
            self.close_connection = True
            return
        note(status, len(body))
        self.answer(status, headers, body, slow=fault == "slow")

    def answer(
        self, status: int, headers: dict[str, str], body: bytes, cut: int | None = None, slow: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        body = body if cut is None else body[:cut]
        step = max(1, len(body) // 5) if slow else max(1, len(body))
        try:
            for at in range(0, len(body), step):
                self.wfile.write(body[at : at + step])
                if slow:
                    self.wfile.flush()
                    time.sleep(0.01)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def drip(self, first: bytes, step: int, pause_s: float, body: bytes = b"x" * MOST_DRIPS) -> None:
        self.close_connection = True
        pieces = [body[at : at + step] for at in range(0, len(body), step)][:MOST_DRIPS]
        self.crawl.drips = len(pieces)
        try:
            self.wfile.write(first)
            for piece in pieces:
                self.wfile.write(piece)
                self.crawl.dripped += 1
                time.sleep(pause_s)
        except (BrokenPipeError, ConnectionResetError):
            return

    def log_message(self, format: str, *args: object) -> None:
        pass


def span_of(value: str) -> tuple[int, int | None]:
    if not value.startswith("bytes="):
        return 0, None
    first, _, last = value.removeprefix("bytes=").partition("-")
    return int(first), int(last) + 1 if last else None


@contextmanager
def serve_crawl(root: Path, **options: object) -> Iterator[CrawlServer]:
    crawl = CrawlServer(root, **options)  # type: ignore[arg-type] - fields by name
    with serve_web(type("OneHandler", (Handler,), {"crawl": crawl})) as address:
        crawl.url = f"{address}/"
        yield crawl
