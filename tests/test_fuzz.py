"""Mutated WARC files: whatever happens to the bytes, what was not touched comes out, and nothing else is made up.

A case follows from its seed and number. `make fuzz` runs many; BATEIA_FUZZ_SEED and BATEIA_FUZZ_CASE repeat one.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import re
import time
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import pytest

from pipelines.sample.build import SampleIndex
from schemas.document import Page
from schemas.tally import Tally
from schemas.verdict import Drop
from transforms.steps.curator import new_document
from transforms.steps.warc.reader import Event, ReadLimits, Response, Skipped, Text, page_of, read_unit, split_units

CASES = int(os.environ.get("BATEIA_FUZZ_CASES", "2000"))
SEED = os.environ.get("BATEIA_FUZZ_SEED", "1")
ONLY = os.environ.get("BATEIA_FUZZ_CASE")
KINDS = ("members", "one member", "plain", "mixed")
LIMITS = {"usual": ReadLimits(), "tight": ReadLimits(20_000, 6_000, 1_500, 60_000)}
MAX_CASE_S = 2.0
MAX_CASE_MB = 64
LARGEST = 60_000  # bytes of a record, so that a case takes a few ms
# How a body can be read as it stands: no encoding is undone, so that damage shows in it as it is.
STANDS = re.compile(rb"(?:\A|\n)(?:content|transfer)-encoding:", re.IGNORECASE)


@dataclass(frozen=True)
class Piece:
    """A stretch of a file. record: the plain WARC record that it holds whole and sound, b"" once it was touched."""

    data: bytes
    record: bytes = b""


Edit = Callable[[random.Random, bytes], bytes]


# --- Records ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def records(sample: SampleIndex) -> list[bytes]:
    """The sample's sound records, as plain bytes."""
    found = [data for path in sample.warc_files for data in inflated(path.read_bytes()) if len(data) < LARGEST]
    assert len(found) > 300
    assert sum(STANDS.search(data) is not None for data in found) > 20
    return found


def inflated(data: bytes) -> Iterator[bytes]:
    """What each gzip member holds, up to the first that is damaged."""
    while data:
        inflater = zlib.decompressobj(31)
        try:
            record = inflater.decompress(data)
        except zlib.error:
            return
        if inflater.eof:
            yield record
        data = inflater.unused_data


@cache
def packed(record: bytes) -> bytes:
    return gzip.compress(record, 1, mtime=0)


def read(data: bytes, limits: ReadLimits, unit_bytes: int = 1 << 40) -> list[Event]:
    units, stream = split_units("x", len(data), unit_bytes), io.BytesIO(data)
    return [event for unit in units for event in read_unit(stream, unit, limits)]


@cache
def alone(record: bytes, limits: ReadLimits) -> tuple[str, bytes] | None:
    """URL and body of a record that nothing stands beside; None if it gives no response within the limits."""
    [event] = read(record, limits)
    return (event.url, event.body) if isinstance(event, Response) else None


# --- What happens to a record, and to a file --------------------------------------------------------------------------


def wrong_length(rnd: random.Random, record: bytes) -> bytes:
    wrong = rnd.choice((b"0", b"7", b"-1", b"", b"x", b"9" * 17, b"9" * 30, str(rnd.randrange(100_000)).encode()))
    return re.sub(rb"(?<=\nContent-Length: )\d+", wrong, record, count=1)


def wrong_encoding(rnd: random.Random, record: bytes) -> bytes:
    """A header of the HTTP response that lies."""
    names = (b"gzip", b"deflate", b"br", b"zstd", b"x-gzip, gzip", b"gzip, deflate, br, gzip, gzip")
    field = rnd.choice((b"Transfer-Encoding: chunked", *(b"Content-Encoding: " + name for name in names)))
    return re.sub(rb"(\r\n\r\nHTTP/1.1 [^\n]*\n)", lambda found: found[1] + field + b"\r\n", record, count=1)


def no_header_end(rnd: random.Random, record: bytes) -> bytes:
    return record.replace(b"\r\n\r\n", b"\r\n", rnd.choice((1, 2)))


def junk(rnd: random.Random) -> bytes:
    """Text, noise, padding, or what looks like the start of something."""
    starts = (b"WARC/1.0\r\n", b"WARC/1.0\r\nWARC-Type: response\r\n", b"\x1f\x8b\x08\0", b"HTTP/1.1 200 OK\r\n\r\n")
    noise = rnd.randbytes(rnd.choice((1, 40, 3000)))
    kinds = (b"hello\n", noise, bytes(rnd.randrange(1, 3000)), packed(noise), packed(b""), rnd.choice(starts) + noise)
    return rnd.choice((*kinds, rnd.choice(starts)))


def edited(pieces: list[Piece], start: int, stop: int, new: bytes) -> list[Piece]:
    """The file with bytes [start, stop) replaced: the pieces that they touch become one that holds no sound record."""
    ends = list(accumulate(len(piece.data) for piece in pieces))
    before = [piece for piece, end in zip(pieces, ends, strict=True) if end <= start]
    after = [piece for piece, end in zip(pieces, ends, strict=True) if end - len(piece.data) >= stop and end > start]
    rest = pieces[len(before) : len(pieces) - len(after)]
    data, at = b"".join(piece.data for piece in rest), sum(len(piece.data) for piece in before)
    return [*before, Piece(data[: start - at] + new + data[stop - at :]), *after]


def damaged(rnd: random.Random, pieces: list[Piece]) -> list[Piece]:
    """The file after one accident."""
    data = b"".join(piece.data for piece in pieces)
    if not data:
        return pieces
    start, other = rnd.randrange(len(data)), rnd.randrange(len(data))
    stop = min(len(data), start + rnd.choice((1, 2, 16, 500, 20_000)))
    match rnd.choice(("cut", "flip", "drop", "double", "splice", "junk", "swap", "piece twice", "piece gone")):
        case "cut":
            return edited(pieces, start, len(data), b"")
        case "flip":
            flipped = bytes([data[start] ^ (1 << rnd.randrange(8))])
            return edited(pieces, start, start + 1, flipped)
        case "drop":
            return edited(pieces, start, stop, b"")
        case "double":
            return edited(pieces, other, other, data[start:stop])
        case "splice":
            return edited(pieces, start, stop, data[other : other + stop - start])
        case "junk":
            place = rnd.choice([0, *accumulate(len(piece.data) for piece in pieces)])
            return edited(pieces, place, place, junk(rnd))
        case "swap":
            return rnd.sample(pieces, len(pieces))
        case "piece twice":
            return [*pieces, rnd.choice(pieces)]
    return rnd.sample(pieces, len(pieces) - 1)


def make(kind: str, rnd: random.Random, records: list[bytes]) -> tuple[list[bytes], list[Piece]]:
    """A few records; and the file made of them, in which some headers lie, packed and then damaged."""
    # Where no checksum guards the bytes, encoded bodies would come out damaged, and as such be made up.
    usable = records if kind == "members" else [record for record in records if not STANDS.search(record)]
    first = rnd.randrange(len(usable) - 6)
    chosen = usable[first : first + rnd.randrange(2, 7)]
    pieces = [Piece(record, record) for record in chosen]
    edits: list[Edit] = [wrong_length, wrong_encoding, no_header_end]
    for _ in range(rnd.choice((0, 0, 1, 2))):
        at = rnd.randrange(len(pieces))
        pieces[at] = Piece(rnd.choice(edits)(rnd, pieces[at].data))
    if kind in ("members", "mixed"):
        bare = 0.3 if kind == "mixed" else 0.0
        pieces = [piece if rnd.random() < bare else Piece(packed(piece.data), piece.record) for piece in pieces]
    for _ in range(rnd.choice((0, 1, 1, 1, 2, 4))):
        pieces = damaged(rnd, pieces)
    return chosen, pieces


# --- What must hold ---------------------------------------------------------------------------------------------------


def expected(kind: str, pieces: list[Piece], limits: ReadLimits) -> list[Counter[tuple[str, bytes]]]:
    """URL and body of the responses that nothing touched; one of the counts must come out.

    A file is read as gzip members or as plain records, whichever comes first: of a mixed one the others are told as
    junk. One gzip member that does not begin with a record holds none.
    """
    sound = [piece for piece in pieces if piece.record]
    if kind == "mixed":
        ways = [[piece for piece in sound if (piece.data == piece.record) == bare] for bare in (False, True)]
    elif kind == "one member" and not b"".join(piece.data for piece in pieces).lstrip(b"\r\n\0").startswith(b"WARC/"):
        ways = [[]]
    else:
        ways = [sound]
    return [Counter(pair for piece in way if (pair := alone(piece.record, limits)) is not None) for way in ways]


def known(data: bytes) -> Iterator[bytes]:
    """Stretches that a body may be taken from: the file, and what its members hold."""
    yield data
    for found in re.finditer(rb"\x1f\x8b\x08", data):
        inflater = zlib.decompressobj(31)
        try:
            yield inflater.decompress(data[found.start() :], 1 << 20)
        except zlib.error:
            continue


def check_bodies(events: list[Event], chosen: list[bytes], sources: list[bytes], limits: ReadLimits) -> None:
    """Each body is one that a record had before, or stands in the input as it came out."""
    sound = {pair[1] for record in chosen if (pair := alone(record, limits))}
    for event in events:
        if isinstance(event, Response):
            assert len(event.body) <= limits.max_body_bytes
            if event.body not in sound and event.truncated in (None, "content-length", "record"):
                assert any(event.body in source for source in sources), f"made up: {event.body[:200]!r}"


def check_places(events: list[Event], size: int, many_in_one: bool) -> None:
    """In the order of the file, each stretch once, nothing behind the end."""
    reached = 0
    for event in events:
        assert 0 <= event.offset <= size
        if many_in_one:
            continue
        assert event.offset >= reached, "told twice"
        if not isinstance(event, Skipped):
            reached = event.offset + event.size
            assert reached <= size


def check_counts(events: list[Event]) -> None:
    """As a unit of work counts them; every response can be asked for its page."""
    tally = Tally()
    for event in events:
        if isinstance(event, Skipped):
            tally.skipped[event.kind] += 1
            continue
        tally.read += 1
        verdict: Page | Drop = Drop("read", "unreadable", fate="unreadable")
        if isinstance(event, Response):
            verdict = page_of(event, "x")
        elif not isinstance(event, Text) and event.reason in (
            "record_too_large",
            "body_too_large",
            "too_many_encodings",
        ):
            assert event.threshold is not None
        fate = verdict if isinstance(verdict, Drop) else new_document(verdict, verdict.html, "")
        tally.add(event.url or "", event.record_id or "", fate, None)
    assert tally.adds_up()
    assert tally.read + sum(tally.skipped.values()) == len(events)


def check(kind: str, rnd: random.Random, records: list[bytes]) -> None:
    """One case."""
    (chosen, pieces), limits = make(kind, rnd, records), LIMITS[rnd.choice(("usual", "usual", "tight"))]
    plain = b"".join(piece.data for piece in pieces)
    data = packed.__wrapped__(plain) if kind == "one member" else plain
    started = time.process_time()  # other work on the machine does not count
    events = read(data, limits)
    assert time.process_time() - started < MAX_CASE_S
    got = Counter((event.url, event.body) for event in events if isinstance(event, Response))
    lost = min((way - got for way in expected(kind, pieces, limits)), key=len)
    assert not lost, f"lost: {[url for url, _ in lost]}"
    check_bodies(events, chosen, [*known(data)], limits)
    check_places(events, len(data), kind == "one member" or b"\x1f\x8b" in data)
    check_counts(events)
    if rnd.random() < 0.2:
        assert read(data, limits, rnd.randrange(500, 20_000)) == events, "another cut into units reads otherwise"


def numbers(kind: str) -> list[int]:
    chosen = range(KINDS.index(kind), CASES, len(KINDS)) if ONLY is None else [int(ONLY)]
    return [number for number in chosen if KINDS[number % len(KINDS)] == kind]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files(records: list[bytes], kind: str) -> None:
    for number in numbers(kind):
        try:
            check(kind, random.Random(f"{SEED}/{number}"), records)
        except Exception as fault:
            fault.add_note(f"repeat with BATEIA_FUZZ_SEED={SEED} BATEIA_FUZZ_CASE={number}, a file of kind {kind!r}")
            raise


def test_memory_stays_bounded(records: list[bytes]) -> None:
    """tracemalloc takes most of the time, so a few cases stand for all."""
    for number in range(40):
        rnd = random.Random(f"{SEED}/memory/{number}")
        data = b"".join(piece.data for piece in make(KINDS[number % 4], rnd, records)[1])
        tracemalloc.start()
        read(data, LIMITS["usual"])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MAX_CASE_MB << 20, number
