"""The sample's files laid out as Common Crawl's: WARC paths, lists, collinfo.json, columnar index, CDX, cluster.idx."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.steps.warc.reader import Response, Unit, read_unit

CRAWL = "CC-MAIN-2024-33"
SEGMENT = f"crawl-data/{CRAWL}/segments/1722640000000.10/warc"
# The columns that Common Crawl's table has and a selection may ask for (github.com/commoncrawl/cc-index-table).
INDEX_SCHEMA = pa.schema(
    [
        pa.field("url_surtkey", pa.string()),
        ("url", pa.string()),
        ("url_host_name", pa.string()),
        ("url_host_tld", pa.string()),
        ("url_host_2nd_last_part", pa.string()),
        ("url_host_registered_domain", pa.string()),
        ("url_path", pa.string()),
        ("fetch_time", pa.timestamp("ms", tz="UTC")),
        ("fetch_status", pa.int16()),
        ("content_digest", pa.string()),
        ("content_mime_type", pa.string()),
        ("content_mime_detected", pa.string()),
        ("content_charset", pa.string()),
        ("content_languages", pa.string()),
        ("content_truncated", pa.string()),
        ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int32()),
        ("warc_record_length", pa.int32()),
        ("warc_segment", pa.string()),
    ]
)


def surt_of(url: str) -> str:
    parts = urlsplit(url)
    host = ",".join(reversed((parts.hostname or "").lower().removeprefix("www.").split(".")))
    return f"{host}){parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


def index_row(url: str, file: str, offset: int, length: int, **values: Any) -> dict[str, Any]:
    host = (urlsplit(url).hostname or "").lower()
    parts = host.split(".")
    row = {
        "url_surtkey": surt_of(url),
        "url": url,
        "url_host_name": host,
        "url_host_tld": parts[-1],
        "url_host_2nd_last_part": parts[-2] if len(parts) > 1 else None,
        "url_host_registered_domain": ".".join(parts[-2:]),
        "url_path": urlsplit(url).path,
        "fetch_time": datetime(2024, 8, 3, tzinfo=UTC),
        "fetch_status": 200,
        "content_mime_type": "text/html",
        "content_mime_detected": "text/html",
        "content_charset": "UTF-8",
        "content_languages": "eng",
        "warc_filename": file,
        "warc_record_offset": offset,
        "warc_record_length": length,
        "warc_segment": file.split("/")[3] if file.count("/") > 3 else "",
    }
    return row | values


def lay_out(root: Path, warcs: list[str]) -> list[dict[str, Any]]:
    """Write a crawl of these WARC files below `root`; gives the rows of its index."""
    (root / SEGMENT).mkdir(parents=True)
    paths, rows = [], []
    for number, warc in enumerate(warcs):
        path = f"{SEGMENT}/CC-MAIN-20240803000000-20240803030000-{number:05}.warc.gz"
        shutil.copy(warc, root / path)
        paths.append(path)
        rows += rows_of_file(root, path)
    rows.sort(key=lambda row: (row["url_surtkey"], row["warc_record_offset"]))
    folder = root / "crawl-data" / CRAWL
    write_list(folder / "warc.paths.gz", paths)
    crawls = [CRAWL, "CC-MAIN-2024-30", "CC-MAIN-2023-50"]
    collinfo = [{"id": crawl, "name": f"{crawl} Index", "from": "2024-08-02", "to": "2024-08-16"} for crawl in crawls]
    (root / "collinfo.json").write_text(json.dumps(collinfo))
    write_index(root, rows)
    write_cdx(root, rows)
    return rows


def rows_of_file(root: Path, path: str) -> list[dict[str, Any]]:
    size, found = (root / path).stat().st_size, {}
    languages = random.Random(3)
    with (root / path).open("rb") as stream:
        for event in read_unit(stream, Unit(path, size, 0, size)):
            if isinstance(event, Response) and event.offset not in found:
                digest = base64.b32encode(hashlib.sha1(event.body).digest()).decode()
                values = {"fetch_status": event.status, "content_digest": digest}
                values["content_languages"] = languages.choice(["eng", "por", "por,eng", None])
                found[event.offset] = index_row(event.url, path, event.offset, event.size, **values)
    return list(found.values())


def write_list(path: Path, lines: list[str]) -> None:
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))


def write_index(root: Path, rows: list[dict[str, Any]], files: int = 2, group: int = 50) -> None:
    """The columnar index: rows by SURT over files, in small row groups."""
    folder = f"cc-index/table/cc-main/warc/crawl={CRAWL}/subset=warc"
    (root / folder).mkdir(parents=True)
    paths = []
    for number in range(files):
        part = rows[len(rows) * number // files : len(rows) * (number + 1) // files]
        paths.append(f"{folder}/part-{number:05}-x.c000.gz.parquet")
        table = pa.Table.from_pylist(part, schema=INDEX_SCHEMA)
        pq.write_table(table, root / paths[-1], row_group_size=group, compression="gzip")
    write_list(root / "crawl-data" / CRAWL / "cc-index-table.paths.gz", paths)


def write_cdx(root: Path, rows: list[dict[str, Any]], block: int = 30) -> None:
    """The zipped CDX: blocks of lines as gzip members, and cluster.idx with the first key of each."""
    folder = root / "cc-index/collections" / CRAWL / "indexes"
    folder.mkdir(parents=True)
    data, clusters = b"", []
    for at in range(0, len(rows), block):
        lines = [cdx_line(row) for row in rows[at : at + block]]
        packed = gzip.compress("".join(lines).encode(), mtime=0)
        first = " ".join(lines[0].split(" ", 2)[:2])
        clusters.append(f"{first}\tcdx-00000.gz\t{len(data)}\t{len(packed)}\t{at // block + 1}\n")
        data += packed
    (folder / "cdx-00000.gz").write_bytes(data)
    (folder / "cluster.idx").write_text("".join(clusters))


def cdx_line(row: dict[str, Any]) -> str:
    values = {
        "url": row["url"],
        "mime": row["content_mime_type"],
        "mime-detected": row["content_mime_detected"],
        "status": str(row["fetch_status"]),
        "digest": row["content_digest"],
        "length": str(row["warc_record_length"]),
        "offset": str(row["warc_record_offset"]),
        "filename": row["warc_filename"],
        **({"languages": row["content_languages"]} if row["content_languages"] else {}),
    }
    return f"{row['url_surtkey']} 20240803000000 {json.dumps(values)}\n"
