"""The document of each cluster that is kept, and what is recorded about the others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

# A document of a cluster.
MEMBER_SCHEMA = pa.schema(
    [
        ("root", pa.uint64()),  # the smallest node of its cluster
        ("node", pa.uint64()),  # its number in this run
        ("id", pa.string()),
        ("url", pa.string()),
        ("dump", pa.string()),
        ("chars", pa.int64()),
        ("exact", pa.binary(16)),
        ("earlier", pa.bool_()),  # it belongs to a corpus given by --against
        ("kept", pa.bool_()),  # that corpus kept it
    ]
)


class NoSurvivor(RuntimeError):
    """A cluster holds documents of an earlier corpus and yet none that this corpus kept."""


def choose_survivors(members: pa.Table, keep: str) -> pa.Table:
    """Rows of CLUSTER_SCHEMA, and `node`, of the members that are not of earlier corpora.

    In each cluster a document that an earlier corpus kept survives before any new one. Among the others it is the first
    by (dump, id), or with "longest" the longest, of equally long ones the first.

    members: rows of MEMBER_SCHEMA, all members of each cluster
    keep: "first" or "longest"

    Raises NoSurvivor.
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
    positions = np.where(candidates, np.arange(len(roots)), len(roots))
    chosen = np.minimum.reduceat(positions, starts)
    if (missing := chosen >= np.append(starts[1:], len(roots))).any():
        raise NoSurvivor(f"the cluster of {members.column('id')[int(starts[missing.argmax()])].as_py()} has none")
    survivor, first = np.repeat(chosen, sizes), np.repeat(starts, sizes)
    return describe(members, survivor, first, np.repeat(sizes, sizes)).filter(pa.array(~earlier))


def describe(members: pa.Table, survivor: np.ndarray, first: np.ndarray, sizes: np.ndarray) -> pa.Table:
    """The members' rows of CLUSTER_SCHEMA, with `node`.

    survivor: for each member, the index of its cluster's survivor
    first: for each member, the index of its cluster's smallest (dump, id)
    sizes: for each member, the size of its cluster
    """
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
