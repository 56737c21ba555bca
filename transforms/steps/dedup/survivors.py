"""Of each cluster, the one document that stays, and what is told about the others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

# A document of a cluster. node: its place in this run. earlier: it belongs to a corpus given by --against; kept: that
# corpus kept it.
MEMBER_SCHEMA = pa.schema(
    [
        ("root", pa.uint64()),
        ("node", pa.uint64()),
        ("id", pa.string()),
        ("url", pa.string()),
        ("dump", pa.string()),
        ("chars", pa.int64()),
        ("exact", pa.binary(16)),
        ("earlier", pa.bool_()),
        ("kept", pa.bool_()),
    ]
)


class NoSurvivor(RuntimeError):
    """A cluster holds documents of an earlier corpus and yet none that this corpus kept."""


def choose_survivors(members: pa.Table, keep: str) -> pa.Table:
    """All members of some clusters to the rows of CLUSTER_SCHEMA and `node`, without those of earlier corpora.

    A document that an earlier corpus kept survives before any new one; then the first by (dump, id), or the `longest`
    and of equals the first. Raises NoSurvivor.
    """
    members = members.sort_by([(name, "ascending") for name in ("root", "dump", "id", "node")])
    roots, earlier, kept = (members.column(name).to_numpy() for name in ("root", "earlier", "kept"))
    starts = np.flatnonzero(np.concatenate(([True], roots[1:] != roots[:-1])))
    sizes = np.diff(np.append(starts, len(roots)))
    old = np.repeat(np.logical_or.reduceat(earlier, starts), sizes)
    candidates = np.where(old, earlier & kept, True)
    if keep == "longest":
        chars = np.where(candidates, members.column("chars").to_numpy(), -1)
        candidates &= chars == np.repeat(np.maximum.reduceat(chars, starts), sizes)
    places = np.where(candidates, np.arange(len(roots)), len(roots))
    chosen = np.minimum.reduceat(places, starts)
    if (missing := chosen >= np.append(starts[1:], len(roots))).any():
        raise NoSurvivor(f"the cluster of {members.column('id')[int(starts[missing.argmax()])].as_py()} has none")
    survivor, first = np.repeat(chosen, sizes), np.repeat(starts, sizes)
    return describe(members, survivor, first, np.repeat(sizes, sizes)).filter(pa.array(~earlier))


def describe(members: pa.Table, survivor: np.ndarray, first: np.ndarray, sizes: np.ndarray) -> pa.Table:
    """survivor, first: for each member the places of its cluster's survivor and of its smallest (dump, id)."""
    survivors, firsts = members.take(pa.array(survivor)), members.take(pa.array(first))
    exact = members.column("exact").to_numpy(zero_copy_only=False)
    match = np.where(exact == exact[survivor], "exact", "near").astype(object)
    match[survivor == np.arange(len(survivor))] = None
    return pa.table(
        {
            "id": members.column("id"),
            "url": members.column("url"),
            "dump": members.column("dump"),
            "cluster_id": firsts.column("id"),
            "cluster_size": pa.array(sizes, pa.int64()),
            "survivor_id": survivors.column("id"),
            "survivor_url": survivors.column("url"),
            "first_seen_dump": firsts.column("dump"),
            "match": pa.array(match, pa.string()),
            "earlier": survivors.column("earlier"),
            "node": members.column("node"),
        }
    )
