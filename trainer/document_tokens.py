"""Documents of shards with their tokens: all of a split, some that a seed draws, or those of a URL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.shards import PlanInfo, ShardsInfo, docs_path, read_shards, shard_number
from schemas.storage import is_local, join, list_files, locate
from trainer.faults import BadRun
from trainer.job import check_sizes, read_data
from trainer.run_folder import read_run
from trainer.token_files import TokenFiles

SHOWN = ("url", "warc_file", "warc_offset")
PLACE = ("start", "length")


@dataclass(frozen=True)
class Document:
    """tokens: int64, BOS first. shard, start: where they lie in the split. url, warc_file, warc_offset: where the text
    comes from, None where nobody knows."""

    shard: int
    start: int

    url: str | None
    warc_file: str | None
    warc_offset: int | None
    tokens: np.ndarray


def shards_for(run: str, shards: str) -> ShardsInfo:
    """Finished shards of the tokenizer that a run speaks. Raises BadRun if they are not finished, or of another."""
    if not is_local(shards):
        raise BadRun(f"shards {shards}: they are mapped into memory; copy them to a local disk first")
    try:
        info = read_shards(shards)
    except (ValueError, KeyError, TypeError) as error:
        raise BadRun(str(error)) from error
    check_sizes(shards)
    known = read_run(Path(run))["data"].get("tokenizer_sha256")
    if known != info.tokenizer_sha256:
        raise BadRun(
            f"shards {shards} are of another tokenizer ({info.tokenizer_sha256[:12]}…) than run {run} "
            f"({str(known)[:12]}…); give shards of the run's"
        )
    return info


def trained_on(run: str, shards: str) -> tuple[ShardsInfo, PlanInfo]:
    """The shards and the plan of a run's training. Raises BadRun if these are not they."""
    known = read_run(Path(run))["data"]
    info, plan = read_data(shards, known["plan"])
    if (info.layout_hash, plan.dataset_hash) != (known["layout_hash"], known["plan_hash"]):
        raise BadRun(f"run {run} was trained on other shards than {shards}, or by another plan; give the ones it saw")
    return info, plan


class DocumentTokens:
    """Documents of one split, in the order of its files. What was forgotten is not among them."""

    def __init__(self, shards: ShardsInfo, split: str) -> None:
        self._shards, self._split = shards, split
        self._files = TokenFiles(shards, split)
        self._numbers = [shard_number(path) for path in list_files(join(shards.folder, split), ".parquet")]

    def all(self) -> Iterator[Document]:
        for shard in self._numbers:
            yield from self._of_rows(shard, self._read(shard, (*PLACE, *SHOWN)))

    def drawn(self, count: int, least: int, seed: int) -> list[Document]:
        """Up to `count` of those that have `least` tokens or more, all of them equally likely; in order."""
        lengths = (self._read(shard, ("length",)).column("length").to_numpy() for shard in self._numbers)
        rows = [np.flatnonzero(lengths_D >= least) for lengths_D in lengths]
        ends = np.cumsum([len(rows_D) for rows_D in rows])
        whole = int(ends[-1]) if rows else 0
        generator = np.random.Generator(np.random.PCG64(seed))
        taken = np.sort(generator.choice(whole, min(count, whole), replace=False))
        found: list[Document] = []
        for shard, rows_D, end in zip(self._numbers, rows, ends, strict=True):
            own = taken[(taken < end) & (taken >= end - len(rows_D))] - (end - len(rows_D))
            if len(own):
                found += self._of_rows(shard, self._read(shard, (*PLACE, *SHOWN)).take(pa.array(rows_D[own])))
        return found

    def of_url(self, url: str) -> list[Document]:
        tables = ((shard, self._read(shard, (*PLACE, *SHOWN), [("url", "=", url)])) for shard in self._numbers)
        return [document for shard, table in tables for document in self._of_rows(shard, table)]

    def holding(self, shard: int, position: int) -> Document | None:
        """The one that a token of a shard is of; None if it was forgotten."""
        before = self._read(shard, (*PLACE, *SHOWN), [("start", "<=", position)])
        last = next(self._of_rows(shard, before.slice(max(len(before) - 1, 0))), None)
        return last if last is not None and position < last.start + len(last.tokens) else None

    def _of_rows(self, shard: int, table: pa.Table) -> Iterator[Document]:
        for row in table.to_pylist():
            tokens = self._files.span(shard, row["start"], row["length"]).astype(np.int64)
            yield Document(shard, tokens=tokens, **{name: row[name] for name in ("start", *SHOWN)})

    def _read(self, shard: int, columns: tuple[str, ...], wanted: Any = None) -> pa.Table:
        """Raises BadRun if the table can't be read."""
        path = docs_path(self._shards.folder, self._split, shard)
        filesystem, name = locate(path)
        try:
            return pq.read_table(filesystem.open_input_file(name), columns=list(columns), filters=wanted)
        except (OSError, pa.ArrowException) as error:
            raise BadRun(f"{path} can't be read ({error}); make the shards anew with `bateia shard`") from error
