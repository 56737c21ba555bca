"""A run in an order that dice draw: units by whichever worker, some of them twice, workers and drivers that die."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from pipelines.engine.beam.evidence import require_units
from pipelines.engine.run import Phases
from schemas.manifest import FileEntry
from transforms.units import Records, UnitFiles, Work, read_units, run_unit


class Dies(Exception):
    """A worker or driver that ends in the middle."""


@dataclass
class Deaths:
    """How often something died. workers: within a unit; drivers: after a phase."""

    workers: int = 0
    drivers: int = 0


@contextmanager
def dying(moment: str) -> Iterator[None]:
    """A worker that dies before its files have their names, between them and its record, or after that; or not."""
    commit, write = UnitFiles.commit, Records.write

    def dying_commit(self: UnitFiles) -> list[FileEntry]:
        if moment == "files":
            raise Dies
        return commit(self)

    def dying_write(self: Records, record: dict[str, Any]) -> None:
        if moment == "record":
            raise Dies
        write(self, record)

    with mock.patch.object(UnitFiles, "commit", dying_commit), mock.patch.object(Records, "write", dying_write):
        yield
    if moment == "after":
        raise Dies


def do_units(work: Work, records: Records, units: Sequence[Any], dice: random.Random, deaths: Deaths) -> None:
    """Do units in any order, two of them twice, until all are done. `work` has been set up."""
    waiting = [*units, *dice.choices(units, k=2)] if units else []
    dice.shuffle(waiting)
    while waiting:
        unit = waiting.pop()
        try:
            with dying(dice.choice(["", "", "", "files", "record", "after"])):
                run_unit(work, records, unit)
        except Dies:
            deaths.workers += 1
            waiting.insert(dice.randint(0, len(waiting)), unit)


@contextmanager
def scheduled(dice: random.Random) -> Iterator[Deaths]:
    """Have this process' runs do their units so, and die after phases."""
    deaths, run = Deaths(), Phases.run

    def run_units(
        self: Phases, name: str, listed: str, work: Work, records: Records, sizes: Any, *_: Any, **__: Any
    ) -> None:
        work.setup()
        try:
            do_units(work, records, [work.parse(line) for line in read_units(listed)], dice, deaths)
        finally:
            work.close()
        require_units(records, {unit for unit, _ in sizes}, name)
        perhaps_die()

    def run_phase(self: Phases, *args: Any, **options: Any) -> None:
        run(self, *args, **options)
        perhaps_die()

    def perhaps_die() -> None:
        if dice.random() < 0.15:
            deaths.drivers += 1
            raise Dies("the driver")

    with mock.patch.object(Phases, "run_units", run_units), mock.patch.object(Phases, "run", run_phase):
        yield deaths
