"""rows-*.parquet and val/<slice>.parquet of a plan: which spans of tokens make which row. The one reader.

The position of a token is one number for shard and file: (shard << SHARD_BITS) + offset in the shard's file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from schemas.faults import BadInput
from schemas.shards.layout import PLAN_SCHEMA, RERUN_PLAN, PlanInfo
from schemas.storage import join, read_table

SHARD_BITS = 40
MAX_OPEN_FILES = 3  # a batch may need two neighbouring files, and the first file again when an epoch ends

Span = tuple[int, int, int]  # shard, start, length
Numbers = TypeVar("Numbers", int, np.ndarray)


def positions(shard: int | np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Positions of tokens, int64. shard and offset: integers of any width, of one shape or one shard for all."""
    return (np.asarray(shard, np.int64) << SHARD_BITS) + offset.astype(np.int64)


def shard_of(position: Numbers) -> Numbers:
    return position >> SHARD_BITS


def offset_of(position: Numbers) -> Numbers:
    return position & ((1 << SHARD_BITS) - 1)


@dataclass(frozen=True)
class SpanTable:
    """Spans of one file of a plan, sorted by row, then slot; each array of shape (spans,), with PLAN_SCHEMA's types.

    row: of the plan.
    slot: number of the span in its row: 0, 1, ….
    shard: number of the shard that its tokens are in.
    start: its first token in the shard's file.
    length: its tokens.
    """

    row: np.ndarray
    slot: np.ndarray
    shard: np.ndarray
    start: np.ndarray
    length: np.ndarray

    @property
    def begins(self) -> np.ndarray:
        """Positions of first tokens, int64."""
        return positions(self.shard, self.start)

    @property
    def ends(self) -> np.ndarray:
        """Positions behind last tokens, int64."""
        return self.begins + self.length


def read_spans(path: str, shards: Iterable[int] | None = None, remedy: str = RERUN_PLAN) -> SpanTable:
    """All spans of a file, or those of some shards. Raises BadInput if it can't be read or is no plan's."""
    filters = None if shards is None else [("shard", "in", sorted(shards))]
    table = read_table(path, filters=filters, schema=PLAN_SCHEMA, remedy=remedy)
    return SpanTable(*(column.to_numpy() for column in table.itercolumns()))


class PlanRows:
    """Rows of a plan, or of a slice of it, by their number. The last few files used are kept in memory.

    parts: (file, first row, rows) in order of rows; file relative to the folder.
    """

    def __init__(self, folder: str, parts: tuple[tuple[str, int, int], ...]) -> None:
        self._folder, self._parts = folder, parts
        self._firsts = [first for _, first, _ in parts]
        self.rows = sum(rows for _, _, rows in parts)
        self._table: Callable[[int], RowTable] = lru_cache(MAX_OPEN_FILES)(self._read)

    def spans(self, row: int) -> list[Span]:
        """The row's spans in their order. row: below `rows`. Raises BadInput if its file can't be read."""
        part = bisect_right(self._firsts, row) - 1
        return self._table(part).spans(row - self._firsts[part])

    def first_spans(self) -> Iterator[np.ndarray]:
        """Of each file in order, the first span of each of its rows: shard, start, length, int64 of shape (rows, 3)."""
        for part in range(len(self._parts)):
            table = self._table(part)
            columns = (table.shard, table.start, table.length)
            yield np.stack([column[table.bounds[:-1]].astype(np.int64) for column in columns], axis=1)

    def _read(self, part: int) -> RowTable:
        """Raises BadInput if the file can't be read or holds other rows than it should, or spans without tokens."""
        name, first, rows = self._parts[part]
        path = join(self._folder, name)
        spans = read_spans(path)
        bounds = np.searchsorted(spans.row, np.arange(first, first + rows + 1))
        if len(spans.row) != bounds[-1] or bounds[0] != 0 or (np.diff(bounds) == 0).any():
            raise BadInput(f"{path} lacks some of its {rows:,} rows; {RERUN_PLAN}")
        if (spans.start < 0).any() or (spans.length <= 0).any():
            raise BadInput(f"{path} has a span without tokens; {RERUN_PLAN}")
        return RowTable(bounds, spans.shard, spans.start, spans.length)


@dataclass(frozen=True)
class RowTable:
    """Spans of one file by row.

    bounds: index of each row's first span, int64 of shape (rows + 1,)
    shard, start, length: of each span, as in SpanTable
    """

    bounds: np.ndarray
    shard: np.ndarray
    start: np.ndarray
    length: np.ndarray

    def spans(self, row: int) -> list[Span]:
        part = slice(self.bounds[row], self.bounds[row + 1])
        return list(zip(self.shard[part].tolist(), self.start[part].tolist(), self.length[part].tolist(), strict=True))


def train_rows(plan: PlanInfo) -> PlanRows:
    return PlanRows(plan.folder, plan.parts)


def slice_rows(plan: PlanInfo, name: str) -> PlanRows:
    """Rows of a slice of val/. Raises BadInput if the plan has no such slice."""
    if name not in plan.slices:
        raise BadInput(f"plan {plan.folder} has no slice '{name}'; it has {', '.join(plan.slices) or 'none'}")
    return PlanRows(plan.folder, ((slice_path(name), 0, plan.slices[name]),))


def slice_path(name: str) -> str:
    """The file of a slice of val/, relative to the plan's folder."""
    return f"val/{name}.parquet"
