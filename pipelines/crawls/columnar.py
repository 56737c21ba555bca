"""Common Crawl's columnar index: which row groups a question needs, what they cost, and the rows that answer it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from pipelines.crawls.names import crawl_list, crawl_root, keyed
from pipelines.crawls.question import Question, may_hold
from schemas.faults import BadInput, reason
from schemas.storage import join
from transforms.steps.fetch.files import fault_of, open_input
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.sources.selection import SELECTION_SCHEMA
from transforms.steps.text.hashes import mix

pc: Any = pyarrow.compute  # its functions are made at run time, so that stubs lack them
LIST = "cc-index-table.paths.gz"
SUBSET = "/subset=warc/"  # successful answers; the others are robots.txt and diagnostics
FOOTER_BYTES = 1 << 16  # asked for at once where a footer is read
KEY = "url_surtkey"


@dataclass(frozen=True)
class IndexPart:
    """Row groups of one file of the index.

    path: of the file, below the root
    groups: numbers of the row groups that may have an answer
    bytes: of the columns read in them
    all_bytes: of the file
    """

    path: str
    groups: tuple[int, ...]
    bytes: int
    all_bytes: int


def index_parts(
    crawl: str, question: Question, settings: FetchSettings, on_file: Callable[[int, int], None]
) -> list[IndexPart]:
    """The parts of a crawl's index that a question needs, by the files' footers. Raises BadInput.

    on_file: called with the number of footers read, and of all.
    """
    paths = [path for path in crawl_list(crawl, LIST, settings) if SUBSET in f"/{path}"]
    if not paths:
        raise BadInput(f"{crawl}: its {LIST} names no file of {SUBSET.strip('/')}; this crawl has no columnar index")
    parts = []
    for number, path in enumerate(paths, 1):
        parts.append(index_part(path, question, settings))
        on_file(number, len(paths))
    return parts


def index_part(path: str, question: Question, settings: FetchSettings) -> IndexPart:
    """Row groups of an index file that may answer the question, by the bounds in its footer, with their bytes.

    Raises BadInput if the file can't be read, or lacks a column that the question needs.
    """
    address = join(crawl_root(), path)
    try:
        with open_input(address, settings, block=FOOTER_BYTES) as stream, pq.ParquetFile(stream) as file:
            footer, names = file.metadata, file.schema_arrow.names
    except pa.ArrowException as error:
        raise BadInput(f"index file {address} can't be read ({reason(error)}); check {crawl_root()}") from error
    except OSError as error:
        raise BadInput(fault_of(address, error)) from error
    if missing := [name for name in (*columns_read(), *((KEY,) if question.hosts else ())) if name not in names]:
        raise BadInput(f"index file {address} has no column {missing[0]}, so it can't answer; leave that condition out")
    numbers = {name: number for number, name in enumerate(footer.schema.to_arrow_schema().names)}
    groups, wanted = [], [numbers[name] for name in columns_read()]
    size = total = 0
    for group in range(footer.num_row_groups):
        row_group = footer.row_group(group)
        total += sum(row_group.column(index).total_compressed_size for index in range(row_group.num_columns))
        if may_answer(row_group, numbers, question):
            groups.append(group)
            size += sum(row_group.column(index).total_compressed_size for index in wanted)
    return IndexPart(path, tuple(groups), size, total)


def columns_read() -> list[str]:
    return list(SELECTION_SCHEMA.names)


def may_answer(row_group: Any, numbers: dict[str, int], question: Question) -> bool:
    """Whether the row group's statistics leave room for an answer."""
    if question.hosts and (edges := edges_of(row_group, numbers[KEY])):
        return may_hold(question.prefixes, *edges)
    for name, wanted in (("fetch_status", question.status), ("content_mime_detected", question.mime)):
        edges = edges_of(row_group, numbers[name])
        if wanted and edges and not any(edges[0] <= value <= edges[1] for value in wanted):
            return False
    return True


def edges_of(row_group: Any, column: int) -> tuple[Any, Any] | None:
    statistics = row_group.column(column).statistics
    return (statistics.min, statistics.max) if statistics is not None and statistics.has_min_max else None


def answers(part: IndexPart, question: Question, settings: FetchSettings) -> Iterator[pa.Table]:
    """The rows of a part that answer the question, a row group at a time. Raises BadInput."""
    address = join(crawl_root(), part.path)
    try:
        with open_input(address, settings, block=FOOTER_BYTES) as stream, pq.ParquetFile(stream) as file:
            for group in part.groups:
                yield answer(file.read_row_group(group, columns=columns_read()), question)
    except pa.ArrowException as error:
        raise BadInput(f"index file {address} can't be read ({reason(error)}); repeat the command") from error
    except OSError as error:
        raise BadInput(fault_of(address, error)) from error


def answer(table: pa.Table, question: Question) -> pa.Table:
    """The rows that answer, in a selection's columns."""
    mask: Any = pc.greater(table["warc_record_length"], 0)
    if question.status:
        mask = pc.and_kleene(
            mask, pc.is_in(table["fetch_status"], pa.array(question.status, table["fetch_status"].type))
        )
    if question.mime:
        mask = pc.and_kleene(mask, pc.is_in(table["content_mime_detected"], pa.array(question.mime)))
    if question.languages:
        pattern = f"^(?:{'|'.join(question.languages)})(?:,|$)"
        mask = pc.and_kleene(mask, pc.match_substring_regex(table["content_languages"], pattern))
    table = table.filter(mask)
    if question.hosts and len(table):
        table = table.filter(host_mask(table, question))
    return table.select(SELECTION_SCHEMA.names).cast(SELECTION_SCHEMA)


def host_mask(table: pa.Table, question: Question) -> Any:
    """Which rows are of the question's hosts; each host is judged once."""
    encoded = table["url_host_name"].combine_chunks().dictionary_encode()
    known = pa.array([host is not None and question.has_host(host) for host in encoded.dictionary.to_pylist()])
    return pc.fill_null(known.take(encoded.indices), False)


def drawn(table: pa.Table, limit: int | None, seed: int) -> pa.Table:
    """At most `limit` of the rows: those with the smallest keys, so that it does not matter what came first."""
    if limit is None or len(table) <= limit:
        return table
    encoded = table["warc_filename"].combine_chunks().dictionary_encode()
    files = np.array([hash_of(seed, file) for file in encoded.dictionary.to_pylist()], dtype=np.uint64)
    offsets = table["warc_record_offset"].to_numpy().astype(np.uint64)
    with np.errstate(over="ignore"):
        keys = mix(files[encoded.indices.to_numpy()] + mix(offsets))
    return table.take(np.sort(np.argsort(keys, kind="stable")[:limit]))


def hash_of(seed: int, file: str) -> int:
    return int.from_bytes(keyed(seed, file), "little")
