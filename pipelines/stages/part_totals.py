"""Records of parts added up: by this process where they are few, group by group by workers where they are many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from pipelines.engine.run import Phases
from schemas.manifest import FileEntry
from schemas.storage import absolute, join, remove_folder
from transforms.totals import GROUP_UNITS, UnitGroup, groups_of
from transforms.units import Heartbeat, Records, UnitFiles, UnitResult, write_units

FEW_PARTS = 2 * GROUP_UNITS


class PartTally(Protocol):
    """Counts of a part, or of many: a dataclass whose `asdict` is what `from_json` takes."""

    def merge(self, other: Any) -> None: ...

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Any: ...


T = TypeVar("T", bound=PartTally)


@dataclass
class PartTotals(Generic[T]):
    """What parts come to together.

    tally: their tallies, merged.
    files: of all of them.
    cpu_s: sum; max_rss_mb: the largest.
    """

    tally: T
    files: list[FileEntry] = field(default_factory=list)
    cpu_s: float = 0.0
    max_rss_mb: float = 0.0

    @property
    def timings(self) -> dict[str, float]:
        return {"cpu_s": self.cpu_s, "max_rss_mb": self.max_rss_mb}

    def merge(self, other: PartTotals[T]) -> None:
        self.tally.merge(other.tally)
        self.files += other.files
        self.cpu_s += other.cpu_s
        self.max_rss_mb = max(self.max_rss_mb, other.max_rss_mb)

    def to_json(self) -> dict[str, Any]:
        files = [[file.path, file.rows, file.bytes, file.sha256] for file in self.files]
        return {"tally": asdict(self.tally), "files": files, **self.timings}  # pyright: ignore[reportArgumentType]


def of_record(kind: type[T], record: dict[str, Any]) -> PartTotals[T]:
    """A part's record as totals."""
    files = [FileEntry(**file) for file in record["files"]]
    timings = record["timings"]
    return PartTotals(kind.from_json(record["tally"]), files, timings["cpu_s"], timings["max_rss_mb"])


def of_group(kind: type[T], value: dict[str, Any]) -> PartTotals[T]:
    files = [FileEntry(*file) for file in value["files"]]
    return PartTotals(kind.from_json(value["tally"]), files, value["cpu_s"], value["max_rss_mb"])


def add_up(nothing: T, records: Records, parts: list[str], phases: Phases) -> PartTotals[T]:
    """Totals of finished parts. nothing: the tally of none. Raises BrokenRun if the runner left any out."""
    totals = PartTotals(nothing)
    for group in in_groups(type(nothing), records, parts, phases)():
        totals.merge(group)
    return totals


def in_groups(
    kind: type[T], records: Records, parts: list[str], phases: Phases
) -> Callable[[], Iterator[PartTotals[T]]]:
    """Reads totals of single parts where they are few; else of neighbouring ones, which workers add up first."""
    if len(parts) <= FEW_PARTS:
        return lambda: (of_record(kind, records.read(part)) for part in parts)
    sizes, added = records.sizes(), Records(records.output, "work/totals")
    groups = groups_of({part: sizes[part] for part in parts})
    remove_folder(join(records.output, "work", "totals"))  # an earlier run's may be of parts that were done again
    listed = join(records.output, "work", "groups.jsonl")
    write_units(listed, groups)
    work = AddUpParts(kind, replace(records, output=absolute(records.output)))
    phases.run_units("add up", listed, work, added, [(group.name, len(group.units)) for group in groups], "part")
    return lambda: (of_group(kind, added.read(group.name)["tally"]) for group in groups)


class AddUpParts:
    """The records of a group of parts to their totals, which are its own record's tally."""

    def __init__(self, kind: type[Any], records: Records) -> None:
        """kind: of the tallies. records: of the parts; their output is named so that every worker finds it."""
        self._kind, self._records = kind, records

    def setup(self) -> None:
        return

    def parse(self, line: dict[str, Any]) -> UnitGroup:
        return UnitGroup(line["name"], line["units"])

    def run(self, unit: UnitGroup, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        records = self._records.read_all(unit.units)
        totals = of_record(self._kind, next(records))
        for done, record in enumerate(records, 2):
            totals.merge(of_record(self._kind, record))
            heartbeat(done)
        return UnitResult(totals.to_json())

    def close(self) -> None:
        return
