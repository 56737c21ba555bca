"""Files of documents to token shards: one pair of files for each input file and split, map-only."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import apache_beam as beam
import numpy as np
import pyarrow.parquet as pq

from schemas.manifest import FileEntry
from schemas.shards import SPLITS, VAL, docs_path, docs_schema, tokens_path
from schemas.storage import PendingFile, join, locate, open_read, read_json, size_of, write_json
from transforms.corpus_parts import Clock, Heartbeat
from transforms.part_files import PartFile
from transforms.sources import Part, Workplace, read_parts
from transforms.steps.encoding import Marks, Split, encode_document, key_of
from transforms.steps.tokenizer import JSON, MODEL, Tokenizer, of_json, of_model

ROWS_AT_ONCE = 256
DOCS_PER_GROUP = 16_384  # rows of docs-*.parquet in one row group: no texts in them, so more fit than in a corpus
READ = ("text", "id", "url", "file_path", "warc_offset", "dump", "language", "language_score", "cluster_id", "quality")


@dataclass(frozen=True)
class EncodeJob:
    """What every worker needs to know. tokenizer: its folder."""

    output: str
    tokenizer: str
    marks: Marks
    split: Split


class EncodeParts(beam.PTransform):
    """Path of the list of parts in, names of those encoded out."""

    def __init__(self, job: EncodeJob) -> None:
        super().__init__()
        self._job = job

    def expand(self, input_or_inputs: Any) -> Any:
        parts = input_or_inputs | "ReadParts" >> beam.FlatMap(read_parts) | "SpreadParts" >> beam.Reshuffle()
        return parts | "EncodePart" >> beam.ParDo(EncodePart(self._job))


class EncodePart(beam.DoFn):
    def __init__(self, job: EncodeJob) -> None:
        self._job = job

    def setup(self) -> None:
        self._tokenizer = read_tokenizer(self._job.tokenizer)

    def process(self, element: Part) -> Iterator[str]:
        if not is_encoded(self._job.output, element.name):
            encode_part(self._job, element, self._tokenizer)
        yield element.name


def read_tokenizer(folder: str) -> Tokenizer:
    """Of shards, from wherever they lie: by tokenizer.model if there is one, else by tokenizer.json."""
    model = join(folder, MODEL)
    path, of = (model, of_model) if size_of(model) is not None else (join(folder, JSON), of_json)
    with open_read(path) as file:
        data = file.read()
    return of(data, path, hashlib.sha256(data).hexdigest())


def record_path(output: str, part: str) -> str:
    return Workplace(output).path("parts", f"{part}.json")


def is_encoded(output: str, part: str) -> bool:
    """A part is finished if its record exists and every file it names is there with its size."""
    path = record_path(output, part)
    if size_of(path) is None:
        return False
    return all(size_of(join(output, file["path"])) == file["bytes"] for file in read_json(path)["files"])


def encode_part(job: EncodeJob, part: Part, tokenizer: Tokenizer) -> None:
    """Write one input file's shard of each split, and record it.

    Raises ValueError, naming file and row, for text that is no UTF-8.
    """
    clock, heartbeat = Clock(), Heartbeat(job.output, part)
    rows = read_documents(part.files[0])
    bos = np.array([job.marks.bos], tokenizer.dtype)
    shards = {split: ShardFiles(job.output, split, part) for split in SPLITS}
    read = 0
    try:
        for row in rows:
            text = row["text"].encode()
            shards[job.split.of(text)].add(row, encode_document(tokenizer, bos, row["text"]), len(text))
            read += 1
            heartbeat()
        if read != part.rows:
            raise ValueError(f"{part.files[0]} has {read} documents and should have {part.rows}; write it anew")
        entries = [entry for shard in shards.values() for entry in shard.commit()]
    except BaseException:
        for shard in shards.values():
            shard.discard()
        raise
    tallies = {split: shard.tally() for split, shard in shards.items()}
    record = {"name": part.name, "tally": tallies, "timings": clock.timings()}
    write_json(record_path(job.output, part.name), record | {"files": [asdict(entry) for entry in entries]})
    heartbeat.stop()


def read_documents(path: str) -> Iterator[dict[str, Any]]:
    """Rows of a file of documents, of the columns that there are. Raises ValueError if a text is no UTF-8."""
    filesystem, name = locate(path)
    with pq.ParquetFile(filesystem.open_input_file(name)) as file:
        columns = [column for column in READ if column in file.schema_arrow.names]
        at = 0
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=columns):
            try:
                yield from batch.to_pylist()
            except UnicodeDecodeError as error:
                raise ValueError(f"{path}: text from row {at} on is no UTF-8 ({error}); write the file anew") from error
            at += len(batch)


def measures_in(path: str) -> tuple[str, ...]:
    """Names of the quality values that a file of documents carries."""
    filesystem, name = locate(path)
    schema = pq.read_schema(filesystem.open_input_file(name))
    return tuple(field.name for field in schema.field("quality").type) if "quality" in schema.names else ()


class ShardFiles:
    """One shard of one split: its tokens, its documents' rows, and counts by language and, in val, by host."""

    def __init__(self, output: str, split: str, part: Part) -> None:
        self._split = split
        self._tokens_path = tokens_path(output, split, part.ordinal)[len(output) + 1 :]
        self._tokens = PendingFile(join(output, self._tokens_path))
        docs = docs_path(output, split, part.ordinal)[len(output) + 1 :]
        self._docs = PartFile(output, docs, docs_schema(measures_in(part.files[0])), DOCS_PER_GROUP)
        self._written = 0
        self._languages: dict[str, Counter[str]] = {}
        self._dumps: dict[str, Counter[str]] = {}
        self._hosts: dict[str, Counter[str]] = {}
        self._lengths: Counter[str] = Counter()

    def add(self, row: dict[str, Any], tokens: np.ndarray, size: int) -> None:
        """size: bytes of the text in UTF-8."""
        self._tokens.file.write(tokens.tobytes())
        self._docs.add(
            {
                "doc_id": row["id"],
                "start": self._written,
                "length": len(tokens),
                "bytes": size,
                "key": key_of(row["id"]),
                "url": row["url"],
                "warc_file": row["file_path"],
                **{name: row.get(name) for name in ("warc_offset", "dump", "language", "language_score", "cluster_id")},
                "quality": row.get("quality"),
            }
        )
        self._written += len(tokens)
        self._lengths[str(len(tokens).bit_length() - 1)] += 1
        counted = Counter(documents=1, tokens=len(tokens), bytes=size)
        for table, name in self._tables(row):
            table.setdefault(name, Counter()).update(counted)

    def _tables(self, row: dict[str, Any]) -> Iterator[tuple[dict[str, Counter[str]], str]]:
        yield self._languages, row.get("language") or "und"
        yield self._dumps, row.get("dump") or ""
        if self._split == VAL and (host := host_of(row["url"] or "")):
            yield self._hosts, host

    def tally(self) -> dict[str, Any]:
        """Documents, tokens and bytes by language, dump and host; documents by floor(log2(tokens))."""
        tables = {"languages": self._languages, "dumps": self._dumps, "hosts": self._hosts}
        counts = {name: {key: dict(count) for key, count in table.items()} for name, table in tables.items()}
        return {**counts, "lengths": dict(self._lengths)}

    def commit(self) -> list[FileEntry]:
        """Give the files their names. A shard without documents is not written."""
        if self._docs.empty:
            self.discard()
            return []
        docs = self._docs.commit()
        self._tokens.commit()
        return [FileEntry(self._tokens_path, docs.rows, self._tokens.file.bytes, self._tokens.file.sha256), docs]

    def discard(self) -> None:
        self._tokens.discard()
        self._docs.discard()


def host_of(url: str) -> str:
    """The URL's host without www., or "" for none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
