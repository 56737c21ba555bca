"""Documents, tokens and bytes of shards, counted from tables of documents; counts can be added and subtracted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.plan import members_of_slices

NUMBERS = ("documents", "tokens", "bytes")

Counts = dict[str, Any]  # numbers, and tables of numbers by a name


def count_documents(table: pa.Table) -> Counts:
    """Documents, tokens and bytes: of all, by language and by dump; documents by floor(log2(tokens))."""
    exponents = np.frexp(np.maximum(table.column("length").to_numpy(), 1))[1] - 1
    return {
        **totals(table),
        "languages": by_name(table, "language", "und"),
        "dumps": by_name(table, "dump", ""),
        "lengths": {str(power): int(count) for power, count in enumerate(np.bincount(exponents)) if count},
    }


def totals(table: pa.Table) -> dict[str, int]:
    tokens, size = (int(table.column(name).to_numpy().sum()) for name in ("length", "bytes"))
    return {"documents": len(table), "tokens": tokens, "bytes": size}


def by_name(table: pa.Table, column: str, unnamed: str) -> dict[str, dict[str, int]]:
    """Documents, tokens and bytes by the values of a column; "" and null are both `unnamed`."""
    if not len(table):
        return {}
    encoded = table.column(column).combine_chunks().dictionary_encode()
    values = [*encoded.dictionary.to_pylist(), None]
    which = encoded.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)
    sums = np.zeros((len(values), 3), np.int64)
    lengths, sizes = (table.column(name).to_numpy() for name in ("length", "bytes"))
    np.add.at(sums, which, np.column_stack((np.ones(len(table), np.int64), lengths, sizes)))
    named: dict[str, np.ndarray] = {}
    for value, numbers in zip(values, sums, strict=True):
        named[value or unnamed] = named.get(value or unnamed, 0) + numbers
    return {name: dict(zip(NUMBERS, row.tolist(), strict=True)) for name, row in named.items() if row[0]}


def members_by_slice(table: pa.Table, names: Iterable[str]) -> Iterator[tuple[str, pa.Table]]:
    """(name, documents of val/ that are in it) of each slice."""
    names = list(names)
    found = dict(members_of_slices(table.column("language"), table.column("url"), names))
    for name in names:
        yield name, table.take(pa.array(found.get(name, []), pa.int64()))


def added(some: Counts, others: Counts) -> Counts:
    """Numbers plus numbers, tables of them entry by entry."""
    total = dict(some)
    for name, value in others.items():
        if isinstance(value, dict):
            total[name] = added(some.get(name, {}), value)
        else:
            total[name] = some.get(name, 0) + value
    return total


def subtracted(have: Counts, gone: Counts) -> Counts:
    """Numbers less numbers, tables of them entry by entry; entries of which no document is left are left out."""
    left = {}
    for name, value in have.items():
        taken = gone.get(name, {} if isinstance(value, dict) else 0)
        left[name] = subtracted(value, taken) if isinstance(value, dict) else value - taken
    return {name: value for name, value in left.items() if not _is_nothing(value)}


def _is_nothing(value: Any) -> bool:
    return isinstance(value, dict) and "documents" in value and not value["documents"]
