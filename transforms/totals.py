"""Records of many units as one: a crawl's are added up by workers, group by group, so that a driver reads few."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from schemas.manifest import FileEntry
from schemas.tally import Tally
from transforms.units import Heartbeat, Records, UnitFiles, UnitResult

GROUP_UNITS, MOST_GROUPS = 256, 16  # of more units a group has more: each is six requests to an object store
GROUP_HOSTS = 20_000  # hosts kept of a group, those with the most pages


@dataclass
class UnitTotals:
    """What finished units come to together.

    tally: their tallies, merged.
    files: of all of them.
    read: responses by unit.
    cpu_s, child_cpu_s, requests, fetched_bytes: sums; max_rss_mb: the largest.
    """

    tally: Tally = field(default_factory=Tally)
    files: list[FileEntry] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=dict)
    cpu_s: float = 0.0
    child_cpu_s: float = 0.0
    max_rss_mb: float = 0.0
    requests: int = 0
    fetched_bytes: int = 0

    def add(self, record: dict[str, Any]) -> None:
        """A unit's record."""
        timings = record["timings"]
        self.tally.merge(Tally.from_json(record["tally"]))
        self.files += (FileEntry(**file) for file in record["files"])
        self.read[record["name"]] = record["tally"]["read"]
        self.cpu_s += timings["cpu_s"]
        self.child_cpu_s += timings["child_cpu_s"]
        self.max_rss_mb = max(self.max_rss_mb, timings["max_rss_mb"])
        self.requests += timings.get("requests", 0)
        self.fetched_bytes += timings.get("fetched_bytes", 0)

    def merge(self, other: UnitTotals) -> None:
        self.tally.merge(other.tally)
        self.files += other.files
        self.read |= other.read
        self.cpu_s += other.cpu_s
        self.child_cpu_s += other.child_cpu_s
        self.max_rss_mb = max(self.max_rss_mb, other.max_rss_mb)
        self.requests += other.requests
        self.fetched_bytes += other.fetched_bytes

    def to_json(self) -> dict[str, Any]:
        return {
            "tally": self.tally.to_json(GROUP_HOSTS),
            "files": [[file.path, file.rows, file.bytes, file.sha256] for file in self.files],
            "read": self.read,
            "cpu_s": self.cpu_s,
            "child_cpu_s": self.child_cpu_s,
            "max_rss_mb": self.max_rss_mb,
            "requests": self.requests,
            "fetched_bytes": self.fetched_bytes,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> UnitTotals:
        files = [FileEntry(*file) for file in value["files"]]
        return cls(**{**value, "tally": Tally.from_json(value["tally"]), "files": files})


def totals_of(records: Iterable[dict[str, Any]]) -> UnitTotals:
    totals = UnitTotals()
    for record in records:
        totals.add(record)
    return totals


@dataclass(frozen=True)
class UnitGroup:
    """Neighbouring units of a plan.

    units: bytes of their records by their names.
    """

    name: str
    units: dict[str, int]


def groups_of(units: Mapping[str, int]) -> list[UnitGroup]:
    """units: as those of a group."""
    size = max(GROUP_UNITS, -(-len(units) // MOST_GROUPS))
    left, starts = iter(units.items()), range(0, len(units), size)
    return [UnitGroup(f"{start:09}", dict(islice(left, size))) for start in starts]


class AddUp:
    """A group's records to their totals, which are its own record's tally."""

    def __init__(self, records: Records) -> None:
        """records: of the units. Their output is named so that every worker finds it."""
        self._records = records

    def setup(self) -> None:
        return

    def parse(self, line: dict[str, Any]) -> UnitGroup:
        return UnitGroup(line["name"], line["units"])

    def run(self, unit: UnitGroup, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        totals = UnitTotals()
        for done, record in enumerate(self._records.read_all(unit.units), 1):
            totals.add(record)
            heartbeat(done)
        return UnitResult(totals.to_json())

    def close(self) -> None:
        return
