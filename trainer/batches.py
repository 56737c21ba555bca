"""Batches as pure functions of (plan, step): the same on any number of hosts, before and after any crash."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.shards import TRAIN, VAL, PlanInfo, ShardsInfo
from trainer.faults import BadRun
from trainer.plan_rows import PlanRows, Span, slice_rows, train_rows
from trainer.token_files import TokenFiles


@dataclass(frozen=True)
class Batch:
    """B rows of T = context tokens, int32, each array of shape (B, T).

    x_BxT: what the model sees. y_BxT: the token after each. mask_BxT: 1 where y is to be learned; 0 where a row is over
    and where y was forgotten. segment_ids_BxT: 1, 2, … for the documents of a row, 0 where it is over. positions_BxT:
    of a token within its document's part of the row.
    """

    x_BxT: np.ndarray
    y_BxT: np.ndarray
    mask_BxT: np.ndarray
    segment_ids_BxT: np.ndarray
    positions_BxT: np.ndarray

    def arrays(self) -> tuple[np.ndarray, ...]:
        return self.x_BxT, self.y_BxT, self.mask_BxT, self.segment_ids_BxT, self.positions_BxT


class PlanReader:
    """Rows of a plan, or of one of its slices, with their tokens."""

    def __init__(self, shards: ShardsInfo, plan: PlanInfo, slice_name: str | None = None) -> None:
        self.context, self._pad, self._bos = plan.context, shards.pad_id, shards.bos_id
        self._files = TokenFiles(shards, TRAIN if slice_name is None else VAL)
        self._plan: PlanRows = train_rows(plan) if slice_name is None else slice_rows(plan, slice_name)
        self.rows = self._plan.rows
        if not self.rows:
            raise BadRun(f"plan {plan.folder} has no rows to read; make one with `bateia plan`")

    def spans(self, row: int) -> list[Span]:
        """Where the row's tokens lie. Rows go on with the first one after the last: the next epoch."""
        return self._plan.spans(row % self.rows)

    def row(self, row: int) -> np.ndarray:
        """Tokens of a row as in the files, shape (up to context + 1,)."""
        return np.concatenate([self._files.span(*span) for span in self.spans(row)])

    def batch(self, step: int, batch_size: int, rank: int = 0, world: int = 1) -> Batch:
        """Rows step · batch_size up to (step + 1) · batch_size; of these, every world-th from the rank-th on."""
        check_sharing(batch_size, rank, world)
        return self.batch_of(range(step * batch_size + rank, (step + 1) * batch_size, world))

    def batch_of(self, rows: range | list[int]) -> Batch:
        """A batch of any rows, in this order."""
        shape = (len(rows), self.context + 1)
        pad = self._pad if self._pad is not None else 0
        tokens_BxS = np.full(shape, pad, np.int32)
        segments_BxS, positions_BxS = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        counting = np.arange(self.context + 1, dtype=np.int32)
        for at, row in enumerate(rows):
            self._fill(row, tokens_BxS[at], segments_BxS[at], positions_BxS[at], counting)
        y_BxT = tokens_BxS[:, 1:]
        learned_BxT = (segments_BxS[:, 1:] > 0) & ~self._forgotten(y_BxT, positions_BxS[:, 1:])
        x_BxT, segments_BxT, positions_BxT = tokens_BxS[:, :-1], segments_BxS[:, :-1], positions_BxS[:, :-1]
        parts = (x_BxT, y_BxT, learned_BxT.astype(np.int32), segments_BxT, positions_BxT)
        return Batch(*(np.ascontiguousarray(part) for part in parts))

    def _forgotten(self, y_BxT: np.ndarray, positions_BxT: np.ndarray) -> np.ndarray:
        """Where targets were overwritten: with padding, or where a tokenizer has none with BOS, which is real text only
        as the first token of a document."""
        if self._pad is not None:
            return y_BxT == self._pad
        return (y_BxT == self._bos) & (positions_BxT > 0)

    def _fill(
        self, row: int, tokens: np.ndarray, segments: np.ndarray, positions: np.ndarray, counting: np.ndarray
    ) -> None:
        """One row's arrays, each of shape (context + 1,). Raises BadRun if the plan's row is longer than these."""
        at = 0
        for segment, (shard, start, length) in enumerate(self.spans(row), 1):
            if at + length > len(tokens):
                raise BadRun(f"row {row:,} of the plan has more than {len(tokens):,} tokens; make the plan anew")
            tokens[at : at + length] = self._files.span(shard, start, length)
            segments[at : at + length] = segment
            positions[at : at + length] = counting[:length]
            at += length


def check_sharing(batch_size: int, rank: int, world: int) -> None:
    """Raises BadRun for a batch that can't be shared so."""
    if batch_size < 1:
        raise BadRun(f"a batch of {batch_size} rows is none; give 1 or more")
    if not 0 <= rank < world or batch_size % world:
        raise BadRun(f"{batch_size} rows can't be shared evenly by {world} (this one is number {rank})")
