"""`bateia select`: the records of a crawl that answer a question, as a table that `--input` takes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from pipelines.crawls.cdx import Block, blocks_of, cdx_answers, has_cdx
from pipelines.crawls.columnar import IndexPart, answers, drawn, index_parts
from pipelines.crawls.names import crawl_root, parse_crawl
from pipelines.crawls.ordering import batches, in_order
from pipelines.crawls.question import Question, prefix_of_url
from schemas.faults import BadInput
from schemas.storage import (
    is_local,
    join,
    lines_of_list,
    open_read,
    read_json,
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
        return self._write(self._by_blocks() if self._by_cdx() else self._by_parts())

    @property
    def _work(self) -> str:
        """Folder of what is found, until the selection is written."""
        return f"{self.output}.work"

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

    def _by_blocks(self) -> list[str]:
        """By the CDX; paths of tables of what is found."""
        blocks = blocks_of(self.crawl, self._prefixes(), self.fetch)
        self._tell(sum(block.length for block in blocks), f"in {plural(len(blocks), 'block')} of the CDX")
        remove_folder(self._work)  # of an interrupted run, which may have asked something else
        path = join(self._work, "blocks.parquet")
        self._write_found(
            path, self._told(cdx_answers(self.crawl, blocks, self.question, self._urls, self.fetch), blocks)
        )
        return [path]

    def _told(self, tables: Iterator[pa.Table], blocks: list[Block]) -> Iterator[pa.Table]:
        kept = 0
        for number, table in enumerate(tables, 1):
            kept += len(table)
            self.show(f"block {number:,} of {len(blocks):,}: {kept:,} pages")
            yield table

    def _by_parts(self) -> list[str]:
        """By the columnar index, a file at a time; what is finished lies beside the output and is not repeated.

        Gives the paths of tables of what is found.
        """
        asked = {"crawl": self.crawl, "question": asdict(self.question)}
        parts = self._parts(json.loads(json.dumps(asked)))
        needed = [part for part in parts if part.groups]
        size, total = sum(part.bytes for part in needed), sum(part.all_bytes for part in parts)
        groups = sum(len(part.groups) for part in needed)
        where = f"of {total / 1e6:,.1f} MB: {plural(groups, 'row group')} in {len(needed):,} of {len(parts):,} files"
        self._tell(size, where)
        paths, found = [], 0
        for number, part in enumerate(needed, 1):
            path = join(self._work, f"{part.path.rpartition('/')[2]}")
            if size_of(path) is None:
                self._write_found(path, answers(part, self.question, self.fetch))
            paths.append(path)
            found += rows_in(path)
            self.show(f"file {number:,} of {len(needed):,}: {found:,} pages")
        return paths

    def _parts(self, asked: dict[str, Any]) -> list[IndexPart]:
        """What is to be read, from an interrupted run of the same question where there is one."""
        plan = join(self._work, "plan.json")
        if size_of(plan) is not None:
            known = read_json(plan)
            if known["asked"] == asked:
                return [IndexPart(**{**part, "groups": tuple(part["groups"])}) for part in known["parts"]]
            remove_folder(self._work)
        parts = index_parts(
            self.crawl,
            self.question,
            self.fetch,
            lambda read, of: self.show(f"footers of the index: {read:,} of {of:,}"),
        )
        write_json(plan, {"asked": asked, "parts": [asdict(part) for part in parts]})
        return parts

    def _write_found(self, path: str, tables: Iterator[pa.Table]) -> None:
        """Write what is found as it comes; with a limit, only what is drawn of it."""
        limit, seed = self.question.limit, self.question.sample_seed
        with write_whole(path) as file, pq.ParquetWriter(file, SELECTION_SCHEMA, compression="zstd") as writer:
            if limit is None:
                for table in tables:
                    writer.write_table(table)
            else:
                writer.write_table(drawn_of(tables, limit, seed))

    def _tell(self, size: int, where: str) -> None:
        speed = (
            f"at most {self.fetch.requests_per_s:g} requests a second" if not is_local(crawl_root()) else "no network"
        )
        sys.stderr.write(f"bateia: note: the question costs {size / 1e6:,.1f} MB {where}; {speed}\n")

    def _write(self, found: list[str]) -> list[str]:
        """found: paths of tables, of which the selection is made in the order of its records."""
        if self.question.limit is not None:
            path = join(self._work, "drawn.parquet")
            self._write_found(path, batches(found))
            found = [path]
        if not sum(map(rows_in, found)):
            remove_folder(self._work)
            raise BadInput(
                f"no page of {self.crawl} answers; ask for more with --languages, --hosts, --mime or --status"
            )
        question = {"crawl": self.crawl, **asdict(self.question)}
        schema = SELECTION_SCHEMA.with_metadata({CRAWL_KEY: self.crawl, b"bateia.question": json.dumps(question)})
        rows = size = 0
        files: set[str] = set()
        absent = set(self._urls or ())
        with write_whole(self.output) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for group in in_order(found, self._work):
                writer.write_table(group.replace_schema_metadata(schema.metadata))
                rows += len(group)
                size += pc.sum(group["warc_record_length"]).as_py()
                files.update(group["warc_filename"].unique().to_pylist())
                if absent:
                    absent.difference_update(group["url"].to_pylist())
        remove_folder(self._work)
        holds = f"{plural(rows, 'page')} in {plural(len(files), 'WARC file')}, {size / 1e6:,.1f} MB to fetch"
        lines = [
            f"{self.output}: {holds}",
            f"go on: bateia run fineweb --input {self.output} --output out --no-blocklist --until shards",
        ]
        if absent:
            lines.insert(1, f"{plural(len(absent), 'address', 'addresses')} of the list is not in this crawl")
        return lines


def drawn_of(tables: Iterator[pa.Table], limit: int, seed: int) -> pa.Table:
    """What a limit draws of all the tables together."""
    kept = SELECTION_SCHEMA.empty_table()
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(map(len, held)) > 4 * limit + 1000:
            kept, held = drawn(pa.concat_tables([kept, *held]), limit, seed), []
    return drawn(pa.concat_tables([kept, *held]), limit, seed)


def rows_in(path: str) -> int:
    with open_read(path) as file:
        return pq.read_metadata(file).num_rows


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
