"""Documents out of a shard: PAD over their tokens, their rows out of the table. Each file anew, then renamed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from pipelines.forget_tombstones import fill_of
from pipelines.verify_files import chunks_of
from schemas.manifest import FileEntry
from schemas.shards import ShardsInfo, docs_path, tokens_path
from schemas.storage import join, locate, write_whole
from transforms.part_files import PartFile
from transforms.shard_parts import DOCS_PER_GROUP


def erase(shards: ShardsInfo, split: str, shard: int, documents: list[dict[str, Any]]) -> list[FileEntry]:
    """Take documents out of a shard that holds them, or held them; returns its files as they are then."""
    docs = without_rows(shards, split, shard, {row["doc_id"] for row in documents})
    tokens = without_tokens(shards, split, shard, documents)
    return [FileEntry(tokens.path, docs.rows, tokens.bytes, tokens.sha256), docs]


def without_tokens(shards: ShardsInfo, split: str, shard: int, documents: list[dict[str, Any]]) -> FileEntry:
    path = tokens_path(shards.folder, split, shard)
    spans = [(row["start"], row["start"] + row["length"]) for row in documents]
    with write_whole(path) as file:
        at = 0
        for chunk in chunks_of(path):
            tokens = np.frombuffer(chunk, shards.dtype)
            file.write(filled(tokens, at, spans, fill_of(shards)).tobytes())
            at += len(tokens)
    return FileEntry(path[len(shards.folder) + 1 :], 0, file.bytes, file.sha256)


def filled(tokens: np.ndarray, at: int, spans: Iterable[tuple[int, int]], fill: int) -> np.ndarray:
    """A stretch of a file's tokens that begins at token `at`, with spans of the file overwritten."""
    changed = tokens.copy()
    for start, end in spans:
        changed[max(start - at, 0) : max(end - at, 0)] = fill
    return changed


def without_rows(shards: ShardsInfo, split: str, shard: int, ids: set[str]) -> FileEntry:
    path = docs_path(shards.folder, split, shard)
    filesystem, name = locate(path)
    with pq.ParquetFile(filesystem.open_input_file(name)) as source:
        part = PartFile(shards.folder, path[len(shards.folder) + 1 :], source.schema_arrow, DOCS_PER_GROUP)
        try:
            for batch in source.iter_batches(DOCS_PER_GROUP):
                for row in batch.to_pylist():
                    if row["doc_id"] not in ids:
                        part.add(row)
        except BaseException:
            part.discard()
            raise
    return part.commit()


def remove_temporary(folder: str, names: Iterable[str]) -> None:
    """Remove what a killed command was writing in folders of the shards."""
    from pyarrow import fs

    for name in names:
        filesystem, path = locate(join(folder, name) if name else folder)
        for info in filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True)):
            if info.base_name.startswith(".") and info.base_name.endswith(".tmp"):
                filesystem.delete_file(info.path)
