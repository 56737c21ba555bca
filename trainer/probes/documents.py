"""Documents of shards with their tokens: all of a split, some that a seed draws, or those of a URL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.faults import BadInput
from schemas.shards.documents import read_documents
from schemas.shards.layout import PlanInfo, ShardsInfo, docs_path, read_shards, shard_number
from schemas.shards.tokens import TokenFiles
from schemas.storage import is_local, join, list_files
from trainer.run.checkpoints import run_of
from trainer.run.folder import read_run
from trainer.run.job import check_sizes, read_data

SHOWN = ("url", "warc_file", "warc_offset")
SPAN = ("start", "length")


@dataclass(frozen=True)
class Document:
    """A document's tokens, and where its text comes from.

    shard, start: where the tokens lie in the split
    url, warc_file, warc_offset: where the text comes from, None where nobody knows
    tokens: int64 of shape (T,), BOS first
    """

    shard: int
    start: int
    url: str | None
    warc_file: str | None
    warc_offset: int | None
    tokens: np.ndarray


def shards_for(run: str, shards: str) -> ShardsInfo:
    """Finished shards of a run's tokenizer. Raises BadInput if they are not finished, or of another tokenizer."""
    if not is_local(shards):
        raise BadInput(f"shards {shards}: they are mapped into memory; copy them to a local disk first")
    info = read_shards(shards)
    check_sizes(shards)
    known = read_run(Path(run_of(run)))["data"].get("tokenizer_sha256")
    if known != info.tokenizer_sha256:
        raise BadInput(
            f"shards {shards} are of another tokenizer ({info.tokenizer_sha256[:12]}…) than run {run} "
            f"({str(known)[:12]}…); give shards of the run's"
        )
    return info


def trained_on(run: str, shards: str) -> tuple[ShardsInfo, PlanInfo]:
    """The shards and the plan of a run's training. Raises BadInput if these are not they."""
    known = read_run(Path(run_of(run)))["data"]
    info, plan = read_data(shards, known["plan"])
    if (info.layout_hash, plan.dataset_hash) != (known["layout_hash"], known["plan_hash"]):
        raise BadInput(f"run {run} was trained on other shards than {shards}, or by another plan; give the ones it saw")
    return info, plan


class DocumentTokens:
    """Documents of one split, in the order of its files. What was forgotten is not among them."""

    def __init__(self, shards: ShardsInfo, split: str) -> None:
        self._shards, self._split = shards, split
        self._files = TokenFiles(shards, split)
        self._numbers = [shard_number(path) for path in list_files(join(shards.folder, split), ".parquet")]

    def all(self) -> Iterator[Document]:
        for shard in self._numbers:
            yield from self._of_rows(shard, self._read(shard, (*SPAN, *SHOWN)))

    def drawn(self, count: int, least: int, seed: int) -> list[Document]:
        """Up to `count` of those that have `least` tokens or more, all of them equally likely; in order."""
        lengths = (self._read(shard, ("length",)).column("length").to_numpy() for shard in self._numbers)
        rows = [np.flatnonzero(lengths_D >= least) for lengths_D in lengths]
        ends = np.cumsum([len(rows_D) for rows_D in rows])
        whole = int(ends[-1]) if rows else 0
        generator = np.random.Generator(np.random.PCG64(seed))
        taken = np.sort(generator.choice(whole, min(count, whole), replace=False))
        documents: list[Document] = []
        for shard, rows_D, end in zip(self._numbers, rows, ends, strict=True):
            own = taken[(taken < end) & (taken >= end - len(rows_D))] - (end - len(rows_D))
            if len(own):
                documents += self._of_rows(shard, self._read(shard, (*SPAN, *SHOWN)).take(pa.array(rows_D[own])))
        return documents

    def of_url(self, url: str) -> list[Document]:
        tables = ((shard, self._read(shard, (*SPAN, *SHOWN), [("url", "=", url)])) for shard in self._numbers)
        return [document for shard, table in tables for document in self._of_rows(shard, table)]

    def holding(self, shard: int, position: int) -> Document | None:
        """The one that a token of a shard is of; None if it was forgotten."""
        before = self._read(shard, (*SPAN, *SHOWN), [("start", "<=", position)])
        last = next(self._of_rows(shard, before.slice(max(len(before) - 1, 0))), None)
        return last if last is not None and position < last.start + len(last.tokens) else None

    def _of_rows(self, shard: int, table: pa.Table) -> Iterator[Document]:
        for row in table.to_pylist():
            tokens = self._files.span(shard, row["start"], row["length"]).astype(np.int64)
            yield Document(shard, tokens=tokens, **{name: row[name] for name in ("start", *SHOWN)})

    def _read(self, shard: int, columns: tuple[str, ...], wanted: Any = None) -> pa.Table:
        """Raises BadInput if the table can't be read."""
        return read_documents(docs_path(self._shards.folder, self._split, shard), columns, wanted)
