"""Which rows of a plan hold which documents, and rows and steps in words. Files are read one at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pipelines.lineage.pages import DocumentRow
from schemas.shards.layout import TRAIN, PlanInfo
from schemas.shards.plans import positions, read_spans, slice_path
from schemas.storage import join


@dataclass(frozen=True)
class DocumentIntervals:
    """Documents of one split by the positions of their tokens.

    begins, ends: positions, sorted; int64 of shape (documents,).
    order: which document each interval is of.
    shards: numbers of the shards that hold them.
    """

    begins: np.ndarray
    ends: np.ndarray
    order: np.ndarray
    shards: tuple[int, ...]

    def overlaps(self, begins: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (span, document) that have tokens in common, as two arrays of indices."""
        first = np.searchsorted(self.ends, begins, "right")
        counts = np.maximum(np.searchsorted(self.begins, ends, "left") - first, 0)
        spans = np.repeat(np.arange(len(begins)), counts)
        within = np.arange(len(spans)) - np.repeat(np.cumsum(counts) - counts, counts)
        return spans, self.order[first[spans] + within]


def intervals_of(documents: list[DocumentRow]) -> DocumentIntervals:
    """documents: their shard, start and length."""
    shard, start, length = (
        np.array([row[name] for row in documents], np.int64) for name in ("shard", "start", "length")
    )
    begins = positions(shard, start)
    order = np.argsort(begins, kind="stable")
    return DocumentIntervals(begins[order], (begins + length)[order], order, tuple(sorted(set(shard.tolist()))))


def rows_with(plan: PlanInfo, paths: Iterable[str], documents: list[DocumentRow]) -> list[list[int]]:
    """For each document the rows that hold some of its tokens, sorted.

    paths: files of the plan's rows, relative to its folder.
    documents: of one split; shard, start and length of each.

    Raises BadInput if a file can't be read.
    """
    if not documents:
        return []
    intervals = intervals_of(documents)
    pairs = [rows_in_file(join(plan.folder, path), intervals) for path in paths]
    rows, owners = (np.concatenate([pair[side] for pair in pairs] or [np.zeros(0, np.int64)]) for side in (0, 1))
    order = np.lexsort((rows, owners))
    cuts = np.searchsorted(owners[order], np.arange(1, len(documents)))
    return [np.unique(part).tolist() for part in np.split(rows[order], cuts)]


def rows_in_file(path: str, documents: DocumentIntervals) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a file and the documents in them, as two arrays."""
    table = read_spans(path, documents.shards)
    spans, owners = documents.overlaps(table.begins, table.ends)
    return table.row[spans], owners


def plan_lines(plans: list[PlanInfo], documents: list[DocumentRow], batch_size: int | None) -> list[list[str]]:
    """For each document a line for each plan: its rows, or of val/ those of each slice. Each file is read once.

    documents: of any split; split, shard, start and length of each.
    batch_size: rows of a step, to name steps as well; no step sees val/.

    Raises BadInput if a file of a plan can't be read.
    """
    texts = [rows_texts(plan, documents, batch_size) for plan in plans]
    names = [plan.name for plan in plans]
    return [
        [f"  plan {name}: {of_plan[index]}" for name, of_plan in zip(names, texts, strict=True)]
        for index in range(len(documents))
    ]


def rows_texts(plan: PlanInfo, documents: list[DocumentRow], batch_size: int | None) -> list[str]:
    """Of each document the rows of the plan that hold it, as text; steps too, where a batch size is given.

    documents: of the shards' tables; those held out are looked for in the plan's slices
    """
    train = [index for index, row in enumerate(documents) if row["split"] == TRAIN]
    val = [index for index, row in enumerate(documents) if row["split"] != TRAIN]
    texts = [""] * len(documents)
    rows_of_each = rows_with(plan, [path for path, _, _ in plan.parts], [documents[index] for index in train])
    for index, rows in zip(train, rows_of_each, strict=True):
        texts[index] = rows_text(rows, batch_size) if rows else "not in it"
    slices: dict[int, list[str]] = {index: [] for index in val}
    for name in plan.slices if val else ():
        rows_of_each = rows_with(plan, [slice_path(name)], [documents[index] for index in val])
        for index, rows in zip(val, rows_of_each, strict=True):
            slices[index] += [f"slice {name} rows {ranges(rows)}"] if rows else []
    for index, names in slices.items():
        texts[index] = "; ".join(names) or "in no slice"
    return texts


def rows_text(rows: list[int], batch_size: int | None) -> str:
    """Rows, and with a batch size the steps that hold them in the plan's first pass."""
    text = f"{'row' if len(rows) == 1 else 'rows'} {ranges(rows)}"
    if batch_size is None:
        return text
    steps = sorted({row // batch_size for row in rows})
    return f"{text} = {'step' if len(steps) == 1 else 'steps'} {ranges(steps)} at batch size {batch_size}"


def ranges(numbers: Iterable[int]) -> str:
    """Sorted numbers in short: 1, 2, 3, 7 as "1-3, 7"."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
