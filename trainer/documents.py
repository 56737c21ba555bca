"""Which documents a batch was made of: from rows of the plan back to URLs and WARC records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.shards import ShardsInfo, docs_path
from schemas.storage import locate
from trainer.plan_rows import Span

SHOWN = ("doc_id", "url", "warc_file", "warc_offset", "language", "cluster_id")
KEPT_FILES = 8


class Documents:
    """Documents of one split by where their tokens lie."""

    def __init__(self, shards: ShardsInfo, split: str) -> None:
        self._shards, self._split = shards, split
        self._table = lru_cache(KEPT_FILES)(self._read)

    def _read(self, shard: int) -> tuple[pa.Table, np.ndarray]:
        filesystem, name = locate(docs_path(self._shards.folder, self._split, shard))
        table = pq.read_table(filesystem.open_input_file(name), columns=["start", "length", *SHOWN])
        return table, table.column("start").to_numpy()

    def of_span(self, span: Span) -> Iterator[dict[str, Any]]:
        """Documents that a span reaches over, in order: `SHOWN` of each."""
        shard, start, length = span
        table, starts = self._table(shard)
        first = max(int(np.searchsorted(starts, start, "right")) - 1, 0)
        last = int(np.searchsorted(starts, start + length, "left"))
        for document in table.slice(first, last - first).to_pylist():
            if document["start"] + document["length"] > start:  # before a forgotten document stands another's end
                yield {name: document[name] for name in SHOWN}

    def of_spans(self, spans: Iterable[Span]) -> list[dict[str, Any]]:
        """Each document once, in order of appearance."""
        found: dict[str, dict[str, Any]] = {}
        for span in spans:
            for document in self.of_span(span):
                found.setdefault(document["doc_id"], document)
        return list(found.values())
