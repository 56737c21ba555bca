"""The one fetcher over http and https: byte ranges that arrive whole, or NotFetched with the reason.

By requests, for its sockets and TLS, but not by urllib3's Retry, which can't go on in a body, nor by fsspec. Measured
(benchmarks/crawl/fetchers.py), a range of 20 kB costs 2.6 ms of CPU here, 2.1 by requests alone and
1.7 by fsspec; the difference is the bucket and the checks. But fsspec tries nothing again, and both take a
range that begins elsewhere, or one of another file, for what was asked.
"""

from __future__ import annotations

import os
import random
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from transforms.steps.fetch.bucket import LONGEST_S, Bucket
from transforms.steps.fetch.faults import Changed, HostDown, NotFetched, Passing
from transforms.steps.fetch.settings import FetchSettings

if TYPE_CHECKING:  # requests and urllib3 are 5 MB of a process: only those who fetch load them
    import requests

CHUNK_BYTES = 1 << 18
PROGRESS_BYTES = 1 << 20  # of an attempt that counts as none that failed
SLOWEST_BYTES = 1 << 16  # in timeout_s; a server that drips is left
# A body as a whole: after so many time-outs its mean must be so many SLOWEST_BYTES a time-out. With the defaults that
# is 4 KiB a second after ten minutes, so a range of 64 MiB is never waited for longer than five hours.
PATIENCE, MEAN_FACTOR = 10, 4
MAX_SKIPPED_BYTES = 256 << 20  # of a whole file, where its server knows no ranges
LONGEST_BACKOFF_S = 60.0
SAID_S = 4.0  # a wait of so long is said, so that who has no network need not guess
# 403 is what Common Crawl's front answers to clients that ask too fast.
PASSING_STATUS = frozenset({403, 408, 425, 429, *range(500, 600)})
MAX_LOST = 5  # ranges in a row that a host did not give, each after all attempts; then it is taken to be down
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)$")
SCHEMES = ("http://", "https://")

Sink = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on a server.

    size: in bytes; None where the server does not say
    etag: its strong entity tag, or "" where it has none
    """

    url: str
    size: int | None
    etag: str


@dataclass
class Transfer:
    """Bytes on their way.

    done: position up to which they have arrived
    remote: what the last answer said of the file
    """

    url: str
    start: int
    stop: int | None
    etag: str
    write: Sink
    done: int
    remote: Remote | None = None
    on_remote: Callable[[Remote], object] | None = None

    @property
    def known_etag(self) -> str:
        return self.etag or (self.remote.etag if self.remote is not None else "")


class Traffic(threading.local):
    """What a thread has asked of servers, and what came: a unit of work is done by one.

    requests: attempts count as well
    received: bytes of bodies
    """

    requests = 0
    received = 0


class Fetcher:
    """Fetches byte ranges of files. One a process; see `fetcher_of`."""

    def __init__(self, settings: FetchSettings) -> None:
        self.settings = settings
        self.traffic = Traffic()
        self._buckets: dict[str, Bucket] = {}
        self._lost: Counter[str] = Counter()  # ranges in a row, by host

    @cached_property
    def _session(self) -> requests.Session:
        from transforms.steps.fetch.connections import session

        return session()

    def fetch(
        self,
        url: str,
        start: int,
        stop: int | None,
        write: Sink,
        etag: str = "",
        restart: Callable[[], object] | None = None,
        on_remote: Callable[[Remote], object] | None = None,
    ) -> Remote:
        """Give the bytes [start, stop) of the file to `write`, piece by piece and each once.

        stop: None for the file's end. Less comes only where the file is shorter.
        etag: of the file that is meant; "" for whichever is there.
        restart: takes back what was written, where a server names no ETag that would vouch for the rest; without it
            the rest is asked for all the same, and only the file's size is compared
        on_remote: is told of the file before each attempt's first byte
        Raises NotFetched; Changed if the file is another or becomes one on the way; HostDown if the host gives nothing.
        """
        import requests
        import urllib3

        network = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError)
        transfer = Transfer(url, start, stop, etag, write, start, on_remote=on_remote)
        failures = 0
        while True:
            before = transfer.done
            self._bucket(url).take()
            self.traffic.requests += 1
            try:
                self._attempt(transfer)
                assert transfer.remote is not None
                self._lost[host_of(url)] = 0
                return transfer.remote
            except Passing as fault:
                passing = fault
            except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, UnicodeError) as error:
                raise NotFetched(url, f"it is no address: {error}", lasting=True) from error
            except (*network, OSError) as error:
                if isinstance(error, NotFetched):
                    raise
                if not isinstance(error, (*network, ConnectionError, TimeoutError)):
                    raise  # the disk's, of `write`
                passing = Passing(cause(error))
            moved = transfer.done - before >= PROGRESS_BYTES and not passing.is_slow
            failures = 1 if moved else failures + 1
            if failures >= self.settings.attempts:
                self._lost[host_of(url)] += 1
                kind = HostDown if self._lost[host_of(url)] >= MAX_LOST else NotFetched
                raise kind(url, f"{passing.what}; {failures} attempts in a row")
            self._wait(url, failures, passing)
            if restart is not None and transfer.done > start and not transfer.known_etag:
                restart()
                transfer.done, transfer.remote = start, None

    def _attempt(self, transfer: Transfer) -> None:
        """One request. Raises Passing for what another may mend, NotFetched for what none will."""
        last = "" if transfer.stop is None else str(transfer.stop - 1)
        whole = transfer.done == 0 and transfer.stop is None
        headers = {"User-Agent": self.settings.user_agent, "Accept-Encoding": "identity"}
        headers |= token_of(transfer.url)
        if not whole:
            headers["Range"] = f"bytes={transfer.done}-{last}"
            headers |= {"If-Range": transfer.known_etag} if transfer.known_etag else {}
        timeout = self.settings.timeout_s
        with self._session.get(transfer.url, headers=headers, stream=True, timeout=timeout) as response:
            skip = self._check(transfer, response, whole)
            if skip is None:
                return
            self._receive(transfer, response, skip)

    def _check(self, transfer: Transfer, response: requests.Response, whole: bool) -> int | None:
        """How many of the body's bytes come before those that are wanted; None if there is nothing to come."""
        status, url = response.status_code, transfer.url
        told = f"{status} {response.reason}"
        if status in PASSING_STATUS:
            raise Passing(told, retry_after(response.headers.get("Retry-After", "")))
        ranged = CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if status == 416:
            size = response.headers.get("Content-Range", "").rpartition("/")[2]
            if size.isdigit() and int(size) <= transfer.done:  # the file ends before what is wanted
                self._identify(transfer, response, int(size))
                return None
            raise Changed(url, f"{told}: it is shorter than byte {transfer.done}", lasting=True)
        if status not in (200, 206):
            raise NotFetched(url, told, lasting=True)
        length = response.headers.get("Content-Length", "")
        if status == 200:
            self._identify(transfer, response, int(length) if length.isdigit() else None)
            if transfer.done > MAX_SKIPPED_BYTES:
                raise NotFetched(url, "its server knows no ranges", lasting=True)
            return transfer.done
        if ranged is None or whole or int(ranged[1]) != transfer.done:
            raise Passing(f"asked for bytes from {transfer.done}, answered {response.headers.get('Content-Range')}")
        self._identify(transfer, response, int(ranged[3]) if ranged[3].isdigit() else None)
        return 0

    def _identify(self, transfer: Transfer, response: requests.Response, size: int | None) -> None:
        """Note which file answers. Raises Changed if it is not the one that is meant."""
        etag = response.headers.get("ETag", "")
        etag = "" if etag.startswith("W/") else etag
        known = transfer.known_etag
        if known and etag and etag != known:
            raise Changed(transfer.url, f"it changed on the server: ETag {etag}, not {known}", lasting=True)
        before = transfer.remote.size if transfer.remote is not None else None
        if before is not None and size is not None and size != before:
            raise Changed(transfer.url, f"it changed on the server: {size} bytes, not {before}", lasting=True)
        transfer.remote = Remote(transfer.url, size if size is not None else before, etag or known)
        if transfer.on_remote is not None:
            transfer.on_remote(transfer.remote)

    def _receive(self, transfer: Transfer, response: requests.Response, skip: int) -> None:
        """Take in the body up to what is wanted. Raises Passing if it ends early or drips."""
        assert transfer.remote is not None
        size = transfer.remote.size
        stop = size if transfer.stop is None else transfer.stop if size is None else min(transfer.stop, size)
        checked = began = time.monotonic()
        since = came = 0
        timeout = self.settings.timeout_s
        while stop is None or transfer.done < stop:
            piece = response.raw.read1(CHUNK_BYTES, decode_content=False)
            if not piece:
                break
            since += len(piece)
            came += len(piece)
            self.traffic.received += len(piece)
            if (now := time.monotonic()) - checked > timeout:
                if since < SLOWEST_BYTES:
                    raise Passing(f"only {since} bytes in {now - checked:.0f} s")
                if now - began > PATIENCE * timeout and came * timeout < MEAN_FACTOR * SLOWEST_BYTES * (now - began):
                    raise Passing(f"only {came} bytes in {now - began:.0f} s", is_slow=True)
                checked, since = now, 0
            if skip:
                skip, piece = max(0, skip - len(piece)), piece[skip:]
                if not piece:
                    continue
            if stop is not None:
                piece = piece[: stop - transfer.done]
            transfer.write(piece)
            transfer.done += len(piece)
        if stop is not None and transfer.done < stop:
            raise Passing(f"the body ended at byte {transfer.done}, before {stop}")
        if stop is None:
            transfer.remote = Remote(transfer.url, transfer.done, transfer.remote.etag)

    def _wait(self, url: str, failures: int, fault: Passing) -> None:
        """Back off: longer with each failure, at random so that processes part, and never less than was asked."""
        asked_s = fault.wait_s
        longest = min(LONGEST_BACKOFF_S, self.settings.backoff_s * 2 ** (failures - 1))
        own = random.uniform(longest / 2, longest)
        if asked_s is not None:
            self._bucket(url).hold(asked_s)  # for all processes of this machine
            own = max(own, min(asked_s, LONGEST_S))
        if own >= SAID_S:
            attempt = f"attempt {failures + 1} of {self.settings.attempts} in {own:.0f} s"
            sys.stderr.write(f"bateia: {host_of(url)} does not give what is asked ({fault.what}); {attempt}\n")
        time.sleep(own)

    def _bucket(self, url: str) -> Bucket:
        host = host_of(url)
        bucket = self._buckets.get(host)
        if bucket is None:
            bucket = self._buckets[host] = Bucket(self.settings.share.bucket_of(host), self.settings.own_requests_per_s)
        return bucket


def host_of(url: str) -> str:
    """Host and port, without a user's name."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def token_of(url: str) -> dict[str, str]:
    """The header that lets one's own token in at Hugging Face, and nowhere else."""
    home = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co")).netloc
    token = os.environ.get("HF_TOKEN", "")
    return {"Authorization": f"Bearer {token}"} if token and urlsplit(url).netloc == home else {}


def retry_after(value: str) -> float | None:
    """Seconds that Retry-After asks for, in either of its forms (RFC 9110, 10.2.3)."""
    if value.strip().isdigit():
        return float(value)
    if value:
        from email.utils import parsedate_to_datetime

        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except (ValueError, TypeError):
            return None
    return None


def cause(error: BaseException) -> str:
    """What a library's error comes to, in a few words."""
    import urllib3

    inner: Any = error
    while isinstance(following := getattr(inner, "reason", None) or (inner.args[0] if inner.args else None), Exception):
        inner = following
    text = str(inner).rpartition(": ")[2] if isinstance(inner, urllib3.exceptions.HTTPError) else str(inner)
    first = next(iter(text.splitlines()), "")
    return f"{type(inner).__name__}: {first[:120]}" if first else type(inner).__name__


@lru_cache(maxsize=8)
def _fetcher(settings: FetchSettings, process: int) -> Fetcher:
    return Fetcher(settings)


def fetcher_of(settings: FetchSettings) -> Fetcher:
    """This process's fetcher for the settings: a forked child must not use its parent's connections."""
    return _fetcher(settings, os.getpid())


def is_http(path: str) -> bool:
    return path.lower().startswith(SCHEMES)
