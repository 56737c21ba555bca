"""Pages by URL: their documents in shards, and the positions of their tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.lineage.urls import UrlIndex, candidates
from schemas.manifest import Manifest
from schemas.shards.documents import read_documents
from schemas.shards.layout import SPLITS, shard_number
from schemas.shards.tombstones import Tombstones
from schemas.storage import join
from schemas.wording import plural

DocumentRow = dict[str, Any]  # a row of a table of documents: values of COLUMNS, split and shard by name

COLUMNS = ("doc_id", "url", "start", "length", "bytes", "key", "language", "dump", "warc_file", "warc_offset")


def spellings(url: str) -> set[str]:
    """The same address as people type it: other scheme, with or without www. and the last slash."""
    rest = url.partition("://")[2] or url
    hosts = {rest.removeprefix("www."), "www." + rest.removeprefix("www.")}
    paths = {host.rstrip("/") for host in hosts} | {host.rstrip("/") + "/" for host in hosts}
    return {f"{scheme}://{path}" for scheme in ("http", "https") for path in paths}


@dataclass(frozen=True)
class PageDocuments:
    """Documents of some URLs, in the order of their tokens.

    kept: those that are there; `COLUMNS` of each, split and shard.
    forgotten: those that have a tombstone; of `COLUMNS` what it knows, split and shard.
    """

    kept: list[DocumentRow]
    forgotten: list[DocumentRow]

    def __bool__(self) -> bool:
        return bool(self.kept or self.forgotten)


def find_documents(
    folder: str, manifest: Manifest, tombstones: list[Tombstones], urls: set[str], index: UrlIndex | None = None
) -> PageDocuments:
    """Documents of any of the URLs. index: of the shards, if there is one. Raises BadInput if a table can't be read."""
    kept = [row for split in SPLITS for row in documents_in(folder, manifest, split, urls, index)]
    forgotten = [row for item in tombstones for row in item.table.to_pylist() if row["url"] in urls]
    gone = {(row["split"], row["shard"], row["start"]) for row in forgotten}
    return PageDocuments([row for row in kept if (row["split"], row["shard"], row["start"]) not in gone], forgotten)


def documents_in(
    folder: str, manifest: Manifest, split: str, urls: set[str], index: UrlIndex | None
) -> Iterator[DocumentRow]:
    for path in candidates(manifest, f"{split}/docs-", urls, index):
        for row in read_documents(join(folder, path), COLUMNS, [("url", "in", sorted(urls))]).to_pylist():
            yield row | {"split": split, "shard": shard_number(path)}


def tokens_text(row: DocumentRow) -> str:
    """The position of a document's tokens, in words."""
    end = row["start"] + row["length"]
    return f"{row['split']} shard {row['shard']}, {plural(row['length'], 'token')} [{row['start']}:{end}]"
