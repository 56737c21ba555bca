"""Files of documents to token shards: one pair of files for each input file and split."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.shards.layout import SPLITS, VAL, docs_path, docs_schema, tokens_path
from schemas.storage import join, open_read, size_of
from schemas.tally import host_of
from transforms.documents import Part, measures_in, read_documents
from transforms.steps.tokens.encode import SpecialTokenIds, document_key, encode_document
from transforms.steps.tokens.settings import Split
from transforms.steps.tokens.tokenizer import Tokenizer, tokenizer_from_json, tokenizer_from_model
from transforms.steps.tokens.tokenizer_files import JSON, MODEL
from transforms.units import Heartbeat, Records, UnitFiles, UnitResult

TABLES, NUMBERS = ("languages", "dumps", "hosts"), ("documents", "tokens", "bytes")  # of a split's tally
DOCS_PER_GROUP = 16_384  # rows of docs-*.parquet in one row group: no texts in them, so more fit than in a corpus
READ = ("text", "id", "url", "file_path", "warc_offset", "dump", "language", "language_score", "cluster_id", "quality")


class EncodeDocuments:
    """One input file's documents to its shard of each split. Map-only: a shard needs no neighbour."""

    def __init__(self, output: str, tokenizer: str, special_tokens: SpecialTokenIds, split: Split) -> None:
        """tokenizer: path of its folder"""
        self._output, self._tokenizer_path, self._special_tokens, self._split = output, tokenizer, special_tokens, split

    def setup(self) -> None:
        self._tokenizer = read_tokenizer(self._tokenizer_path)

    def parse(self, line: dict[str, Any]) -> Part:
        return Part.from_json(line)

    def run(self, unit: Part, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        """Raises ValueError, naming file and row, for text that is no UTF-8."""
        bos = np.array([self._special_tokens.bos], self._tokenizer.dtype)
        shards = {split: ShardFiles(files, self._output, split, unit) for split in SPLITS}
        repeated, read = repeated_ids(unit.files), 0
        for read, row in enumerate(read_documents(unit.files, READ), 1):
            text = row["text"].encode()
            tokens = encode_document(self._tokenizer, bos, row["text"])
            shards[self._split.of(text)].add(row, tokens, len(text), key_of(row, read, repeated))
            if not read % 64:
                heartbeat(read)
        if read != unit.rows:
            raise ValueError(f"{unit.files[0]} has {read} documents and should have {unit.rows}; write it anew")
        return UnitResult({split: shard.tally() for split, shard in shards.items()})

    def close(self) -> None:
        return


def repeated_ids(files: Sequence[str]) -> frozenset[str]:
    """Ids that more than one document of a part has. Some crawlers write one WARC-Record-ID for all, or none."""
    counts = Counter(row["id"] for row in read_documents(files, ("id",)))
    return frozenset(name for name, count in counts.items() if count > 1)


def key_of(row: dict[str, Any], number: int, repeated: frozenset[str]) -> int:
    """The key of a document by its id or, where others of its part have the same, by where it comes from.

    number: of the row in its part, for documents of one id, URL and place
    """
    if row["id"] not in repeated:
        return document_key(row["id"])
    source = (row["id"], row["url"], row["file_path"], row.get("warc_offset"), number)
    return document_key(" ".join(map(str, source)))


def encoding(output: str) -> Records:
    """The records of the parts that are encoded, of one output."""
    return Records(output, "work/encoded")


def read_tokenizer(folder: str) -> Tokenizer:
    """The tokenizer of a folder on any file system: tokenizer.model if there is one, else tokenizer.json."""
    model = join(folder, MODEL)
    path, read = (
        (model, tokenizer_from_model) if size_of(model) is not None else (join(folder, JSON), tokenizer_from_json)
    )
    with open_read(path) as file:
        data = file.read()
    return read(data, path, hashlib.sha256(data).hexdigest())


class ShardFiles:
    """One shard of one split: its tokens, its documents' rows, and counts by language and, in val, by host.

    A shard without documents is not written.
    """

    def __init__(self, files: UnitFiles, output: str, split: str, part: Part) -> None:
        self._files, self._split, self._part = files, split, part
        self._tokens_path = tokens_path(output, split, part.ordinal)[len(output) + 1 :]
        self._docs_path = docs_path(output, split, part.ordinal)[len(output) + 1 :]
        self._written = 0
        self._languages: dict[str, Counter[str]] = {}
        self._dumps: dict[str, Counter[str]] = {}
        self._hosts: dict[str, Counter[str]] = {}
        self._lengths: Counter[str] = Counter()

    def add(self, row: dict[str, Any], tokens: np.ndarray, size: int, key: int) -> None:
        """size: bytes of the text in UTF-8. key: orders the document in every shuffle."""
        self._files.raw(self._tokens_path).add(tokens.tobytes())
        docs = self._files.rows(self._docs_path, self._schema, group=DOCS_PER_GROUP)
        docs.add(
            {
                "doc_id": row["id"],
                "start": self._written,
                "length": len(tokens),
                "bytes": size,
                "key": key,
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

    def _schema(self) -> pa.Schema:
        return docs_schema(measures_in(self._part.files[0]))

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


@dataclass
class ShardTally:
    """What `ShardFiles.tally` counts, by split, of one part or of many merged.

    left_out: whether hosts with few documents were left out, so that counts of the others are lower bounds.
    """

    train: dict[str, Any]
    val: dict[str, Any]
    left_out: bool = False

    @classmethod
    def of_none(cls) -> ShardTally:
        train, val = ({name: {} for name in (*TABLES, "lengths")} for _ in SPLITS)
        return cls(train, val)

    def merge(self, other: ShardTally) -> None:
        for mine, theirs in ((self.train, other.train), (self.val, other.val)):
            for table in TABLES:
                for name, numbers in theirs[table].items():
                    row = mine[table].setdefault(name, dict.fromkeys(NUMBERS, 0))
                    for number in NUMBERS:
                        row[number] += numbers[number]
            for length, count in theirs["lengths"].items():
                mine["lengths"][length] = mine["lengths"].get(length, 0) + count
        self.left_out |= other.left_out

    def leave_out_hosts(self, most: int) -> None:
        """Keep the hosts with the most documents, once there are twice as many."""
        hosts = self.val["hosts"]
        if len(hosts) > 2 * most:
            ranked = sorted(hosts.items(), key=lambda item: (-item[1]["documents"], item[0]))
            self.val["hosts"], self.left_out = dict(ranked[:most]), True

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ShardTally:
        return cls(**value)
