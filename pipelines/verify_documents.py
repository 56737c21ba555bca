"""Shards checked: documents tile their token files, each begins with BOS, numbers are within the vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.forget_tombstones import Tombstones, fill_of
from pipelines.verify_files import SHARDS_ANEW, content_fault, size_fault
from schemas.manifest import FileEntry, Manifest
from schemas.shards import SPLITS, VAL, ShardsInfo, docs_path, shard_number, tokens_path
from schemas.storage import join, list_files, locate
from transforms.sources import NO_FOLDERS

COLUMNS = ("start", "length", "bytes", "key", "language", "dump")


def columns_of(split: str) -> list[str]:
    """What is looked at; a URL tells a slice of val/."""
    return [*COLUMNS, *(["url"] if split == VAL else [])]


@dataclass(frozen=True)
class ShardDocuments:
    """Documents of one shard: the columns that matter in their split."""

    split: str
    shard: int
    table: pa.Table


@dataclass
class TokenLook:
    """Looks at a file of tokens, chunk by chunk.

    begins: where documents begin, sorted. gone: (start, end) of what was forgotten.
    """

    shards: ShardsInfo
    begins: np.ndarray
    gone: list[tuple[int, int]]

    def __post_init__(self) -> None:
        self.at = 0
        self.greatest, self.without_bos, self.not_filled = -1, -1, -1

    def __call__(self, chunk: bytes) -> None:
        tokens = np.frombuffer(chunk, self.shards.dtype)
        end = self.at + len(tokens)
        if len(tokens):
            self.greatest = max(self.greatest, int(tokens.max()))
        first, last = np.searchsorted(self.begins, (self.at, end))
        here = self.begins[first:last]
        if self.without_bos < 0 and len(wrong := here[tokens[here - self.at] != self.shards.bos_id]):
            self.without_bos = int(wrong[0])
        for start, stop in self.gone:
            if (tokens[max(start - self.at, 0) : max(stop - self.at, 0)] != fill_of(self.shards)).any():
                self.not_filled = start
        self.at = end

    def faults(self, path: str) -> Iterator[str]:
        if self.greatest >= self.shards.vocab_size:
            yield f"{path} has token {self.greatest:,} of a vocabulary of {self.shards.vocab_size:,}; {SHARDS_ANEW}"
        if self.without_bos >= 0:
            yield f"{path}: the document at token {self.without_bos:,} does not begin with BOS; {SHARDS_ANEW}"
        if self.not_filled >= 0:
            yield (
                f"{path}: what was forgotten at token {self.not_filled:,} is still there; repeat `bateia forget` of it "
                "from a sound copy of the shards, or make them anew"
            )


def check_shards(
    shards: ShardsInfo, manifest: Manifest, tombstones: list[Tombstones], hashed: bool, say: Callable[[str], None]
) -> tuple[list[str], list[ShardDocuments]]:
    """Faults of train/ and val/, and the documents of the shards whose tables can be read."""
    entries = {file.path: file for file in manifest.files}
    faults, found = list(unknown_files(shards.folder, set(entries))), []
    numbers = {(file.path.split("/")[0], shard_number(file.path)) for file in manifest.files if is_of_shard(file.path)}
    for split, number in sorted(numbers):
        documents, wrong = check_documents(shards, entries, split, number, hashed)
        faults += wrong
        if documents is not None:
            found.append(documents)
        say(tokens_path("", split, number).lstrip("/"))
        faults += check_tokens(shards, entries, split, number, documents, tombstones, hashed)
    return faults, found


def is_of_shard(path: str) -> bool:
    folder, _, name = path.partition("/")
    return folder in SPLITS and (name.startswith(("tokens-", "docs-")))


def unknown_files(folder: str, known: set[str]) -> Iterator[str]:
    for split in SPLITS:
        for path in [*list_files(join(folder, split), ".bin"), *list_files(join(folder, split), ".parquet")]:
            if path[len(folder) + 1 :] not in known:
                yield f"{path} is of no shard that the manifest names; remove it"


def check_documents(
    shards: ShardsInfo, entries: dict[str, FileEntry], split: str, number: int, hashed: bool
) -> tuple[ShardDocuments | None, list[str]]:
    path = docs_path(shards.folder, split, number)
    entry = entries.get(path[len(shards.folder) + 1 :])
    if entry is None:
        return None, [f"{path} is not in the manifest, though its tokens are; {SHARDS_ANEW}"]
    fault = size_fault(shards.folder, entry, SHARDS_ANEW)
    fault = fault or content_fault(shards.folder, entry, SHARDS_ANEW, hashed)
    if fault is not None:
        return None, [fault]
    filesystem, name = locate(path)
    try:
        table = pq.read_table(name, columns=columns_of(split), filesystem=filesystem, partitioning=NO_FOLDERS)
    except (OSError, pa.ArrowException, ValueError) as error:
        return None, [f"{path} can't be read ({error}); {SHARDS_ANEW}"]
    wrong = [] if len(table) == entry.rows else [f"{path} has {len(table):,} rows, not {entry.rows:,}; {SHARDS_ANEW}"]
    return ShardDocuments(split, number, table), wrong


def check_tokens(
    shards: ShardsInfo,
    entries: dict[str, FileEntry],
    split: str,
    number: int,
    documents: ShardDocuments | None,
    tombstones: list[Tombstones],
    hashed: bool,
) -> Iterator[str]:
    path = tokens_path(shards.folder, split, number)
    entry = entries.get(path[len(shards.folder) + 1 :])
    if entry is None:
        yield f"{path} is not in the manifest, though its documents are; {SHARDS_ANEW}"
        return
    gone = gone_from(tombstones, split, number)
    if documents is not None:
        yield from tiling_faults(shards, documents, gone, entry.bytes)
    if (fault := size_fault(shards.folder, entry, SHARDS_ANEW)) is not None:
        yield fault
        return
    if entry.bytes % shards.dtype.itemsize:
        yield f"{path} ends within a token; {SHARDS_ANEW}"
        return
    begins = documents.table.column("start").to_numpy() if documents is not None else np.zeros(0, np.int64)
    look = TokenLook(shards, begins, gone)
    if (fault := content_fault(shards.folder, entry, SHARDS_ANEW, hashed, look)) is not None:
        yield fault
    yield from look.faults(path)


def gone_from(tombstones: list[Tombstones], split: str, number: int) -> list[tuple[int, int]]:
    tables = [times.of(split, number) for times in tombstones]
    starts, lengths = ([n for table in tables for n in table.column(name).to_pylist()] for name in ("start", "length"))
    return sorted((start, start + length) for start, length in zip(starts, lengths, strict=True))


def tiling_faults(
    shards: ShardsInfo, documents: ShardDocuments, gone: list[tuple[int, int]], size: int
) -> Iterator[str]:
    """Documents and what was forgotten lie one behind the other, from the first token of the file to the last."""
    path = docs_path(shards.folder, documents.split, documents.shard)
    starts, lengths = (documents.table.column(name).to_numpy() for name in ("start", "length"))
    if (np.diff(starts) <= 0).any():
        yield f"{path}: documents are not in the order of their tokens; {SHARDS_ANEW}"
        return
    begins = np.sort(np.concatenate((starts, np.array([start for start, _ in gone], np.int64))))
    ends = np.sort(np.concatenate((starts + lengths, np.array([end for _, end in gone], np.int64))))
    tokens = size // shards.dtype.itemsize
    joints = np.concatenate((begins, [tokens])) != np.concatenate(([0], ends))
    if joints.any() or (lengths <= 0).any():
        at = int(np.concatenate((begins, [tokens]))[int(np.argmax(joints))])
        yield f"{path}: documents do not tile the file's {tokens:,} tokens (near token {at:,}); {SHARDS_ANEW}"
