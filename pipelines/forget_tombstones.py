"""Tombstones: what was forgotten and where it lay, `tombstones/00001.parquet` and on, one file for each time.

The tokens are gone, the places stay: a plan that was made before can still be explained and checked. Each file knows
the plans that were there at its time, by their content, and which plan replaced each; one it does not know came later.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.shards import ShardsInfo
from schemas.storage import join, list_files, locate, size_of

FOLDER, PENDING = "tombstones", "pending.json"
PLANS = b"plans"  # metadata of the file's schema

# Columns as in docs-*.parquet, and the split and shard that the document was in. start, length: tokens of its file.
# key, language, dump: what a plan chooses and orders documents by. No text, no tokens.
SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("url", pa.string()),
        ("split", pa.string()),
        ("shard", pa.int32()),
        ("start", pa.int64()),
        ("length", pa.int64()),
        ("bytes", pa.int64()),
        ("key", pa.uint64()),
        ("language", pa.string()),
        ("dump", pa.string()),
    ]
)


@dataclass(frozen=True)
class OldPlan:
    """A plan that was there when documents were forgotten. rebuilt: the plan without them, or None."""

    dataset_hash: str
    rebuilt: str | None


@dataclass(frozen=True)
class Tombstones:
    """What was forgotten at one time."""

    path: str
    table: pa.Table
    plans: dict[str, OldPlan]

    def knows(self, plan: str, dataset_hash: str) -> bool:
        """Whether this very plan was made before these documents were forgotten."""
        return plan in self.plans and self.plans[plan].dataset_hash == dataset_hash

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(self.table.column("doc_id").to_pylist())

    def of(self, split: str, shard: int | None = None) -> pa.Table:
        chosen = np.array([name == split for name in self.table.column("split").to_pylist()], bool)
        if shard is not None:
            chosen &= self.table.column("shard").to_numpy() == shard
        return self.table.filter(pa.array(chosen))


def fill_of(shards: ShardsInfo) -> int:
    """What stands where documents were: PAD, which no trainer learns; of a tokenizer without PAD, BOS."""
    return shards.pad_id if shards.pad_id is not None else shards.bos_id


def tombstones_path(shards: str, number: int) -> str:
    return join(shards, FOLDER, f"{number:05}.parquet")


def pending_path(shards: str) -> str:
    return join(shards, FOLDER, PENDING)


def is_pending(shards: str) -> bool:
    """Whether a `bateia forget` was interrupted here."""
    return size_of(pending_path(shards)) is not None


def to_table(documents: list[dict[str, Any]], plans: dict[str, OldPlan]) -> pa.Table:
    """documents: rows with the columns of SCHEMA and any others."""
    described = {name: {"dataset_hash": plan.dataset_hash, "rebuilt": plan.rebuilt} for name, plan in plans.items()}
    schema = SCHEMA.with_metadata({PLANS: json.dumps(described, sort_keys=True).encode()})
    return pa.Table.from_pylist(documents, schema=schema)


def read_tombstones(shards: str) -> list[Tombstones]:
    """Of all times, the earliest first."""
    return [read_one(path) for path in list_files(join(shards, FOLDER), ".parquet")]


def read_one(path: str) -> Tombstones:
    import pyarrow.parquet as pq

    filesystem, name = locate(path)
    with pq.ParquetFile(filesystem.open_input_file(name)) as file:
        table = file.read()
    plans = json.loads((table.schema.metadata or {}).get(PLANS, b"{}"))
    return Tombstones(path, table, {name: OldPlan(**plan) for name, plan in plans.items()})
