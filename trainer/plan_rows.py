"""Rows of a plan: a number in, the spans of tokens that make the row out. A few of the plan's files are in memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.shards import PlanInfo
from schemas.storage import join, locate
from trainer.faults import BadRun

KEPT_FILES = 3  # a batch may reach over the end of one file; the first is needed again when an epoch ends

Span = tuple[int, int, int]  # shard, start, length


@dataclass(frozen=True)
class SpanTable:
    """Spans of one file of the plan. bounds: int64 of shape (rows + 1,), where each row's spans begin."""

    bounds: np.ndarray
    shard: np.ndarray
    start: np.ndarray
    length: np.ndarray

    def spans(self, row: int) -> list[Span]:
        part = slice(self.bounds[row], self.bounds[row + 1])
        return list(zip(self.shard[part].tolist(), self.start[part].tolist(), self.length[part].tolist(), strict=True))


class PlanRows:
    """parts: (file, first row, rows) in order of rows; file relative to the folder."""

    def __init__(self, folder: str, parts: tuple[tuple[str, int, int], ...]) -> None:
        self._folder, self._parts = folder, parts
        self._firsts = [first for _, first, _ in parts]
        self.rows = sum(rows for _, _, rows in parts)
        self._table: Callable[[int], SpanTable] = lru_cache(KEPT_FILES)(self._read)

    def spans(self, row: int) -> list[Span]:
        """The row's spans in their order. row: below `rows`."""
        at = bisect_right(self._firsts, row) - 1
        return self._table(at).spans(row - self._firsts[at])

    def _read(self, at: int) -> SpanTable:
        name, first, rows = self._parts[at]
        return read_spans(join(self._folder, name), first, rows)


def train_rows(plan: PlanInfo) -> PlanRows:
    return PlanRows(plan.folder, plan.parts)


def slice_rows(plan: PlanInfo, name: str) -> PlanRows:
    """Rows of a slice of val/. Raises BadRun if the plan has no such slice."""
    if name not in plan.slices:
        raise BadRun(f"plan {plan.folder} has no slice '{name}'; it has {', '.join(plan.slices) or 'none'}")
    return PlanRows(plan.folder, ((f"val/{name}.parquet", 0, plan.slices[name]),))


def read_spans(path: str, first: int, rows: int) -> SpanTable:
    """Raises BadRun if the file can't be read or holds other rows than `first` up to `first + rows`."""
    filesystem, name = locate(path)
    try:
        with pq.ParquetFile(filesystem.open_input_file(name)) as file:
            table = file.read(columns=["row", "shard", "start", "length"])
    except (OSError, pa.ArrowException) as error:
        raise BadRun(f"{path} can't be read ({error}); make the plan anew with `bateia plan --overwrite`") from error
    row, shard, start, length = (column.to_numpy() for column in table.itercolumns())
    bounds = np.searchsorted(row, np.arange(first, first + rows + 1))
    if len(row) != bounds[-1] or bounds[0] != 0 or (np.diff(bounds) == 0).any():
        raise BadRun(f"{path} lacks some of its {rows:,} rows; make the plan anew with `bateia plan --overwrite`")
    return SpanTable(bounds, shard, start, length)
