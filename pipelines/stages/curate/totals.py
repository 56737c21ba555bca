"""The units of a curation added up: by this process where they are few, by workers where they are many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.engine.output import damaged_files
from pipelines.engine.run import Phases, RunStats
from schemas.storage import absolute, join, remove, remove_folder
from transforms.totals import GROUP_UNITS, AddUp, UnitTotals, groups_of, totals_of
from transforms.units import Records, write_units

if TYPE_CHECKING:
    from pipelines.reports.curate import Throughput

FEW_UNITS = 2 * GROUP_UNITS
WHOLE_FILES_FROM = 1001  # WARC files, from which on a unit is a whole one: a crawl has 90,000 of 1 GB
UNIT_MB = 64


def unit_bytes(unit_mb: int | None, sizes: list[int]) -> int:
    """Most bytes of a unit. unit_mb: as asked for, or None. sizes: of the files.

    A unit's record and its files cost the driver a listing's line each, so a crawl's are not cut further.
    """
    if unit_mb is not None:
        return unit_mb << 20
    return UNIT_MB << 20 if len(sizes) < WHOLE_FILES_FROM else max(sizes, default=1)


def add_up(records: Records, units: Mapping[str, int], phases: Phases) -> UnitTotals:
    """Totals of finished units. units: sizes of their records by name. Raises BrokenRun if the runner left any out."""
    if len(units) <= FEW_UNITS:
        return totals_of(records.read_all(units))
    groups, added = groups_of(units), Records(records.output, "work/totals")
    remove_folder(join(records.output, "work", "totals"))  # an earlier run's may be of units that were done again
    listed = join(records.output, "work", "groups.jsonl")
    write_units(listed, groups)
    work = AddUp(replace(records, output=absolute(records.output)))
    phases.run_units("add up", listed, work, added, [(group.name, len(group.units)) for group in groups], "unit")
    totals = UnitTotals()
    for group in groups:
        totals.merge(UnitTotals.from_json(added.read(group.name)["tally"]))
    return totals


def forget_damaged(sizes: dict[str, int], records: Records, totals: UnitTotals, units: Iterable[str]) -> list[str]:
    """Units whose files are gone or were changed; their records are removed. sizes: of the files that there are."""
    damaged = damaged_files(totals.files, sizes)
    if not damaged:
        return []
    broken = [unit for unit in units if any(f"/part-{unit}.parquet" in path for path in damaged)]
    for unit in broken:
        remove(records.path(unit))
    return broken


def throughput_of(totals: UnitTotals, stats: RunStats, resumed: frozenset[str]) -> Throughput:
    """Times and rates of a run. Pages a second count what this run read; CPU and memory are of all units."""
    from pipelines.reports.curate import Throughput

    read, cpu_s = totals.tally.read, totals.cpu_s
    read_now = sum(read for name, read in totals.read.items() if name not in resumed)
    return Throughput(
        runner=stats.runner,
        workers=stats.workers,
        wall_s=stats.wall_s,
        cpu_s=cpu_s,
        extraction_cpu_s=totals.child_cpu_s,
        pages_per_s=read_now / stats.wall_s if stats.wall_s else 0.0,
        cpu_ms_per_page=1000 * cpu_s / read if read else 0.0,
        max_rss_mb=totals.max_rss_mb,
        units=len(totals.read),
        units_resumed=len(resumed),
        requests=totals.requests,
        fetched_bytes=totals.fetched_bytes,
    )
