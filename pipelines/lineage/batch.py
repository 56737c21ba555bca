"""`bateia explain-batch`: which documents' tokens a training step saw, from the plan and the documents' tables."""

from __future__ import annotations

from typing import Any

from pipelines.lineage.plans import find_plan
from schemas.faults import BadInput
from schemas.shards.documents import DocumentSpan, documents_in_rows
from schemas.shards.layout import TRAIN, read_shards
from schemas.shards.plans import train_rows
from schemas.shards.tombstones import read_tombstones
from schemas.wording import plural

COLUMNS = ("doc_id", "url", "warc_file", "warc_offset", "language")


def explain_batch(folder: str, plan_name: str, step: int, batch_size: int) -> dict[str, Any]:
    """The rows of a step and what each is made of. Rows go on with the first after the last: the next epoch, from 1.

    Of each span `row_from`, `row_to` count tokens of the row, `document_from`, `document_to` of the document; what is
    `to` is not included.

    Raises BadInput for shards or a plan that are not there, and a step below 0.
    """
    if step < 0:
        raise BadInput(f"--step {step}: steps are counted from 0")
    shards = read_shards(folder)
    plan, _ = find_plan(shards, plan_name)
    numbers = range(step * batch_size, (step + 1) * batch_size)
    reader = train_rows(plan)
    spans = [reader.spans(number % plan.rows) for number in numbers]
    contents = documents_in_rows(shards.folder, TRAIN, spans, COLUMNS, read_tombstones(shards.folder))
    rows = [
        {"row": number % plan.rows, "epoch": 1 + number // plan.rows, **described(parts)}
        for number, parts in zip(numbers, contents, strict=True)
    ]
    asked = {"shards": folder, "plan": plan.name, "plan_rows": plan.rows, "step": step, "batch_size": batch_size}
    return asked | {"rows": rows}


def described(parts: list[DocumentSpan]) -> dict[str, Any]:
    """A row's tokens, and where in it each document's are."""
    spans, tokens = [], 0
    for part in parts:
        spans.append(
            {
                "row_from": tokens,
                "row_to": tokens + part.tokens,
                "document_start": part.start,
                "document_from": part.begin - part.start,
                "document_to": part.end - part.start,
                "document_tokens": part.length,
                **part.document,
                "split": TRAIN,
                "shard": part.shard,
                "forgotten": part.forgotten,
            }
        )
        tokens += part.tokens
    return {"tokens": tokens, "spans": spans}


def batch_text(batch: dict[str, Any]) -> str:
    """The batch for a terminal; [a:b] are tokens from a up to b, which is not included."""
    rows = batch["rows"]
    documents = {(span["shard"], span["document_start"]) for row in rows for span in row["spans"]}
    epochs = sorted({row["epoch"] for row in rows})
    head = (
        f"step {batch['step']} of plan {batch['plan']} at batch size {batch['batch_size']}: "
        f"rows {rows[0]['row']} to {rows[-1]['row']} of {batch['plan_rows']:,}, "
        f"epoch {' and '.join(map(str, epochs))}; {plural(len(documents), 'document')}"
    )
    return "\n".join([head, *(line for row in rows for line in row_lines(row))])


def row_lines(row: dict[str, Any]) -> list[str]:
    lines = [f"row {row['row']}, {plural(row['tokens'], 'token')}"]
    return lines + [line for span in row["spans"] for line in span_lines(span)]


def span_lines(span: dict[str, Any]) -> list[str]:
    within = f"[{span['document_from']}:{span['document_to']}] of {span['document_tokens']:,}"
    head = f"  [{span['row_from']}:{span['row_to']}]".ljust(14)
    source = f"{'':14} {span['split']} shard {span['shard']}, document {span['doc_id']}"
    if span["forgotten"]:
        return [f"{head} forgotten, its tokens {within}", source]
    record = f"{span['warc_file']} at byte {span['warc_offset']}"
    return [f"{head} {span['url']} ({span['language']}), its tokens {within}", f"{source}, {record}"]
