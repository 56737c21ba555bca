"""Tombstones: the documents that each `bateia forget` removed, and their positions: `tombstones/00001.parquet`, ….

A forgotten document's tokens are overwritten, but its positions stay, so that an older plan can still be explained and
checked. Each file lists the plans that there were when it was written, by their hashes, and the plan that replaced
each; a plan that it does not list was made later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.faults import BadInput, reason
from schemas.shards.layout import RERUN_SHARDS, ShardsInfo
from schemas.storage import join, list_files, read_table, size_of

FOLDER, PENDING = "tombstones", "pending.json"
PLANS = b"plans"  # metadata of the file's schema

# Columns as in docs-*.parquet, and the split and shard that the document was in. start, length: tokens of the shard's
# file. key, language, dump: by these a plan chooses and orders documents. No text, no tokens.
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
    """A plan that existed when documents were forgotten.

    dataset_hash: of its files.
    rebuilt: the name of the plan without them, or None.
    """

    dataset_hash: str
    rebuilt: str | None


@dataclass(frozen=True)
class Tombstones:
    """What one run of `bateia forget` removed.

    path: of the file.
    number: of the run, counted from 1.
    table: the documents, with the columns of SCHEMA.
    plans: the plans that existed then, by name.
    """

    path: str
    number: int
    table: pa.Table
    plans: dict[str, OldPlan]

    def knows(self, plan: str, dataset_hash: str) -> bool:
        """Whether this very plan was made before these documents were forgotten."""
        return plan in self.plans and self.plans[plan].dataset_hash == dataset_hash

    def of(self, split: str, shard: int | None = None) -> pa.Table:
        """Documents of one split, or of one of its shards."""
        chosen = np.array([name == split for name in self.table.column("split").to_pylist()], bool)
        if shard is not None:
            chosen &= self.table.column("shard").to_numpy() == shard
        return self.table.filter(pa.array(chosen))


def fill_token(shards: ShardsInfo) -> int:
    """The token that overwrites forgotten documents: PAD, which is masked in training; BOS if there is no PAD."""
    return shards.pad_id if shards.pad_id is not None else shards.bos_id


def tombstones_path(shards: str, number: int) -> str:
    return join(shards, FOLDER, f"{number:05}.parquet")


def pending_path(shards: str) -> str:
    return join(shards, FOLDER, PENDING)


def is_pending(shards: str) -> bool:
    """Whether a `bateia forget` was interrupted here."""
    return size_of(pending_path(shards)) is not None


def documents_table(documents: Iterable[dict[str, Any]]) -> pa.Table:
    """documents: rows with the columns of SCHEMA and any others."""
    return pa.Table.from_pylist(list(documents), schema=SCHEMA)


def tombstones_table(documents: Iterable[dict[str, Any]], plans: dict[str, OldPlan]) -> pa.Table:
    """The table of one file of tombstones. plans: those that exist, by name."""
    described = {name: {"dataset_hash": plan.dataset_hash, "rebuilt": plan.rebuilt} for name, plan in plans.items()}
    return documents_table(documents).replace_schema_metadata({PLANS: json.dumps(described, sort_keys=True).encode()})


def read_tombstones(shards: str) -> list[Tombstones]:
    """All tombstones, the earliest first. Raises BadInput if a file can't be read."""
    return [_read(path) for path in list_files(join(shards, FOLDER), ".parquet")]


def _read(path: str) -> Tombstones:
    never_null = ("doc_id", "split", "shard", "start", "length", "bytes", "key")
    checked = pa.schema([field.with_nullable(field.name not in never_null) for field in SCHEMA])
    table = read_table(path, SCHEMA.names, remedy=RERUN_SHARDS)
    try:
        known = json.loads((table.schema.metadata or {}).get(PLANS, b"{}"))
        plans = {name: OldPlan(**plan) for name, plan in known.items()}
        return Tombstones(path, _number(path), table.cast(checked), plans)
    except (ValueError, TypeError, AttributeError, RecursionError, pa.ArrowException) as error:
        raise BadInput(f"{path} is no file of tombstones ({reason(error)}); {RERUN_SHARDS}") from error


def _number(path: str) -> int:
    return int(path.rpartition("/")[2].partition(".")[0])
