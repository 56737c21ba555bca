"""A made-up columnar index in Common Crawl's schema, sorted by SURT as theirs is, and a mirror's folder around it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

pc: Any = pyarrow.compute  # its functions are made at run time, so that stubs lack them
CRAWL = "CC-MAIN-2024-33"
TLDS = ("com", "org", "net", "de", "br", "gov.br", "fr", "ru", "info", "es")
SHARES = (0.45, 0.08, 0.06, 0.07, 0.06, 0.01, 0.06, 0.09, 0.06, 0.06)
LANGUAGES = ("eng", "rus", "deu", "fra", "spa", "por", "jpn,eng", "zho")
LANGUAGE_SHARES = (0.45, 0.12, 0.09, 0.09, 0.09, 0.06, 0.05, 0.05)
PAGES_OF_HOST = 40
WARC_FILES = 2000


def write_mirror(root: Path, rows: int, files: int, group: int, seed: int = 1) -> int:
    """Write an index of so many rows below `root`; gives its bytes."""
    draw = np.random.default_rng(seed)
    hosts = rows // PAGES_OF_HOST + 1
    suffixes = draw.choice(len(TLDS), hosts, p=SHARES)
    surts = sorted(f"{','.join(reversed(TLDS[tld].split('.')))},site{number:07}" for number, tld in enumerate(suffixes))
    folder = f"cc-index/table/cc-main/warc/crawl={CRAWL}/subset=warc"
    (root / folder).mkdir(parents=True)
    paths = [f"{folder}/part-{number:05}-made-up.c000.gz.parquet" for number in range(files)]
    edges = [hosts * number // files for number in range(files + 1)]
    for path, begin, end in zip(paths, edges[:-1], edges[1:], strict=True):
        table = index_table(surts[begin:end], draw)
        pq.write_table(table, root / path, row_group_size=group, compression="gzip")
    listed = root / "crawl-data" / CRAWL
    listed.mkdir(parents=True)
    (listed / "cc-index-table.paths.gz").write_bytes(gzip.compress("".join(f"{path}\n" for path in paths).encode()))
    return sum((root / path).stat().st_size for path in paths)


def index_table(surts: list[str], draw: np.random.Generator) -> pa.Table:
    """PAGES_OF_HOST rows for each of the hosts, whose SURT keys are sorted."""
    count = len(surts) * PAGES_OF_HOST
    hosts = [".".join(reversed(surt.split(","))) for surt in surts]
    host = pa.array(np.repeat(np.array(hosts, dtype=object), PAGES_OF_HOST))
    key = pa.array(np.repeat(np.array(surts, dtype=object), PAGES_OF_HOST))
    pages = pa.array(
        np.tile(np.array([f"/page-{number:03}" for number in range(PAGES_OF_HOST)], dtype=object), len(surts))
    )
    moments = pa.array(1722643200000 + draw.integers(0, 10**9, count), pa.timestamp("ms", tz="UTC"))
    numbers = draw.integers(0, WARC_FILES, count)
    segments = f"crawl-data/{CRAWL}/segments/1722640000000.10/warc/CC-MAIN-20240803000000-20240803030000"
    names = pa.array([f"{segments}-{number:05}.warc.gz" for number in range(WARC_FILES)])
    digests = draw.integers(0, 2**63, count).astype(str).astype(object)
    return pa.table(
        {
            "url_surtkey": pc.binary_join_element_wise(key, pages, ")"),
            "url": pc.binary_join_element_wise("https://", host, pages, ""),
            "url_host_name": host,
            "url_host_tld": pa.array([name.rpartition(".")[2] for name in hosts]).take(
                pa.array(np.repeat(np.arange(len(hosts)), PAGES_OF_HOST))
            ),
            "url_host_registered_domain": host,
            "url_path": pages,
            "fetch_time": moments,
            "fetch_status": pa.array(np.full(count, 200), pa.int16()),
            "content_digest": pc.utf8_lpad(pa.array(digests), 32, "A"),
            "content_mime_type": pa.array(["text/html"] * count),
            "content_mime_detected": pa.array(np.array(["text/html", "application/pdf"], dtype=object)).take(
                pa.array((draw.random(count) < 0.05).astype(np.int8))
            ),
            "content_charset": pa.array(["UTF-8"] * count),
            "content_languages": pa.array(LANGUAGES).take(
                pa.array(draw.choice(len(LANGUAGES), count, p=LANGUAGE_SHARES))
            ),
            "content_truncated": pa.nulls(count, pa.string()),
            "warc_filename": names.take(pa.array(numbers)),
            "warc_record_offset": pa.array(draw.integers(0, 10**9, count), pa.int32()),
            "warc_record_length": pa.array(draw.integers(2000, 60000, count), pa.int32()),
            "warc_segment": pa.array(["1722640000000.10"] * count),
        }
    )
