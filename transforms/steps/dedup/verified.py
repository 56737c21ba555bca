"""Which documents of a cluster go, if one goes only for a document that contains it.

The documents of a cluster are taken in the order in which they survive. Each is compared with documents that stay
already and to which a key leads, which is a band or a long line: one that shares it, or that stands for one which does.
So the work grows with a cluster and not with its square, and documents that stay are told apart by the same pairs when
they are compared again without the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from transforms.steps.dedup.contained import share_contained
from transforms.steps.dedup.long_lines import ASKED_LINES
from transforms.steps.dedup.survivors import MEMBER_SCHEMA, describe

MAX_COMPARED = 8  # documents that one is compared with
MAX_PER_KEY = 8  # documents that are remembered for a key, of those that stay
RUNS_AT_ONCE = 16 << 20  # of members whose runs are read together: 64 MiB
KEY_BYTES = 8

# A document of a cluster, its bands (null for a text too short), its long lines, and where its runs of words are.
VERIFIED_SCHEMA = pa.schema(
    [*MEMBER_SCHEMA, ("bands", pa.binary()), ("lines", pa.binary()), ("start", pa.int64()), ("runs", pa.int64())]
)
ORDER = ("root", "new", "shortness", "dump", "id", "node")

ReadRuns = Callable[[np.ndarray], list[np.ndarray]]  # indices of members to their runs of words, as word_runs has them


def in_survival_order(members: pa.Table, keep: str) -> pa.Table:
    """Members by cluster, and in each from the document that stays first to the last.

    Those of an earlier corpus come first, then by (dump, id), with keep "longest" by length before that.
    """
    chars = members.column("chars").to_numpy() if keep == "longest" else np.zeros(len(members), np.int64)
    ranked = members.append_column("new", pa.array(~members.column("earlier").to_numpy()))
    ranked = ranked.append_column("shortness", pa.array(-chars))
    return ranked.sort_by([(name, "ascending") for name in ORDER]).select(members.column_names)


def nodes_to_compare(members: pa.Table, keep: str) -> np.ndarray:
    """Rows (node, root) of the members whose text is needed: of equal ones the first, where a cluster has others too.

    members: rows of MEMBER_SCHEMA, all members of each cluster but those that an earlier corpus removed
    """
    members = in_survival_order(members, keep)
    roots, nodes = (members.column(name).to_pylist() for name in ("root", "node"))
    first: dict[tuple[int, bytes], int] = {}
    for root, exact, node in zip(roots, members.column("exact").to_pylist(), nodes, strict=True):
        first.setdefault((root, exact), node)
    different = Counter(root for root, _ in first)
    rows = [(node, root) for (root, _), node in first.items() if different[root] > 1]
    return np.array(rows, np.uint64).reshape(-1, 2)


class Verdict(NamedTuple):
    """What became of a member.

    survivor: index of the member that stands for it; its own if it stays
    compared: index of the member that contains most of it, of those that it was compared with; -1 for none
    contained: share of its words that this one contains; None if it was compared with none
    """

    survivor: int
    compared: int = -1
    contained: float | None = None


@dataclass
class Cluster:
    """What is remembered of a cluster's members that were looked at.

    equal: the first member of each exact hash
    sharing: for each key, the first members that stay and have it
    standing: for each key, members that stand for one that has it and went
    runs: sorted runs of members that stay
    """

    equal: dict[bytes, int] = field(default_factory=dict)
    sharing: dict[bytes, list[int]] = field(default_factory=dict)
    standing: dict[bytes, list[int]] = field(default_factory=dict)
    runs: dict[int, np.ndarray] = field(default_factory=dict)

    def candidates(self, keys: list[bytes]) -> list[int]:
        """Members to compare with: who shares most keys first, then who stands for one that shares any."""
        shared, stand = (
            Counter(chain.from_iterable(map(led_to.get, keys, repeat(())))) for led_to in (self.sharing, self.standing)
        )
        for member in shared:
            stand.pop(member, None)
        ranked = [sorted(found, key=lambda member: (-found[member], member)) for found in (shared, stand)]
        return (ranked[0] + ranked[1])[:MAX_COMPARED]

    def remember(self, index: int, survivor: int, keys: list[bytes]) -> None:
        led_to = self.sharing if index == survivor else self.standing
        for key in keys:
            if (members := led_to.get(key)) is None:
                led_to[key] = [survivor]
            elif len(members) < MAX_PER_KEY and survivor not in members:
                members.append(survivor)


def verify_members(members: pa.Table, min_contained: float, read_runs: ReadRuns) -> list[Verdict]:
    """What became of each member.

    members: rows of VERIFIED_SCHEMA, all members of each cluster but those that an earlier corpus removed, in survival
        order
    min_contained: the least share of a document's words for which it goes
    """
    verdicts: list[Verdict] = []
    cluster, current = Cluster(), None
    roots, bands_of, lines_of = (members.column(name).to_pylist() for name in ("root", "bands", "lines"))
    exact_of, earlier_of = members.column("exact").to_pylist(), members.column("earlier").to_pylist()
    for index, runs in enumerate(all_runs(members.column("runs").to_numpy(), read_runs)):
        if roots[index] != current:
            cluster, current = Cluster(), roots[index]
        bands, lines = cut(bands_of[index]), cut(lines_of[index])
        twin = cluster.equal.setdefault(exact_of[index], index)
        if earlier_of[index]:
            verdict = Verdict(index)
        elif twin != index:
            verdict = verdicts[twin] if verdicts[twin].survivor != twin else Verdict(twin, twin, 1.0)
        else:
            verdict = compare(cluster, index, runs, bands + lines[:ASKED_LINES], min_contained)
        if verdict.survivor == index and len(runs):
            cluster.runs[index] = np.sort(runs)
        if twin == index or earlier_of[index]:
            cluster.remember(index, verdict.survivor, bands + lines)
        verdicts.append(verdict)
    return verdicts


def compare(cluster: Cluster, index: int, runs: np.ndarray, keys: list[bytes], min_contained: float) -> Verdict:
    best = Verdict(index)
    for other in cluster.candidates(keys):
        contained = share_contained(runs, cluster.runs.get(other, runs[:0]))
        if contained >= min_contained:
            return Verdict(other, other, contained)
        if best.contained is None or contained > best.contained:
            best = Verdict(index, other, contained)
    return best


def cut(packed: bytes | None) -> list[bytes]:
    return [packed[place : place + KEY_BYTES] for place in range(0, len(packed), KEY_BYTES)] if packed else []


def all_runs(counts: np.ndarray, read_runs: ReadRuns) -> Iterator[np.ndarray]:
    """The runs of all members in order, read for some members together."""
    start, total = 0, np.concatenate(([0], np.cumsum(counts)))
    while start < len(counts):
        end = max(start + 1, int(np.searchsorted(total, total[start] + RUNS_AT_ONCE, "right")) - 1)
        yield from read_runs(np.arange(start, end))
        start = end


def describe_verified(members: pa.Table, verdicts: list[Verdict]) -> pa.Table:
    """Rows of VERIFIED_CLUSTER_SCHEMA, and `node`, of the members that are not of earlier corpora.

    A cluster here is a document that stays and those that it stands for.
    """
    order = members.append_column("place", pa.array(np.arange(len(members))))
    by_name = order.sort_by([(name, "ascending") for name in ("dump", "id", "node")]).column("place").to_numpy()
    rank = np.argsort(by_name)
    survivor = np.array([verdict.survivor for verdict in verdicts], np.int64)
    first = np.full(len(members), len(members))
    np.minimum.at(first, survivor, rank)
    sizes = np.bincount(survivor, minlength=len(members))[survivor]
    described = describe(members, survivor, by_name[first[survivor]], sizes)
    names = described.column("cluster_id").to_numpy(zero_copy_only=False)
    named = pa.array(np.where(sizes > 1, names, None), pa.string())
    described = described.set_column(described.column_names.index("cluster_id"), "cluster_id", named)
    compared = pa.array([None if verdict.compared < 0 else verdict.compared for verdict in verdicts], pa.int64())
    others = {"compared_id": members.column("id").take(compared), "compared_url": members.column("url").take(compared)}
    columns = {"contained": pa.array([verdict.contained for verdict in verdicts], pa.float64()), **others}
    for name, column in columns.items():
        described = described.append_column(name, column)
    return described.filter(pa.array(~members.column("earlier").to_numpy()))
