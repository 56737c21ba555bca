"""Files of shards made up one by one, by the schemas alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.shards.layout import docs_path, docs_schema

WriteDocuments = Callable[..., str]


@pytest.fixture
def write_documents(tmp_path: Path) -> WriteDocuments:
    """Writes the table of a shard of train/: (start, length) of each document; returns its path."""

    def write(spans: Sequence[tuple[int, int]], shard: int = 0, **more: Any) -> str:
        path = Path(docs_path(str(tmp_path), "train", shard))
        path.parent.mkdir(exist_ok=True)
        rows = [document(shard, start, length) | more for start, length in spans]
        pq.write_table(pa.Table.from_pylist(rows, docs_schema(("score",))), path, row_group_size=4)
        return str(path)

    return write


def document(shard: int, start: int, length: int) -> dict[str, Any]:
    name = f"{shard}-{start}"
    return {
        "doc_id": name,
        "start": start,
        "length": length,
        "bytes": 3 * length,
        "key": start,
        "url": f"https://{name}.example/",
        "warc_file": "a.warc.gz",
        "warc_offset": 100 * start,
        "language": "en",
        "quality": {"score": 0.5},
    }
