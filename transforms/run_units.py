"""Units over a Beam runner's workers: the wiring around `transforms.units`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import apache_beam as beam

from schemas.lease import holding, read_claim
from schemas.storage import absolute
from transforms.units import Records, Work, read_units, run_unit


class RunUnits(beam.PTransform):
    """Paths of lists of units (JSON lines) in, names of the finished units out; their files are written on the way.

    A unit is a line of text here, so the shuffle that spreads units over workers moves no data. A unit is begun only
    while the run has its lease: an engine may go on with a job whose driver was stopped or is dead.
    """

    def __init__(self, work: Work, records: Records, task: tuple[int, int] = (1, 1)) -> None:
        """task: (i, n) for the i-th of every n units alone."""
        super().__init__()
        self._task = task
        self._work, self._records = work, replace(records, output=absolute(records.output))
        held = holding(records.output)
        self._lease = (absolute(held.path), held.claim.token) if held is not None else None

    def expand(self, input_or_inputs: Any) -> Any:
        return (
            input_or_inputs
            | "ReadUnits" >> beam.FlatMap(read_task, *self._task)
            | "SpreadUnits" >> beam.Reshuffle()
            | "RunUnit" >> beam.ParDo(RunUnit(self._work, self._records, self._lease))
        )


# A worker process of this machine ends with its driver in this time, which has told why; an engine's goes on to raise.
LAST_WORDS_S = 2.0


def read_task(path: str, index: int, count: int) -> Iterator[dict[str, Any]]:
    return islice(read_units(path), index - 1, None, count)


def is_held(path: str, token: str) -> bool:
    """Whether a lease is still there, and no other run's."""
    claim = read_claim(path)
    return claim is not None and claim.token == token


class RunUnit(beam.DoFn):
    """One line of a list of units to the name of the finished unit.

    lease: path and token of the run's, or None for one without.
    """

    def __init__(self, work: Work, records: Records, lease: tuple[str, str] | None = None) -> None:
        self._work, self._records, self._lease = work, records, lease

    def setup(self) -> None:
        self._work.setup()  # a missing library or asset fails here, before any unit is begun

    def process(self, element: dict[str, Any]) -> Iterator[str]:
        if self._lease is not None and not is_held(*self._lease):
            time.sleep(LAST_WORDS_S)
            raise RuntimeError(f"the run that writes {self._records.output} was stopped; its job ends here")
        unit = self._work.parse(element)
        run_unit(self._work, self._records, unit)
        yield unit.name

    def teardown(self) -> None:
        self._work.close()
