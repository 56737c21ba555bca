"""Units over a Beam runner's workers: the wiring around `transforms.units`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam

from transforms.units import Records, Work, read_units, run_unit


class RunUnits(beam.PTransform):
    """Paths of lists of units (JSON lines) in, names of the finished units out; their files are written on the way.

    A unit is a line of text here, so the shuffle that spreads units over workers moves no data.
    """

    def __init__(self, work: Work, records: Records) -> None:
        super().__init__()
        self._work, self._records = work, records

    def expand(self, input_or_inputs: Any) -> Any:
        return (
            input_or_inputs
            | "ReadUnits" >> beam.FlatMap(read_units)
            | "SpreadUnits" >> beam.Reshuffle()
            | "RunUnit" >> beam.ParDo(RunUnit(self._work, self._records))
        )


class RunUnit(beam.DoFn):
    """One line of a list of units to the name of the finished unit."""

    def __init__(self, work: Work, records: Records) -> None:
        self._work, self._records = work, records

    def setup(self) -> None:
        self._work.setup()  # a missing library or asset fails here, before any unit is begun

    def process(self, element: dict[str, Any]) -> Iterator[str]:
        unit = self._work.parse(element)
        run_unit(self._work, self._records, unit)
        yield unit.name

    def teardown(self) -> None:
        self._work.close()
