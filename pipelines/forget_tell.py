"""Which steps had seen the pages that are forgotten, plan by plan; and which pages were not there."""

from __future__ import annotations

import sys
from typing import Any

from pipelines.faults import BadInput
from pipelines.forget_find import Named
from pipelines.forget_pending import Pending
from pipelines.lineage_page import place_of
from pipelines.lineage_rows import rows_holding, sound_plans, told, told_rows
from schemas.shards import TRAIN, VAL, PlanInfo, ShardsInfo


def not_found(found: Named, folder: str) -> None:
    """Raises BadInput if no URL of the list is of a page that is or was there."""
    for url in found.unknown:
        sys.stderr.write(f"bateia: not in {folder}: {url}\n")
    if not found.kept and not found.before:
        raise BadInput(f"{folder} has none of the pages of the list; ask `bateia explain URL --in {folder}` of one")


def tell_seen(shards: ShardsInfo, pending: Pending, batch_size: int | None) -> list[str]:
    """For every document where it lies, and its rows in every plan but those that are made without it.

    Raises BadInput if a plan can't be read.
    """
    documents = list(pending.documents)
    plans = [plan for plan in sound_plans(shards)[0] if plan.name not in pending.rebuilt.values()]
    seen = {plan.name: seen_in(plan, documents, batch_size) for plan in plans}
    lines = []
    for at, row in enumerate(documents):
        lines.append(f"{row['url']}: {place_of(row)}")
        lines += [f"  plan {name}: {told_of[at]}" for name, told_of in seen.items()]
    return lines


def seen_in(plan: PlanInfo, documents: list[dict[str, Any]], batch_size: int | None) -> list[str]:
    """What is told of each document, in one pass over the plan's files."""
    train = [at for at, row in enumerate(documents) if row["split"] == TRAIN]
    val = [at for at, row in enumerate(documents) if row["split"] == VAL]
    rows = rows_holding(plan, [path for path, _, _ in plan.parts], [documents[at] for at in train])
    lines = ["not in it"] * len(documents)
    for at, held in zip(train, rows, strict=True):
        lines[at] = told_rows(held, batch_size) if held else "not in it"
    slices: dict[int, list[str]] = {at: [] for at in val}
    for name in plan.slices:
        for at, held in zip(val, rows_holding(plan, [f"val/{name}.parquet"], [documents[i] for i in val]), strict=True):
            slices[at] += [f"slice {name} rows {told(held)}"] if held else []
    return [("; ".join(slices[at]) or "in no slice") if at in slices else line for at, line in enumerate(lines)]
