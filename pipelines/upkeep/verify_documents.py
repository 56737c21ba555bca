"""Shards checked one by one: documents tile their token files, each begins with BOS, numbers are within the vocabulary.

A shard is a unit of work. The sum over all of them is compared with the manifest's counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.upkeep.counts import Counts, added, count_documents, members_by_slice, totals
from pipelines.upkeep.verify_files import VerifyRun, content_fault, size_fault
from schemas.faults import BadInput
from schemas.manifest import MANIFEST
from schemas.shards.documents import docs_fields, read_documents
from schemas.shards.layout import RERUN_SHARDS, SPLITS, TRAIN, VAL, ShardsInfo, docs_path, shard_number, tokens_path
from schemas.shards.tombstones import Tombstones, fill_token
from schemas.storage import join, list_files

COLUMNS = {
    TRAIN: ("start", "length", "bytes", "key", "language", "dump"),
    VAL: ("start", "length", "bytes", "key", "language", "dump", "url"),  # slices are by the URL's host
}


@dataclass
class ShardCounts:
    """What the documents of shards add up to.

    splits: counts by split.
    slices: documents, tokens and bytes by slice of val/.
    shards: how many have been added.
    """

    slices: dict[str, Counts]
    splits: dict[str, Counts] = field(default_factory=dict)
    shards: int = 0

    @classmethod
    def for_slices(cls, names: Sequence[str]) -> ShardCounts:
        nothing = docs_fields(COLUMNS[VAL]).empty_table()
        return cls(
            splits={split: count_documents(nothing) for split in SPLITS},
            slices={name: dict(totals(nothing)) for name in names},
        )

    def add(self, split: str, tally: dict[str, Any]) -> None:
        """tally: of a shard, as `check_shard` gives it."""
        if tally["counts"] is None:
            return
        self.shards += 1
        self.splits[split] = added(self.splits[split], tally["counts"])
        for name, numbers in tally["slices"].items():
            self.slices[name] = added(self.slices[name], numbers)


def check_shard(run: VerifyRun, split: str, number: int, looked: Callable[[], None]) -> dict[str, Any]:
    """A shard's faults, and counts of its documents: None if they can't be read.

    looked: is called now and then.
    """
    table, wrong = check_documents(run, split, number)
    faults = [*wrong, *check_tokens(run, split, number, table, looked)]
    slices = {}
    if table is not None and split == VAL:
        members = members_by_slice(table, run.shards.slices)
        slices = {name: totals(of_slice) for name, of_slice in members if len(of_slice)}
    return {"faults": faults, "counts": None if table is None else count_documents(table), "slices": slices}


def numbers_of(run: VerifyRun) -> list[tuple[str, int]]:
    """(split, number) of every shard that the manifest names."""
    paths = [path for path in run.entries if is_of_shard(path)]
    return sorted({(path.partition("/")[0], shard_number(path)) for path in paths})


def is_of_shard(path: str) -> bool:
    folder, _, name = path.partition("/")
    return folder in SPLITS and name.startswith(("tokens-", "docs-"))


def unknown_files(run: VerifyRun) -> Iterator[str]:
    folder = run.shards.folder
    for split in SPLITS:
        for path in [*list_files(join(folder, split), ".bin"), *list_files(join(folder, split), ".parquet")]:
            if path[len(folder) + 1 :] not in run.entries:
                yield f"{path} is of no shard that the manifest names; remove it"


def check_documents(run: VerifyRun, split: str, number: int) -> tuple[pa.Table | None, list[str]]:
    """The table of a shard's documents, if it can be read, and what is wrong with it."""
    path = docs_path(run.shards.folder, split, number)
    entry = run.entries.get(path[len(run.shards.folder) + 1 :])
    if entry is None:
        return None, [f"{path} is not in the manifest, though its tokens are; {RERUN_SHARDS}"]
    fault = size_fault(run.shards.folder, entry, RERUN_SHARDS)
    fault = fault or content_fault(run.shards.folder, entry, RERUN_SHARDS, run.hashed)
    if fault is not None:
        return None, [fault]
    try:
        table = read_documents(path, COLUMNS[split], remedy=RERUN_SHARDS)
    except BadInput as unreadable:
        return None, [str(unreadable)]
    wrong = [] if len(table) == entry.rows else [f"{path} has {len(table):,} rows, not {entry.rows:,}; {RERUN_SHARDS}"]
    return table, wrong


def check_tokens(
    run: VerifyRun, split: str, number: int, table: pa.Table | None, looked: Callable[[], None]
) -> Iterator[str]:
    """Faults of a file of tokens.

    table: its documents, if they could be read.
    looked: is called now and then.
    """
    shards = run.shards
    path = tokens_path(shards.folder, split, number)
    entry = run.entries.get(path[len(shards.folder) + 1 :])
    if entry is None:
        yield f"{path} is not in the manifest, though its documents are; {RERUN_SHARDS}"
        return
    gone = forgotten_spans(run.tombstones, split, number)
    if table is not None:
        for fault in tiling_faults(table, gone, entry.bytes // shards.dtype.itemsize):
            yield f"{docs_path(shards.folder, split, number)}: {fault}; {RERUN_SHARDS}"
    if (fault := size_fault(shards.folder, entry, RERUN_SHARDS)) is not None:
        yield fault
        return
    if entry.bytes % shards.dtype.itemsize:
        yield f"{path} ends within a token; {RERUN_SHARDS}"
        return
    begins = np.sort(table.column("start").to_numpy()) if table is not None else np.zeros(0, np.int64)
    scan = TokenScan(shards, begins, gone, looked)
    if (fault := content_fault(shards.folder, entry, RERUN_SHARDS, run.hashed, scan)) is not None:
        yield fault
    yield from scan.faults(path)


def forgotten_spans(tombstones: list[Tombstones], split: str, number: int) -> list[tuple[int, int]]:
    """(start, end) of what was forgotten from a shard, in order."""
    tables = [item.of(split, number) for item in tombstones]
    starts, lengths = ([n for table in tables for n in table.column(name).to_pylist()] for name in ("start", "length"))
    return sorted((start, start + length) for start, length in zip(starts, lengths, strict=True))


def tiling_faults(table: pa.Table, gone: list[tuple[int, int]], tokens: int) -> Iterator[str]:
    """Gaps and overlaps: documents and forgotten spans must cover the file, one after the other.

    table: start and length of each document.
    gone: (start, end) of each forgotten span.
    tokens: length of the file.
    """
    starts, lengths = (table.column(name).to_numpy() for name in ("start", "length"))
    if (np.diff(starts) <= 0).any():
        yield "documents are not in the order of their tokens"
        return
    begins = np.sort(np.concatenate((starts, np.array([start for start, _ in gone], np.int64))))
    ends = np.sort(np.concatenate((starts + lengths, np.array([end for _, end in gone], np.int64))))
    expected = np.concatenate((begins, [tokens]))
    joints = expected != np.concatenate(([0], ends))
    if joints.any() or (lengths <= 0).any():
        near = int(expected[int(np.argmax(joints))])
        yield f"documents do not tile the file's {tokens:,} tokens (near token {near:,})"


@dataclass
class TokenScan:
    """Looks at a file of tokens, chunk by chunk.

    begins: where documents begin, sorted.
    gone: (start, end) of what was forgotten.
    looked: is called after each chunk.
    """

    shards: ShardsInfo
    begins: np.ndarray
    gone: list[tuple[int, int]]
    looked: Callable[[], None]

    def __post_init__(self) -> None:
        self._read = 0
        self._greatest, self._without_bos, self._not_filled = -1, -1, -1

    def __call__(self, chunk: bytes) -> None:
        tokens = np.frombuffer(chunk, self.shards.dtype)
        offset, end = self._read, self._read + len(tokens)
        if len(tokens):
            self._greatest = max(self._greatest, int(tokens.max()))
        first, last = np.searchsorted(self.begins, (offset, end))
        begins = self.begins[first:last]
        if self._without_bos < 0 and len(wrong := begins[tokens[begins - offset] != self.shards.bos_id]):
            self._without_bos = int(wrong[0])
        for start, stop in self.gone:
            if (tokens[max(start - offset, 0) : max(stop - offset, 0)] != fill_token(self.shards)).any():
                self._not_filled = start
        self._read = end
        self.looked()

    def faults(self, path: str) -> Iterator[str]:
        if self._greatest >= self.shards.vocab_size:
            yield f"{path} has token {self._greatest:,} of a vocabulary of {self.shards.vocab_size:,}; {RERUN_SHARDS}"
        if self._without_bos >= 0:
            yield f"{path}: the document at token {self._without_bos:,} does not begin with BOS; {RERUN_SHARDS}"
        if self._not_filled >= 0:
            yield (
                f"{path}: what was forgotten at token {self._not_filled:,} is still there; repeat `bateia forget` of "
                "it from a sound copy of the shards, or make them anew"
            )


def count_faults(shards: ShardsInfo, counts: ShardCounts) -> Iterator[str]:
    """Counts of the manifest that differ from the sum over all shards."""
    path = join(shards.folder, MANIFEST)
    for split in SPLITS:
        stated = shards.counts.get(split, {})
        if wrong := [name for name, value in counts.splits[split].items() if stated.get(name) != value]:
            yield f"{path}: {', '.join(wrong)} of {split} are not what the documents add up to; {RERUN_SHARDS}"
    for name, stated in shards.slices.items():
        if counts.slices[name] != stated:
            yield f"{path}: slice {name} should hold {stated} and holds {counts.slices[name]}; {RERUN_SHARDS}"
