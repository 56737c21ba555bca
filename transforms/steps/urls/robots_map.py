"""The robots.txt files of many origins in one file: built once, a file of captures at a time, and read by URL.

It is an SQLite database, so that a worker opens it by its path and looks up one origin without reading the others.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import zstandard

from transforms.steps.urls.forms import canonical_host

MAX_BYTES = 500 << 10  # of a robots.txt that are read; RFC 9309, 2.5: parsers must process 500 kibibytes at least
MAX_HOPS = 5  # redirects that are followed; RFC 9309, 2.3.1.2
PORTS = {"http": 80, "https": 443}
PATH = "/robots.txt"
RULES, REDIRECT, ABSENT, UNREACHABLE = "rules", "redirect", "absent", "unreachable"
TABLES = """
    CREATE TABLE IF NOT EXISTS robots (origin TEXT PRIMARY KEY, date TEXT, kind TEXT, body BLOB) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS read (file TEXT PRIMARY KEY, damaged INTEGER) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS finished (hosts INTEGER, damaged INTEGER, sha256 TEXT);
"""
# Of an origin's captures the last counts; of those of one moment the greatest, whatever file it was in.
KEEP_LAST = """
    INSERT INTO robots VALUES (?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE
    SET date = excluded.date, kind = excluded.kind, body = excluded.body
    WHERE (excluded.date, excluded.kind, excluded.body) > (date, kind, body)
"""


class Capture(NamedTuple):
    """What an origin answered when it was asked for its robots.txt.

    origin: as `origin_of` gives it
    date: WARC-Date as written
    kind: RULES; REDIRECT; ABSENT, which allows all; UNREACHABLE, which allows nothing (RFC 9309, 2.3.1)
    body: the file's bytes, or the address that a redirect leads to
    """

    origin: str
    date: str
    kind: str
    body: bytes


@dataclass(frozen=True)
class RobotsHeader:
    """What a finished map holds. hosts: origins; damaged: records that could not be read; sha256: of the content."""

    hosts: int
    damaged: int
    sha256: str


def origin_of(url: str) -> str | None:
    """Scheme, host and port of an http(s) URL, the scheme's own port left out; None for another one."""
    try:
        parts = urlsplit(url)
        host, port = canonical_host(parts.hostname or ""), parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in PORTS or not host:
        return None
    scheme = parts.scheme.lower()
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" + (f":{port}" if port is not None and port != PORTS[scheme] else "")


def capture_of(url: str, date: str, status: int | None, location: str, body: bytes) -> Capture | None:
    """A response as a capture; None if it is of another file than an origin's robots.txt, or has no status."""
    origin = origin_of(url)
    if origin is None or status is None or urlsplit(url).path != PATH:
        return None
    if 200 <= status < 300:
        return Capture(origin, date, RULES, cut(body))
    if 300 <= status < 400 and location:
        return Capture(origin, date, REDIRECT, location.encode("utf-8", "replace"))
    return Capture(origin, date, UNREACHABLE if status >= 500 else ABSENT, b"")


def cut(body: bytes) -> bytes:
    """The first MAX_BYTES, in whole lines: half a rule might forbid more than the whole one."""
    if len(body) <= MAX_BYTES:
        return body
    end = max(body.rfind(b"\n", 0, MAX_BYTES), body.rfind(b"\r", 0, MAX_BYTES))
    return body[: end + 1]


# --- Building ---------------------------------------------------------------------------------------------------------


class RobotsBuilder:
    """A map in the making: each file of captures is taken as a whole, so that an interrupted build goes on."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.executescript(TABLES)
        self._compress = zstandard.ZstdCompressor().compress

    def has(self, file: str) -> bool:
        """Whether the file was taken in."""
        return self._connection.execute("SELECT 1 FROM read WHERE file = ?", (file,)).fetchone() is not None

    def add(self, file: str, captures: Iterable[Capture | None]) -> None:
        """Take a file's captures in. None: a record that could not be read."""
        damaged = 0
        with self._connection:
            for capture in captures:
                if capture is None:
                    damaged += 1
                else:
                    self._connection.execute(KEEP_LAST, (*capture[:3], self._compress(capture.body)))
            self._connection.execute("INSERT INTO read VALUES (?, ?)", (file, damaged))

    def finish(self) -> RobotsHeader:
        """Count and sum what is there, by which it is known."""
        digest, hosts = hashlib.sha256(), 0
        for row in self._connection.execute("SELECT origin, date, kind, body FROM robots ORDER BY origin"):
            hosts += 1
            body = zstandard.ZstdDecompressor().decompress(row[3])
            for part in (*(text.encode("utf-8", "replace") for text in row[:3]), body):
                digest.update(len(part).to_bytes(8, "little") + part)
        damaged = self._connection.execute("SELECT COALESCE(SUM(damaged), 0) FROM read").fetchone()[0]
        header = RobotsHeader(hosts, damaged, digest.hexdigest())
        with self._connection:
            self._connection.execute("DELETE FROM finished")
            self._connection.execute("INSERT INTO finished VALUES (?, ?, ?)", (hosts, damaged, header.sha256))
        return header

    def close(self) -> None:
        self._connection.close()


# --- Reading ----------------------------------------------------------------------------------------------------------


def read_header(path: str) -> RobotsHeader:
    """Of a finished map. Raises ValueError for what is none."""
    try:
        row = _connection(path, os.getpid()).execute("SELECT hosts, damaged, sha256 FROM finished").fetchone()
    except sqlite3.Error as error:
        raise ValueError(f"{path} is no map of robots.txt files ({error})") from error
    if row is None:
        raise ValueError(f"{path} is no finished map of robots.txt files")
    return RobotsHeader(*row)


def find(path: str, origin: str) -> tuple[str, bytes]:
    """(kind, body) of an origin, redirects followed; ABSENT where there is no capture or too many hops."""
    seen = {origin}
    for _ in range(MAX_HOPS + 1):
        row = _connection(path, os.getpid()).execute("SELECT kind, body FROM robots WHERE origin = ?", (origin,))
        found: Any = row.fetchone()
        if found is None:
            return ABSENT, b""
        kind, body = found[0], zstandard.ZstdDecompressor().decompress(found[1])
        if kind != REDIRECT:
            return kind, body
        try:
            target = urljoin(origin + PATH, body.decode("utf-8", "replace"))
            following = origin_of(target) if urlsplit(target).path == PATH else None
        except ValueError:
            following = None
        if following is None or following in seen:  # to a page, as a site does that answers everything with its start
            return ABSENT, b""
        origin = following
        seen.add(origin)
    return ABSENT, b""


@lru_cache(maxsize=4)
def _connection(path: str, process: int) -> sqlite3.Connection:
    """This process's connection: a forked child must not use its parent's."""
    name = Path(path).absolute().as_uri()
    return sqlite3.connect(f"{name}?mode=ro&immutable=1", uri=True, check_same_thread=False)
