"""Batches as pure functions of (plan, step): the same on any number of hosts, before and after any crash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

import numpy as np

from schemas.faults import BadInput
from schemas.shards.documents import documents_of_spans
from schemas.shards.layout import RERUN_SHARDS, TRAIN, VAL, PlanInfo, ShardsInfo, read_plan, read_shards, tokens_path
from schemas.shards.plans import PlanRows, Span, slice_rows, train_rows
from schemas.shards.tokens import TokenFiles


@dataclass(frozen=True)
class Batch:
    """B rows of T tokens; each array is int32 of shape (B, T).

    x_BxT: what the model sees
    y_BxT: the token after each
    mask_BxT: 1 where y is learned; 0 behind a row's end, where y was forgotten, and where it is not the assistant's.
        Float32 where tokens are weighted, by an advantage say: the loss is then the weighted sum over the number of
        tokens whose weight is not 0
    segment_ids_BxT: 1, 2, … for the documents of a row, 0 behind its end
    positions_BxT: of a token within its document's part of the row
    """

    x_BxT: np.ndarray
    y_BxT: np.ndarray
    mask_BxT: np.ndarray
    segment_ids_BxT: np.ndarray
    positions_BxT: np.ndarray

    def arrays(self) -> tuple[np.ndarray, ...]:
        return self.x_BxT, self.y_BxT, self.mask_BxT, self.segment_ids_BxT, self.positions_BxT


class BatchSource(Protocol):
    """Where a training's batches come from.

    ahead: batches that may be made before they are asked for; 0 if a batch depends on the weights
    """

    ahead: int

    def batch(self, step: int, batch_size: int, rank: int = 0, world: int = 1) -> Batch:
        """The rows of a step that are a process' own: every world-th from the rank-th on."""
        ...

    def learned(self, step: int, batch_size: int) -> int:
        """Tokens that a step of all processes learns."""
        ...

    def described(self, row: int) -> dict[str, Any]:
        """What a row of the training, step · batch_size + its place in the batch, is made of, as JSON."""
        ...


class PlanReader:
    """Rows of a plan with their tokens, or of one of its slices of held-out text.

    Raises BadInput if the plan has no such slice or no rows, or a file can't be read.
    """

    ahead = 4

    def __init__(self, shards: ShardsInfo, plan: PlanInfo, slice_name: str | None = None) -> None:
        self.context, self._pad, self._bos = plan.context, shards.pad_id, shards.bos_id
        self._vocab_size, self._folder = shards.vocab_size, shards.folder
        self._split = TRAIN if slice_name is None else VAL
        self._files, self._masked = TokenFiles(shards, self._split), shards.masked
        self._plan: PlanRows = train_rows(plan) if slice_name is None else slice_rows(plan, slice_name)
        self.rows = self._plan.rows
        if not self.rows:
            raise BadInput(f"plan {plan.folder} has no rows to read; make one with `bateia plan`")

    def spans(self, row: int) -> list[Span]:
        """Spans of the row's tokens. After the last row comes the first one again: the next epoch."""
        return self._plan.spans(row % self.rows)

    def row(self, row: int) -> np.ndarray:
        """Tokens of a row as they are in the files, shape (up to context + 1,)."""
        return np.concatenate([self._files.span(*span) for span in self.spans(row)])

    def learned(self, step: int, batch_size: int) -> int:
        """Tokens that a step of all processes learns: the rows' without the first of each, and without padding."""
        return self.learned_of(range(step * batch_size, (step + 1) * batch_size))

    def learned_of(self, rows: range | list[int]) -> int:
        """Tokens that are learned of rows."""
        if self._masked:
            return int(self.batch_of(rows).mask_BxT.sum())
        return sum(max(sum(length for _, _, length in self.spans(row)) - 1, 0) for row in rows)

    def described(self, row: int) -> dict[str, Any]:
        """row: its number in the plan; documents: those that it is made of."""
        return {"row": row % self.rows, "documents": documents_of_spans(self._folder, self._split, self.spans(row))}

    def batch(self, step: int, batch_size: int, rank: int = 0, world: int = 1) -> Batch:
        """Rows step · batch_size up to (step + 1) · batch_size; of these, every world-th from the rank-th on.

        Raises BadInput if the processes can't share the rows evenly.
        """
        check_sharing(batch_size, rank, world)
        return self.batch_of(range(step * batch_size + rank, (step + 1) * batch_size, world))

    def batch_of(self, rows: range | list[int]) -> Batch:
        """A batch of any rows, in this order."""
        shape = (len(rows), self.context + 1)
        pad = self._pad if self._pad is not None else 0
        tokens_BxS = np.full(shape, pad, np.int32)
        segments_BxS, positions_BxS = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        taught_BxS = np.zeros(shape, bool)
        counting = np.arange(self.context + 1, dtype=np.int32)
        for index, row in enumerate(rows):
            own = (array[index] for array in (tokens_BxS, segments_BxS, positions_BxS, taught_BxS))
            self._fill(row, *own, counting=counting)
        if tokens_BxS.size and not 0 <= int(tokens_BxS.min()) <= int(tokens_BxS.max()) < self._vocab_size:
            wrong_B = ((tokens_BxS < 0) | (tokens_BxS >= self._vocab_size)).any(axis=1)
            self._refuse_token(rows[int(wrong_B.argmax())])
        y_BxT = tokens_BxS[:, 1:]
        learned_BxT = taught_BxS[:, 1:] & ~self._forgotten(y_BxT, positions_BxS[:, 1:])
        x_BxT, segments_BxT, positions_BxT = tokens_BxS[:, :-1], segments_BxS[:, :-1], positions_BxS[:, :-1]
        parts = (x_BxT, y_BxT, learned_BxT.astype(np.int32), segments_BxT, positions_BxT)
        return Batch(*(np.ascontiguousarray(part) for part in parts))

    def _refuse_token(self, row: int) -> NoReturn:
        """Raises BadInput, naming the first token of a row that is beyond the vocabulary, its file and document."""
        for shard, start, length in self.spans(row):
            tokens = self._files.span(shard, start, length)
            if not (beyond := np.flatnonzero(tokens >= self._vocab_size)).size:
                continue
            position = start + int(beyond[0])
            [document, *_] = [*documents_of_spans(self._folder, self._split, [(shard, position, 1)]), {}]
            name = document.get("url") or document.get("doc_id") or "that was forgotten"
            raise BadInput(
                f"{tokens_path(self._folder, self._split, shard)}: token {int(tokens[beyond[0]]):,} at {position:,} is "
                f"beyond the vocabulary of {self._vocab_size:,} (document {name}); {RERUN_SHARDS}"
            )
        raise AssertionError(f"row {row} has no token beyond the vocabulary")

    def _forgotten(self, y_BxT: np.ndarray, positions_BxT: np.ndarray) -> np.ndarray:
        """Where targets were overwritten: with padding, or with BOS by a tokenizer that has no padding.

        BOS is text only as the first token of a document.
        """
        if self._pad is not None:
            return y_BxT == self._pad
        return (y_BxT == self._bos) & (positions_BxT > 0)

    def _fill(
        self,
        row: int,
        tokens: np.ndarray,
        segments: np.ndarray,
        positions: np.ndarray,
        taught: np.ndarray,
        counting: np.ndarray,
    ) -> None:
        """Fill one row's arrays of shape (context + 1,). Raises BadInput if the plan's row is longer than these."""
        filled = 0
        for segment, (shard, start, length) in enumerate(self.spans(row), 1):
            part = slice(filled, filled + length)
            if part.stop > len(tokens):
                raise BadInput(f"row {row:,} of the plan has more than {len(tokens):,} tokens; make the plan anew")
            tokens[part] = self._files.span(shard, start, length)
            segments[part] = segment
            positions[part] = counting[:length]
            taught[part] = self._files.mask(shard, start, length)
            filled = part.stop


def check_sharing(batch_size: int, rank: int, world: int) -> None:
    """Raises BadInput for a batch that so many processes can't share evenly."""
    if batch_size < 1:
        raise BadInput(f"a batch of {batch_size} rows is none; give 1 or more")
    if not 0 <= rank < world or batch_size % world:
        raise BadInput(f"{batch_size} rows can't be shared evenly by {world} (this one is number {rank})")


def read_batches(shards: str, plan: str, batch_size: int, first_step: int = 0) -> Iterator[Batch]:
    """Batches of one pass over a plan, from a step on; rows at the end that fill no batch are left out.

    shards: folder that `bateia shard` wrote
    plan: name of one of its plans
    Raises BadInput.
    """
    info = read_shards(shards)
    reader = PlanReader(info, read_plan(info, plan))
    check_sharing(batch_size, 0, 1)
    return (reader.batch(step, batch_size) for step in range(first_step, reader.rows // batch_size))
