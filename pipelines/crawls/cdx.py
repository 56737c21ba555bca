"""Common Crawl's zipped CDX: the pages of hosts and of single URLs, found by `cluster.idx` with a few ranges."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import pyarrow as pa

from pipelines.crawls.columnar import answer
from pipelines.crawls.names import crawl_root
from pipelines.crawls.question import Question
from schemas.faults import BadInput
from schemas.storage import join
from transforms.steps.fetch.files import RemoteFile, fault_of, open_input, state_of
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.sources.selection import SELECTION_SCHEMA

STEP_BYTES = 1 << 16  # of cluster.idx looked at in one step of a search
MAX_BLOCK_BYTES = 16 << 20  # a block of 3,000 lines inflates to about 1 MB
MAX_RANGE_BYTES = 8 << 20  # of neighbouring blocks that one request fetches


@dataclass(frozen=True)
class Block:
    """Some thousand lines of the CDX, a gzip member. file: its name beside cluster.idx."""

    file: str
    offset: int
    length: int


def cdx_folder(crawl: str) -> str:
    return join(crawl_root(), "cc-index/collections", crawl, "indexes")


def has_cdx(crawl: str, settings: FetchSettings) -> bool:
    try:
        return state_of(join(cdx_folder(crawl), "cluster.idx"), settings) is not None
    except OSError:
        return False


def blocks_of(crawl: str, prefixes: tuple[str, ...], settings: FetchSettings) -> list[Block]:
    """The blocks that may have keys with one of the prefixes, each once, in their order. Raises BadInput."""
    path = join(cdx_folder(crawl), "cluster.idx")
    found: dict[Block, None] = {}
    try:
        with open_input(path, settings, block=STEP_BYTES) as stream:
            size = stream.seek(0, 2)
            for prefix in prefixes:
                before: Block | None = None
                for key, block in lines_from(stream, size, first_line(stream, size, prefix)):
                    if key[: len(prefix)] > prefix:
                        break
                    before = block if key < prefix else before
                    if key >= prefix and before is not None:  # the block before may end with such keys
                        found[before] = None
                        before = None
                    if key >= prefix:
                        found[block] = None
                if before is not None:
                    found[before] = None
    except OSError as error:
        raise BadInput(fault_of(path, error)) from error
    except (ValueError, IndexError) as error:
        raise BadInput(f"{path} is no index of CDX blocks ({error}); check {crawl_root()}") from error
    return sorted(found, key=lambda block: (block.file, block.offset))


def first_line(stream: BinaryIO, size: int, prefix: str) -> int:
    """Offset of a line whose key is below the prefix and near the first that is not; 0 if there is none."""
    low, high = 0, size  # the line that begins at or before `low` has a smaller key
    while high - low > STEP_BYTES:
        middle = (low + high) // 2
        stream.seek(middle)
        cut, newline, rest = stream.read(STEP_BYTES).partition(b"\n")
        if not newline or not rest:
            return low
        if rest.split(b"\n", 1)[0].split(b" ", 1)[0].decode("utf-8", "replace") < prefix:
            low = middle + len(cut) + 1
        else:
            high = middle
    return low


def lines_from(stream: BinaryIO, size: int, offset: int) -> Iterator[tuple[str, Block]]:
    """(SURT key, block) of the lines from `offset` on, which is where one begins."""
    rest = b""
    while offset < size or rest:
        stream.seek(offset)
        piece = stream.read(min(STEP_BYTES, size - offset)) if offset < size else b""
        offset += len(piece)
        *lines, rest = (rest + piece).split(b"\n") if piece else [rest, b""]
        for line in lines:
            if line:
                head, file, start, length, *_ = line.decode("utf-8", "replace").split("\t")
                yield head.split(" ", 1)[0], Block(file.rpartition("/")[2], int(start), int(length))


def ranges_of(blocks: list[Block]) -> list[list[Block]]:
    """Blocks that follow each other, together up to MAX_RANGE_BYTES."""
    ranges: list[list[Block]] = []
    for block in blocks:
        held = ranges[-1] if ranges else []
        follows = held and held[-1].file == block.file and held[-1].offset + held[-1].length == block.offset
        if follows and block.offset + block.length - held[0].offset <= MAX_RANGE_BYTES:
            held.append(block)
        else:
            ranges.append([block])
    return ranges


def cdx_answers(
    crawl: str,
    blocks: list[Block],
    question: Question,
    urls: frozenset[str] | None,
    settings: FetchSettings,
) -> Iterator[pa.Table]:
    """The rows of the blocks that answer the question; with `urls`, only those of exactly these. Raises BadInput."""
    for group in ranges_of(blocks):
        path = join(cdx_folder(crawl), group[0].file)
        start, stop = group[0].offset, group[-1].offset + group[-1].length
        try:
            with open_input(path, settings, checked=True) as stream:
                if isinstance(stream, RemoteFile):
                    stream.hold(start, stop)
                stream.seek(start)
                data = stream.read(stop - start)
        except OSError as error:
            raise BadInput(fault_of(path, error)) from error
        for block in group:
            lines = inflate(data[block.offset - start : block.offset - start + block.length], path)
            rows = [row for line in lines.splitlines() if (row := row_of(line, question, urls)) is not None]
            yield answer(pa.Table.from_pylist(rows, schema=SELECTION_SCHEMA), question)


def inflate(data: bytes, path: str) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, MAX_BLOCK_BYTES)
    except zlib.error as error:
        raise BadInput(f"{path} can't be inflated ({error}); repeat the command") from error


def row_of(line: bytes, question: Question, urls: frozenset[str] | None) -> dict[str, Any] | None:
    """A line of the CDX as a row of a selection; None if it is of another host or URL, or no capture of a page."""
    try:
        _, moment, values = line.decode("utf-8", "replace").split(" ", 2)
        row = json.loads(values)
        url, host = row["url"], (urlsplit(row["url"]).hostname or "").lower()
        if (urls is not None and url not in urls) or not question.has_host(host) or "/warc/" not in row["filename"]:
            return None
        return {
            "url": url,
            "url_host_name": host,
            "fetch_time": datetime.strptime(moment, "%Y%m%d%H%M%S").replace(tzinfo=UTC),
            "fetch_status": int(row["status"]),
            "content_digest": row.get("digest"),
            "content_mime_detected": row.get("mime-detected", row.get("mime")),
            "content_languages": row.get("languages"),
            "warc_filename": row["filename"],
            "warc_record_offset": int(row["offset"]),
            "warc_record_length": int(row["length"]),
        }
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
