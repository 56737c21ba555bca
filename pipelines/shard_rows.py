"""The first rows of a plan with their documents, for the picture in the report."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from schemas.shards import TRAIN, docs_path, plan_folder
from schemas.storage import join, locate

SHOWN_ROWS = 16


def first_rows(shards: str, plan: str) -> list[list[dict[str, Any]]]:
    """For each of the first rows its spans: tokens, language and URL of the document, and whether it begins there."""
    import pyarrow.parquet as pq

    filesystem, name = locate(join(plan_folder(shards, plan), "rows-00000.parquet"))
    spans = pq.read_table(name, filesystem=filesystem, filters=[("row", "<", SHOWN_ROWS)]).to_pylist()
    tables = {shard: documents_of(shards, shard) for shard in {span["shard"] for span in spans}}
    found: list[list[dict[str, Any]]] = []
    for span in spans:
        if span["slot"] == 0:
            found.append([])
        found[-1].append(described(tables[span["shard"]], span))
    return found


def documents_of(shards: str, shard: int) -> pa.Table:
    import pyarrow.parquet as pq

    filesystem, name = locate(docs_path(shards, TRAIN, shard))
    return pq.read_table(name, filesystem=filesystem, columns=["start", "language", "url"])


def described(documents: pa.Table, span: dict[str, Any]) -> dict[str, Any]:
    starts = documents.column("start").to_numpy()
    at = int(np.searchsorted(starts, span["start"], "right")) - 1
    document = documents.slice(at, 1).to_pylist()[0]
    begins = bool(starts[at] == span["start"])
    return {"tokens": span["length"], "language": document["language"], "url": document["url"], "begins": begins}
