"""Reading WARC files: sound, cut into units, damaged, hostile."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from schemas.document import Page
from schemas.verdict import Drop
from support.paths import CORPUS
from support.warc import http, member, record
from transforms.steps.warc.reader import (
    Event,
    ReadLimits,
    Response,
    Skipped,
    Unit,
    Unreadable,
    page_of,
    read_record_at,
    read_unit,
    read_warcinfo,
    sniff,
    split_units,
)

EXPECTED = CORPUS / "damaged" / "expected.json"
DAMAGED: dict[str, dict] = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
PUBLIC = sorted((CORPUS / "public").glob("*.warc.gz"))
needs_corpus = pytest.mark.skipif(not DAMAGED or not PUBLIC, reason=f"no corpus at {CORPUS} (set BATEIA_CORPUS)")


HTTP = b"HTTP/1.1 200 OK"


def page(name: str) -> bytes:
    return record(f"http://{name}.example/", http(f"<html><p>{name}</p>" + f"{name} " * 50))


def small(host: str, **more: str | bytes) -> bytes:
    return record(f"http://{host}.example/", http(host), **more)  # pyright: ignore[reportArgumentType]


def read(data: bytes, limits: ReadLimits | None = None) -> list[Event]:
    return list(read_unit(io.BytesIO(data), Unit("x", len(data), 0, len(data)), limits or ReadLimits()))


def names(events: list[Event]) -> list[str]:
    """What came out, readable: a response's host, a skipped kind in (), an unreadable reason in []."""
    out = []
    for event in events:
        match event:
            case Response():
                out.append(event.url.split("/")[2].removesuffix(".example"))
            case Skipped():
                out.append(f"({event.kind})")
            case Unreadable():
                out.append(f"[{event.reason}]")
    return out


A, B, C = (page(name) for name in "abc")
BIG = record("http://big.example/", http("<p>" + "x" * 5000))
MENTION = "<pre>\nWARC/1.0\r\nWARC-Type: response\r\nContent-Length: 9\r\n\r\nHTTP/1.1\n</pre>"
SMALL = ReadLimits(max_record_bytes=3000, max_body_bytes=1000, max_header_bytes=2000)


@pytest.mark.parametrize(
    ("what", "data", "expected"),
    [
        ("one member a record", member(A) + member(B) + member(C), "a b c"),
        ("plain", A + B + C, "a b c"),
        ("one member for all", member(A + B + C), "a b c"),
        ("two members of many records", member(A + B) + member(C + A), "a b c a"),
        ("member in stored blocks", member(A, 0) + member(B, 0), "a b"),
        ("text between members", member(A) + b"hello" + member(B), "a [junk] b"),
        ("zeros between members are padding", member(A) + bytes(1000) + member(B) + bytes(70000), "a b"),
        ("zeros between plain records", A + bytes(200_000) + B, "a b"),
        ("junk between plain records", A + b"hello\n" + B, "a [junk] b"),
        ("junk first", b"hello" + member(A), "[junk] a"),
        ("plain junk first", b"WARC/1.0\r\nWARC-Type: x" + member(A) + member(B), "[junk] a b"),
        ("a member of something else first", member(b"hello") + A + B, "[junk] a b"),
        ("an empty member first", member(b"") + A + B, "[junk] a b"),
        ("empty member", member(A) + member(b"") + member(B), "a b"),
        ("member of something else", member(A) + member(b"<html>no warc") + member(B), "a [junk] b"),
        ("cut at the end", member(A) + member(BIG)[:-20], "a [gzip_truncated]"),
        ("cut in the trailer", member(A) + member(B)[:-3], "a [gzip_truncated]"),
        ("cut in the middle", member(A) + member(page("random" * 40), 0)[:600] + member(C), "a [gzip_damaged] c"),
        ("cut in the gzip header", member(A) + member(B)[:5] + member(C), "a [gzip_damaged] c"),
        ("wrong checksum", member(A) + member(B)[:-8] + b"\0\0\0\0" + member(B)[-4:] + member(C), "a [gzip_damaged] c"),
        ("plain, cut at the end", A + B[:-60], "a [record_truncated]"),
        ("length too big", member(A) + member(small("b", length="999")) + member(C), "a b c"),
        ("length too small", member(A) + member(small("b", length="7")) + member(C), "a b c"),
        ("plain, length too big", A + small("b", length="300") + C, "a b c"),
        ("plain, length too small", A + small("b", length="7") + C, "a b c"),
        ("length ends at a blank line", A + small("b", length=f"{len(http('b') + A.split(HTTP)[0])}") + A, "a b a"),
        ("length ends in padding", A + small("b", length=str(len(http("b") + A) + 99)) + A + bytes(500), "a b a"),
        ("a header that lost its end", A + A[:60] + b"\r\n" + B, "a [bad_warc_header] b"),
        ("one member, length too big", member(A + small("b", length="300") + C), "a b c"),
        *(
            (f"length {length!r}", pack(A + small("b", length=length) + C), "a b c")
            for length in ("-5", "9" * 20, "9" * 17, "twelve", "")
            for pack in (member, bytes)
        ),
        ("WARC text in a page", member(record("http://a.example/", http(MENTION))) + member(B), "a b"),
        ("WARC text in a plain page", record("http://a.example/", http(MENTION)) + B, "a b"),
        ("bad header", member(b"WARC/1.0\r\nno fields here\r\n\r\n") + member(B), "[bad_warc_header] b"),
        ("plain bad header", b"WARC/1.0\r\nno fields here\r\n\r\n" + B, "[bad_warc_header] b"),
        ("no type", member(A.replace(b"WARC-Type: response\r\n", b"")), "[bad_warc_header]"),
        ("no http", member(record("http://a.example/", b"<html>")), "[bad_http_header]"),
        ("no tail", small("a", tail=b"") + B, "a b"),
        ("long tail", small("a", tail=b"\r\n" * 40) + B, "a b"),
        ("line feeds", small("a", line="\n", tail=b"\n\n") + B, "a b"),
        ("lower case", small("a").replace(b"WARC-Type", b"warc-type").replace(b"Content-L", b"content-l"), "a"),
        ("folded", small("a", extra="X: 1\r\n 2\r\n\t3"), "a"),
        ("megabyte header", member(small("a", extra="X: " + "y" * 1_000_000)) + member(B), "a b"),
        ("carriage returns", small("a", line="\r\r\n") + B, "a b"),
        *((f"WARC/{v}", small("a", version=f"WARC/{v}") + B, "a b") for v in ("0.17", "1.1", "9.9")),
        *((f"a {k}", record(block=b"x", kind=k) + B, f"({k.lower()}) b") for k in ("request", "revisit", "Vendor")),
        ("other schemes", record("dns:a.example", b"x") + record("ftp://a.example/x", b"x"), "(dns) (ftp)"),
        *((u, record(u, http("x")), f"({u.split(':')[0]})") for u in ("javascript:x", "file:///x", "data:,x")),
        *((f"URL {u}", record(u, http("x")), "[bad_url]") for u in (None, "", "/a", "http:///a", "http://[x/", "http://a:x/")),
        ("angle brackets", member(record("<http://a.example/>", http("a"))), "a"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)  # fmt: skip
def test_records(what: str, data: bytes, expected: str) -> None:
    assert names(read(data)) == expected.split(), what


def test_a_response_holds_what_the_record_says() -> None:
    head = 'HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset="UTF-8"'
    extra = "WARC-Identified-Payload-Type: text/html\r\nWARC-Truncated: length"
    data = member(page("first")) + member(record("http://a.example/x y\x01", http("<p>hé", head), extra=extra))
    first = len(member(page("first")))
    assert read(data)[1] == Response(
        url="http://a.example/x%20y%01",
        record_id="<urn:uuid:1>",
        date="2024-06-15T12:00:00Z",
        offset=first,
        size=len(data) - first,
        status=200,
        content_type="text/html",
        http_charset="UTF-8",
        payload_type="text/html",
        body="<p>hé".encode(),
        truncated="length",
        declared_type='Text/HTML; charset="UTF-8"',
    )


def test_unreadable_says_where_and_whose() -> None:
    bad = bytearray(member(BIG))
    bad[-6] ^= 1  # in the checksum
    unreadable = read(member(A) + bytes(bad) + member(C))[1]
    assert isinstance(unreadable, Unreadable)
    assert (unreadable.offset, unreadable.size) == (len(member(A)), len(bad))
    assert (unreadable.url, unreadable.record_id) == ("http://big.example/", "<urn:uuid:1>")


def test_any_flipped_byte_costs_its_own_record_at_most() -> None:
    members = [member(page(name)) for name in ("a", "b", "c")]
    start, end = len(members[0]), len(members[0] + members[1])
    for position in range(start, end):
        data = bytearray(b"".join(members))
        data[position] ^= 0x55
        got = names(read(bytes(data)))
        assert got[0] == "a" and got[-1] == "c" and len(got) in (2, 3), position


@pytest.mark.parametrize("kind", ["members", "one member", "plain"])
def test_what_is_too_large_is_named_and_passed_over(kind: str) -> None:
    header = record("http://header.example/", http("x"), extra="X: " + "y" * 2000)
    zipped = gzip.compress(b"<p>" + bytes(100_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    records = [A, BIG, B, record("http://bomb.example/", head + zipped), header, C]
    pack = member if kind == "members" else bytes
    data = b"".join(map(pack, records))
    data = member(data) if kind == "one member" else data
    expected = "a [record_too_large] b [body_too_large] [bad_warc_header] c"
    events = read(data, SMALL)
    assert names(events) == expected.split()
    hits = [event for event in events if isinstance(event, Unreadable)]
    assert [hit.threshold for hit in hits] == [3000, 1000, 2000]
    assert [hit.status for hit in hits] == [None, 200, None]
    assert (hits[0].value or 0) > 5000


@pytest.mark.slow
def test_a_bomb_costs_neither_memory_nor_its_neighbours() -> None:
    bomb = record("http://bomb.example/", http("<p>") + bytes(200 << 20))
    data = member(A) + member(bomb) + member(B)
    del bomb
    tracemalloc.start()
    assert names(read(data)) == ["a", "[record_too_large]", "b"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20
    given_up = replace(ReadLimits(), max_skip_bytes=64 << 20)
    events = read(data, given_up)
    assert names(events) == ["a", "[record_too_large]", "b"]
    assert isinstance(events[1], Unreadable) and "the rest of its gzip member is not read" in (events[1].detail or "")


@pytest.mark.parametrize("kind", ["response", "request", "metadata"])
def test_what_is_lost_behind_a_record_too_large_is_told(kind: str) -> None:
    """A record of any type: those behind it in its gzip member are lost with it."""
    limits = replace(SMALL, max_skip_bytes=20_000)
    long = record("http://long.example/", http("x" * 50_000), kind=kind)
    lost = member(A + long + B)
    events = read(lost + member(C), limits)
    assert names(events) == ["a", "[record_too_large]", "c"]
    assert isinstance(events[1], Unreadable) and events[1].size == len(lost)
    # A length that lies is no reason to give up.
    lying = record("http://lying.example/", http("x"), kind=kind, length="90000")
    told = "lying" if kind == "response" else f"({kind})"
    assert names(read(member(A + lying + B), limits)) == ["a", told, "b"]


def test_a_plain_file_is_never_given_up() -> None:
    """What a length hides is searched for as far as the file goes, whatever the limit on inflating."""
    data = A + record("http://big.example/", http("x" * 9000), length="") + B
    limits = replace(SMALL, max_skip_bytes=4000)
    assert names(read(data, limits)) == ["a", "[record_too_large]", "b"]


@pytest.mark.parametrize(
    ("what", "data", "expected"),
    [
        ("members", member(A) + member(B), "a b [file_too_short]"),
        ("plain", A + B, "a b [file_too_short]"),
        ("nothing", b"", "[file_too_short]"),
        ("inside a member", member(A) + member(B)[:-30], "a [gzip_truncated]"),
        ("inside a plain record", A + B[:-60], "a [record_truncated] [file_too_short]"),
    ],
)
def test_a_file_shorter_than_planned_is_told(what: str, data: bytes, expected: str) -> None:
    """It shrank since, or a store answered with less: what is missing is no end of the file."""
    size = len(data) + 5_000
    for unit_bytes in (size, 700):
        units = split_units("x", size, unit_bytes)
        events = [event for unit in units for event in read_unit(io.BytesIO(data), unit, SMALL)]
        assert names(events) == expected.split(), (what, unit_bytes)
        last = events[-1]
        assert isinstance(last, Unreadable) and last.offset + last.size == size
        assert last.reason != "file_too_short" or (last.value, last.threshold) == (len(data), size)


UNIT_FILES = {
    "members": b"".join(member(page(f"p{i}")) for i in range(12)),
    "plain": b"".join(page(f"p{i}") for i in range(12)),
    "one member": member(b"".join(page(f"p{i}") for i in range(12))),
    "many in some": member(A + B) + member(C) + member(B + C + A),
    "junk": b"junk" + member(A) + b"x" * 500 + member(B) + bytes(300) + b"y" * 300 + member(C) + b"tail",
    "damage": member(A) + member(BIG)[:60] + member(B) + member(C)[:-4] + member(page("d")) + member(B)[:-5],
    "plain damage": A + b"x" * 300 + B[:200] + C + record("http://d.example/", http("d"), length="500") + A + B[:-100],
    "a WARC inside": member(A) + member(record("http://outer.example/", http("") + member(B) * 9), 0) + member(C),
    "a plain WARC inside": A + record("http://outer.example/", http("") + B * 9) + C,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", UNIT_FILES)
@pytest.mark.parametrize("size", [1, 7, 50, 100, 333, 1000, 100_000])
def test_any_cut_into_units_reads_the_same(name: str, size: int) -> None:
    data = UNIT_FILES[name]
    units = split_units("x", len(data), size)
    assert [units[0].start, *(u.end for u in units)] == [0, *(u.start for u in units[1:]), len(data)]
    assert max(u.end - u.start for u in units) <= size
    for lookback in (0, ReadLimits().lookback_bytes) if "inside" not in name else (ReadLimits().lookback_bytes,):
        limits = replace(ReadLimits(), lookback_bytes=lookback)
        pieces = [event for unit in units for event in read_unit(io.BytesIO(data), unit, limits)]
        assert pieces == read(data, limits)


def test_fuzzed_files_end_and_any_cut_reads_the_same() -> None:
    rnd = random.Random(3)
    for turn in range(150):
        data = bytearray(UNIT_FILES[rnd.choice(list(UNIT_FILES))])
        for _ in range(rnd.choice((1, 3, 10))):
            at = rnd.randrange(len(data))
            noise = (b"", rnd.randbytes(1), rnd.randbytes(200), bytes(100), b"WARC/1.0\r\n", b"\x1f\x8b\x08\0")
            data[at : at + rnd.choice((0, 1, 100))] = rnd.choice(noise)
        whole = read(bytes(data))
        units = split_units("x", len(data), rnd.randrange(20, 3000))
        assert [event for unit in units for event in read_unit(io.BytesIO(bytes(data)), unit)] == whole, turn


def test_split_units_of_nothing() -> None:
    assert split_units("x", 0, 100) == []


def test_progress_is_the_file_position() -> None:
    data, seen = member(A) + member(B), []
    list(read_unit(io.BytesIO(data), Unit("x", len(data), 0, len(data)), on_progress=seen.append))
    assert seen == [len(member(A)), len(data)]


@pytest.mark.parametrize("pack", [member, bytes], ids=["gzip", "plain"])
def test_read_record_at(pack) -> None:
    data = pack(A) + pack(B)
    stream = io.BytesIO(data)
    assert read_record_at(stream, len(data), len(pack(A))) == read(data)[1]
    for offset in (-1, 1, len(data), len(data) + 5):
        assert names([read_record_at(stream, len(data), offset)]) in (["[junk]"], ["[gzip_damaged]"])


def test_read_warcinfo() -> None:
    info = record(None, b"software: x/1.0\r\nisPartOf: CC-MAIN-2024-26\r\n", kind="warcinfo")
    for data in (member(info) + member(A), info + A):
        assert read_warcinfo(io.BytesIO(data), "x", len(data)) == {"software": "x/1.0", "isPartOf": "CC-MAIN-2024-26"}
    assert read_warcinfo(io.BytesIO(A), "x", len(A)) == {}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (member(A), None),
        (A, None),
        (b"junk" + member(A), None),
        (member(A)[:-5], None),  # damaged, but WARC: the ledger says what is broken
        (b"", "is empty"),
        (b"filedesc://x.arc 0.0.0.0 20240101000000 text/plain 76\n1 0 x\n", "is an ARC file, not WARC"),
        (member(b"filedesc://x.arc 0.0.0.0 20240101000000 text/plain 76\n"), "is an ARC file, not WARC"),
        (b"<html>404", "is not a WARC file (starts with b'<html>404')"),
        (member(b"<html>404"), "is not a WARC file (starts with b'<html>404', gzipped)"),
        (b"\x1f\x8b\x08\0" + b"\xff" * 99, "is not a WARC file (starts like gzip, but can't be inflated)"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 99, "is Zstandard data, not WARC"),
    ],
)  # fmt: skip
def test_sniff(data: bytes, reason: str | None) -> None:
    assert sniff(io.BytesIO(data), len(data)).problem == reason


RESPONSE = Response("http://a.example/", "<i>", "d", 7, 99, 200, "text/html", None, None, b"<html><p>text</p>", None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"status": 404}, "http_status"),
        ({"status": 206}, "http_status"),
        ({"status": None}, "http_status"),
        ({"content_type": "application/json"}, "content_type"),
        ({"content_type": "text/plain"}, "content_type"),
        ({"content_type": "application/xhtml+xml"}, None),
        ({"content_type": "text/plain", "payload_type": "text/html"}, None),
        ({"payload_type": "application/pdf"}, "content_type"),
        ({"content_type": ""}, None),
        ({"content_type": "", "body": b"\n <!DOCTYPE html><p>x"}, None),
        ({"content_type": "", "body": b'<?xml version="1.0"?>\n<html><p>x'}, None),
        ({"content_type": "", "body": b"just text"}, "content_type"),
        ({"content_type": "application/octet-stream"}, None),
        ({"body": b""}, "empty_body"),
        ({"body": b" \r\n\0\t" * 100}, "empty_body"),
        ({"body": b"%PDF-1.7 ..."}, "binary"),
        ({"body": b"\x89PNG\r\n\x1a\n..."}, "binary"),
        ({"body": b"PK\x03\x04..."}, "binary"),
        ({"body": member(b"<html>")}, "binary"),
        ({"body": b"<html>" + bytes(range(1, 9)) * 50}, "binary"),
        ({"body": random.Random(0).randbytes(5000)}, "undecodable"),
        ({"body": b"<html>a\0b\x01c" + b"text " * 100}, None),
        ({"body": "<html><p>καλημέρα κόσμε</p></html>".encode("utf-16-le")}, None),
    ],
    ids=str,
)  # fmt: skip
def test_page_of(change: dict, reason: str | None) -> None:
    verdict = page_of(replace(RESPONSE, **change), "f.warc.gz")
    if reason is None:
        assert isinstance(verdict, Page)
        assert (verdict.warc_file, verdict.warc_offset, verdict.url) == ("f.warc.gz", 7, "http://a.example/")
        assert "\0" not in verdict.html and verdict.html.lstrip().startswith("<")
    else:
        assert isinstance(verdict, Drop) and (verdict.stage, verdict.reason) == ("read", reason)
        assert verdict.fate == ("unreadable" if reason == "undecodable" else "dropped")


def events_of(path: Path) -> list[Event]:
    with path.open("rb") as stream:
        return list(read_unit(stream, Unit(path.name, path.stat().st_size, 0, path.stat().st_size)))


@needs_corpus
@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.name[-14:])
def test_sound_files_read_as_warcio_reads_them(path: Path) -> None:
    theirs = []
    with path.open("rb") as stream:
        records = ArchiveIterator(stream)
        for their in records:
            if their.rec_type == "response":
                body = their.content_stream().read()
                theirs.append((their.rec_headers["WARC-Target-URI"], records.get_record_offset(), zlib.crc32(body)))
    events = events_of(path)
    assert not [event for event in events if isinstance(event, Unreadable)]
    assert [(e.url, e.offset, zlib.crc32(e.body)) for e in events if isinstance(e, Response)] == theirs


@needs_corpus
def test_a_sound_file_in_units() -> None:
    size = PUBLIC[0].stat().st_size
    with PUBLIC[0].open("rb") as stream:
        limits = replace(ReadLimits(), lookback_bytes=1 << 20)
        pieces = [e for unit in split_units("x", size, 2_500_000) for e in read_unit(stream, unit, limits)]
    assert pieces == events_of(PUBLIC[0])


@needs_corpus
@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_give_what_is_left_of_them(name: str) -> None:
    expected = DAMAGED[name]
    events = events_of(CORPUS / "damaged" / name)
    responses = [event for event in events if isinstance(event, Response)]
    got = {(event.url, hashlib.sha1(event.body).hexdigest()) for event in responses}
    assert set(expected["must"].items()) <= got
    pages = {}
    for response in responses:
        verdict = page_of(response, name)
        if isinstance(verdict, Page):
            pages[verdict.url] = verdict.html
            assert "\0" not in verdict.html + verdict.url + verdict.record_id + verdict.date
            (verdict.html + verdict.url).encode()  # no lone surrogates
    assert not pages.keys() & set(expected["never"])
    for url, snippet in expected["snippets"].items():
        assert not snippet["decodable"] or snippet["text"] in pages[url], url


@pytest.mark.slow
@needs_corpus
@pytest.mark.parametrize("name", [name for name in DAMAGED if not name.startswith("42")])
def test_damaged_files_in_units(name: str) -> None:
    path = CORPUS / "damaged" / name
    size = path.stat().st_size
    for parts in (2, 9, 40):
        with path.open("rb") as stream:
            units = split_units(name, size, max(1, size // parts))
            assert [event for unit in units for event in read_unit(stream, unit)] == events_of(path)
