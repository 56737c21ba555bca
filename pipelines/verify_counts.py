"""Counts of shards taken anew from their documents, and where the manifest says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.verify_documents import ShardDocuments, columns_of
from pipelines.verify_files import SHARDS_ANEW
from schemas.manifest import MANIFEST
from schemas.shards import SPLITS, VAL, ShardsInfo
from schemas.storage import join
from transforms.shard_parts import host_of

NUMBERS = ("documents", "tokens", "bytes")


def tally(table: pa.Table) -> dict[str, Any]:
    """Documents, tokens and bytes: of all, by language and by dump; documents by floor(log2(tokens))."""
    lengths = np.bincount(np.frexp(table.column("length").to_numpy())[1] - 1) if len(table) else np.zeros(0, int)
    return {
        **totals(table),
        "languages": by_name(table, "language", "und"),
        "dumps": by_name(table, "dump", ""),
        "lengths": {str(at): int(count) for at, count in enumerate(lengths) if count},
    }


def totals(table: pa.Table) -> dict[str, int]:
    tokens, size = (int(table.column(name).to_numpy().sum()) for name in ("length", "bytes"))
    return {"documents": len(table), "tokens": tokens, "bytes": size}


def by_name(table: pa.Table, column: str, unnamed: str) -> dict[str, dict[str, int]]:
    """Documents, tokens and bytes by what a column says, "" and nothing being the same."""
    if not len(table):
        return {}
    encoded = table.column(column).combine_chunks().dictionary_encode()
    values = [*encoded.dictionary.to_pylist(), None]
    which = encoded.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)
    sums = np.zeros((len(values), 3), np.int64)
    lengths, sizes = (table.column(name).to_numpy() for name in ("length", "bytes"))
    np.add.at(sums, which, np.column_stack((np.ones(len(table), np.int64), lengths, sizes)))
    found: dict[str, np.ndarray] = {}
    for value, numbers in zip(values, sums, strict=True):
        found[value or unnamed] = found.get(value or unnamed, 0) + numbers
    return {name: dict(zip(NUMBERS, row.tolist(), strict=True)) for name, row in found.items() if row[0]}


def in_slice(table: pa.Table, name: str) -> pa.Table:
    """Documents of val/ that a slice is of."""
    kind, _, value = name.partition("-")
    if kind == "language":
        chosen = [(language or "und") == value for language in table.column("language").to_pylist()]
    elif kind == "domain":
        chosen = [host_of(url or "") == value for url in table.column("url").to_pylist()]
    else:
        return table
    return table.filter(pa.array(chosen, pa.bool_()))


def joined(found: list[ShardDocuments], split: str) -> pa.Table:
    """All documents of a split with their shard."""
    tables = [
        item.table.append_column("shard", pa.array(np.full(len(item.table), item.shard, np.int32)))
        for item in found
        if item.split == split
    ]
    if tables:
        return pa.concat_tables(tables)
    kinds = {"start": pa.int64(), "length": pa.int64(), "bytes": pa.int64(), "key": pa.uint64(), "shard": pa.int32()}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in (*columns_of(split), "shard")]).empty_table()


def count_faults(shards: ShardsInfo, documents: dict[str, pa.Table]) -> Iterator[str]:
    """documents: of each split, all of them."""
    path = join(shards.folder, MANIFEST)
    for split in SPLITS:
        counted = tally(documents[split])
        if wrong := [name for name, value in counted.items() if shards.counts[split].get(name) != value]:
            yield f"{path}: {', '.join(wrong)} of {split} are not what the documents add up to; {SHARDS_ANEW}"
    for name, told in shards.slices.items():
        counted = totals(in_slice(documents[VAL], name))
        if counted != told:
            yield f"{path}: slice {name} is told to hold {told} and holds {counted}; {SHARDS_ANEW}"
