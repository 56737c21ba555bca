"""`bateia explain-batch`: which documents' tokens a training step saw, from the plan and the documents' tables."""

from __future__ import annotations

from typing import Any

from pipelines.faults import BadInput
from pipelines.forget_tombstones import read_tombstones
from pipelines.lineage_documents import Piece, Shelf, shelf
from pipelines.lineage_rows import find_plan, spans_of
from schemas.shards import TRAIN, PlanInfo, ShardsInfo, read_shards


def open_shards(folder: str) -> ShardsInfo:
    """Raises BadInput if the folder holds no finished shards."""
    try:
        return read_shards(folder)
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(str(error)) from error


def batch_of(folder: str, plan_name: str, step: int, batch_size: int) -> dict[str, Any]:
    """The rows of a step and what each is made of. Rows go on with the first after the last: the next epoch, from 1.

    Of each span `row_from`, `row_to` count tokens of the row, `document_from`, `document_to` of the document; what is
    `to` is not included. Raises BadInput for shards or a plan that are not there, and a step below 0.
    """
    if step < 0:
        raise BadInput(f"--step {step}: steps are counted from 0")
    shards = open_shards(folder)
    plan = find_plan(shards, plan_name)
    numbers = range(step * batch_size, (step + 1) * batch_size)
    spans = spans_of(plan, {number % plan.rows for number in numbers})
    shelves = shelves_of(shards, [span for row in spans.values() for span in row])
    rows = [described(shards, plan, number, spans[number % plan.rows], shelves) for number in numbers]
    return {"shards": folder, "plan": plan.name, "plan_rows": plan.rows, "step": step, "batch_size": batch_size} | {
        "rows": rows
    }


def shelves_of(shards: ShardsInfo, spans: list[dict[str, int]]) -> dict[int, Shelf]:
    """What lies where the spans are, by shard."""
    tombstones = read_tombstones(shards.folder)
    found = {}
    for shard in sorted({span["shard"] for span in spans}):
        mine = [span for span in spans if span["shard"] == shard]
        bounds = [(span["start"], span["start"] + span["length"]) for span in mine]
        found[shard] = shelf(shards.folder, tombstones, TRAIN, shard, bounds)
    return found


def described(
    shards: ShardsInfo, plan: PlanInfo, number: int, spans: list[dict[str, int]], shelves: dict[int, Shelf]
) -> dict[str, Any]:
    at, pieces = 0, []
    for span in spans:
        for piece in shelves[span["shard"]].pieces(span["start"], span["length"]):
            pieces.append(span_of(piece, at, span["shard"]))
            at += piece.end - piece.begin
    return {"row": number % plan.rows, "epoch": 1 + number // plan.rows, "tokens": at, "spans": pieces}


def span_of(piece: Piece, at: int, shard: int) -> dict[str, Any]:
    return {
        "row_from": at,
        "row_to": at + piece.end - piece.begin,
        "document_from": piece.begin - piece.start,
        "document_to": piece.end - piece.start,
        "document_tokens": piece.length,
        **{name: piece.document[name] for name in ("doc_id", "url", "warc_file", "warc_offset", "language")},
        "split": TRAIN,
        "shard": shard,
        "forgotten": piece.forgotten,
    }


def tell_batch(batch: dict[str, Any]) -> str:
    """The batch for a terminal; [a:b] are tokens from a up to b, which is not included."""
    rows = batch["rows"]
    documents = {span["doc_id"] for row in rows for span in row["spans"]}
    epochs = sorted({row["epoch"] for row in rows})
    head = (
        f"step {batch['step']} of plan {batch['plan']} at batch size {batch['batch_size']}: "
        f"rows {rows[0]['row']} to {rows[-1]['row']} of {batch['plan_rows']:,}, "
        f"epoch {' and '.join(map(str, epochs))}; {len(documents)} documents"
    )
    return "\n".join([head, *(line for row in rows for line in tell_row(row))])


def tell_row(row: dict[str, Any]) -> list[str]:
    lines = [f"row {row['row']}, {row['tokens']:,} tokens"]
    return lines + [line for span in row["spans"] for line in tell_span(span)]


def tell_span(span: dict[str, Any]) -> list[str]:
    within = f"[{span['document_from']}:{span['document_to']}] of {span['document_tokens']:,}"
    head = f"  [{span['row_from']}:{span['row_to']}]".ljust(14)
    place = f"{'':14} {span['split']} shard {span['shard']}, document {span['doc_id']}"
    if span["forgotten"]:
        return [f"{head} forgotten, its tokens {within}", place]
    record = f"{span['warc_file']} at byte {span['warc_offset']}"
    return [f"{head} {span['url']} ({span['language']}), its tokens {within}", f"{place}, {record}"]
