"""`bateia select`: the records of a crawl that answer a question, as a table that `--input` takes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from pipelines.crawls.cdx import blocks_of, cdx_answers, has_cdx
from pipelines.crawls.columnar import IndexPart, answers, drawn, index_parts
from pipelines.crawls.names import crawl_root, parse_crawl
from pipelines.crawls.question import Question, prefix_of_url
from schemas.faults import BadInput
from schemas.storage import (
    is_local,
    join,
    lines_of_list,
    open_read,
    read_json,
    read_table,
    remove_folder,
    size_of,
    write_json,
    write_whole,
)
from schemas.wording import plural
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.sources.selection import CRAWL_KEY, SELECTION_SCHEMA

pc: Any = pyarrow.compute  # its functions are made at run time, so that stubs lack them
INDEXES = ("auto", "columnar", "cdx")
ROWS_PER_GROUP = 100_000
Show = Callable[[str], None]


@dataclass
class Selecting:
    """A selection as asked for.

    crawl: its name
    question: which pages
    output: the Parquet file to write
    urls: a list of addresses, of which each capture is selected; None for all pages
    index: which index answers: columnar, cdx, or auto, which is cdx where hosts or addresses are named
    show: is given a line of progress
    """

    crawl: str
    question: Question
    output: str
    fetch: FetchSettings
    urls: str | None = None
    index: str = "auto"
    show: Show = lambda _: None
    _urls: frozenset[str] | None = field(default=None, init=False)

    def run(self) -> list[str]:
        """Write the selection; gives lines that say what it holds. Raises BadInput before anything is written."""
        named = parse_crawl(self.crawl)
        if named is None or self.crawl != named.crawl:
            raise BadInput(f"'{self.crawl}' is no name of a crawl, such as CC-MAIN-2024-33; `bateia crawls` lists them")
        if size_of(self.output) is not None:
            raise BadInput(f"output {self.output} is there already; remove it or choose another --output")
        if not self.output.endswith(".parquet"):
            raise BadInput(f"output {self.output}: a selection is a table; give it a name that ends in .parquet")
        self._urls = read_urls(self.urls) if self.urls is not None else None
        by_cdx = self._by_cdx()
        table = self._by_blocks() if by_cdx else self._by_parts()
        table = drawn(table, self.question.limit, self.question.sample_seed)
        return self._write(table)

    def _by_cdx(self) -> bool:
        narrow = self._urls is not None or bool(self.question.hosts)
        if self._urls is not None and self.index == "columnar":
            raise BadInput("--urls is answered by the CDX; leave --index columnar out")
        if self.index != "auto":
            if self.index == "cdx" and not narrow:
                raise BadInput("--index cdx answers for hosts or addresses; give --hosts or --urls")
            return self.index == "cdx"
        return self._urls is not None or (narrow and has_cdx(self.crawl, self.fetch))

    def _prefixes(self) -> tuple[str, ...]:
        if self._urls is None:
            return self.question.prefixes
        return tuple(sorted({prefix_of_url(url) for url in self._urls}))

    def _by_blocks(self) -> pa.Table:
        """By the CDX."""
        blocks = blocks_of(self.crawl, self._prefixes(), self.fetch)
        self._tell(sum(block.length for block in blocks), f"in {plural(len(blocks), 'block')} of the CDX")
        held, kept = [], 0
        for number, table in enumerate(cdx_answers(self.crawl, blocks, self.question, self._urls, self.fetch), 1):
            held.append(table)
            kept += len(table)
            self.show(f"block {number:,} of {len(blocks):,}: {kept:,} pages")
            if self.question.limit is not None and kept > 4 * self.question.limit + 1000:
                held = [drawn(pa.concat_tables(held), self.question.limit, self.question.sample_seed)]
                kept = len(held[0])
        return pa.concat_tables([SELECTION_SCHEMA.empty_table(), *held])

    def _by_parts(self) -> pa.Table:
        """By the columnar index, a file at a time; what is finished lies beside the output and is not repeated."""
        work = f"{self.output}.work"
        asked = {"crawl": self.crawl, "question": asdict(self.question)}
        parts = self._parts(work, json.loads(json.dumps(asked)))
        needed = [part for part in parts if part.groups]
        size, total = sum(part.bytes for part in needed), sum(part.all_bytes for part in parts)
        groups = sum(len(part.groups) for part in needed)
        where = f"of {total / 1e6:,.1f} MB: {plural(groups, 'row group')} in {len(needed):,} of {len(parts):,} files"
        self._tell(size, where)
        held = []
        for number, part in enumerate(needed, 1):
            path = join(work, f"{part.path.rpartition('/')[2]}")
            if size_of(path) is None:
                self._write_part(path, part)
            held.append(read_table(path))
            self.show(f"file {number:,} of {len(needed):,}: {sum(map(len, held)):,} pages")
        return pa.concat_tables([SELECTION_SCHEMA.empty_table(), *held])

    def _parts(self, work: str, asked: dict[str, Any]) -> list[IndexPart]:
        """What is to be read, from an interrupted run of the same question where there is one."""
        plan = join(work, "plan.json")
        if size_of(plan) is not None:
            known = read_json(plan)
            if known["asked"] == asked:
                return [IndexPart(**{**part, "groups": tuple(part["groups"])}) for part in known["parts"]]
            remove_folder(work)
        parts = index_parts(
            self.crawl,
            self.question,
            self.fetch,
            lambda read, of: self.show(f"footers of the index: {read:,} of {of:,}"),
        )
        write_json(plan, {"asked": asked, "parts": [asdict(part) for part in parts]})
        return parts

    def _write_part(self, path: str, part: IndexPart) -> None:
        held = SELECTION_SCHEMA.empty_table()
        for table in answers(part, self.question, self.fetch):
            held = drawn(pa.concat_tables([held, table]), self.question.limit, self.question.sample_seed)
        with write_whole(path) as file:
            pq.write_table(held, file, compression="zstd")

    def _tell(self, size: int, where: str) -> None:
        speed = (
            f"at most {self.fetch.requests_per_s:g} requests a second" if not is_local(crawl_root()) else "no network"
        )
        sys.stderr.write(f"bateia: note: the question costs {size / 1e6:,.1f} MB {where}; {speed}\n")

    def _write(self, table: pa.Table) -> list[str]:
        if not len(table):
            remove_folder(f"{self.output}.work")
            raise BadInput(
                f"no page of {self.crawl} answers; ask for more with --languages, --hosts, --mime or --status"
            )
        question = {"crawl": self.crawl, **asdict(self.question)}
        schema = table.schema.with_metadata({CRAWL_KEY: self.crawl, b"bateia.question": json.dumps(question)})
        order = pc.sort_indices(table, [("warc_filename", "ascending"), ("warc_record_offset", "ascending")])
        with write_whole(self.output) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for first in range(0, len(table), ROWS_PER_GROUP):  # a group at a time: a sorted copy takes as much again
                group = table.take(order.slice(first, ROWS_PER_GROUP))
                writer.write_table(group.replace_schema_metadata(schema.metadata))
        remove_folder(f"{self.output}.work")
        size = pc.sum(table["warc_record_length"]).as_py()
        files = len(table["warc_filename"].unique())
        holds = f"{plural(len(table), 'page')} in {plural(files, 'WARC file')}, {size / 1e6:,.1f} MB to fetch"
        lines = [
            f"{self.output}: {holds}",
            f"go on: bateia run fineweb --input {self.output} --output out --no-blocklist --until shards",
        ]
        if self._urls is not None and (absent := len(self._urls - set(table["url"].to_pylist()))):
            lines.insert(1, f"{plural(absent, 'address', 'addresses')} of the list is not in this crawl")
        return lines


def read_urls(path: str) -> frozenset[str]:
    """A list of addresses, one a line. Raises BadInput."""
    try:
        with open_read(path) as file:
            lines = lines_of_list(file.read())
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"list {path} can't be read ({error}); give a text file with one address a line") from error
    if not lines:
        raise BadInput(f"list {path} names no address; give one a line")
    for line in lines:
        prefix_of_url(line)
    return frozenset(lines)
