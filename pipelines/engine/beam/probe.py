"""A runner that is named is tried out before the first phase: by a pipeline of a second that uses what phases use.

A runner may lose what a bundle gives at its end, or read a key's values by halves, and report success all the same: a
deduplication that finds nothing then looks like one that had nothing to find. What comes out is written to the run's
output, so this also shows whether workers and driver share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from schemas.faults import BadInput
from schemas.storage import join, read_json, remove, size_of, write_json
from schemas.wording import plural

ELEMENTS, KEYS = 1000, 7  # keys do not divide the elements, so that a group mistaken for another shows
PROBE = ".probe.json"  # below the output; removed when it is read


class ToBundleEnd(beam.DoFn):
    """Numbers to (key, number), half of them at once and half when the bundle ends."""

    def start_bundle(self) -> None:
        self._held: list[tuple[int, int]] = []

    def process(self, element: int) -> Iterator[tuple[int, int]]:
        if element % 2:
            yield element % KEYS, element
        else:
            self._held.append((element % KEYS, element))

    def finish_bundle(self) -> Any:
        for pair in self._held:
            yield WindowedValue(pair, GlobalWindow().max_timestamp(), (GlobalWindow(),))


class Probe(beam.PTransform):
    """Fan-out, Reshuffle, the end of a bundle, GroupByKey and a sum: what came of each, as a JSON file."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def expand(self, input_or_inputs: Any) -> Any:
        spread = (
            input_or_inputs
            | "One" >> beam.Create([ELEMENTS])
            | "FanOut" >> beam.FlatMap(numbers_below)
            | "Spread" >> beam.Reshuffle()
        )
        groups = spread | "BundleEnd" >> beam.ParDo(ToBundleEnd()) | "Group" >> beam.GroupByKey()
        counts = (
            spread | "CountSpread" >> beam.Map(lambda _: ("spread", 1)),
            groups | "CountGroups" >> beam.FlatMap(counts_of_group),
        )
        sums = counts | "Counts" >> beam.Flatten() | "Sum" >> beam.CombinePerKey(sum)
        return sums | "All" >> beam.combiners.ToDict() | "Write" >> beam.Map(write_probe, self._path)


def numbers_below(end: int) -> Iterator[int]:
    yield from range(end)


def counts_of_group(group: tuple[int, Iterable[int]]) -> Iterator[tuple[str, int]]:
    numbers = list(group[1])
    yield "keys", 1
    yield "at once", sum(number % 2 for number in numbers)
    yield "at bundle ends", sum(not number % 2 for number in numbers)
    yield "sum", sum(numbers)


def write_probe(counts: dict[str, int], path: str) -> None:
    write_json(path, counts)


EXPECTED = {
    "spread": ELEMENTS,
    "keys": KEYS,
    "at once": ELEMENTS // 2,
    "at bundle ends": ELEMENTS // 2,
    "sum": ELEMENTS * (ELEMENTS - 1) // 2,
}
MEANING = {
    "spread": "elements are lost or repeated in a Reshuffle",
    "keys": "a key's values come in more than one group, or not at all",
    "at once": "elements are lost or repeated before a GroupByKey",
    "at bundle ends": "what a bundle gives at its end (finish_bundle) is lost",
    "sum": "values are not those that were sent",
}


def probe_faults(counts: dict[str, int]) -> list[str]:
    """What the counts of a probe show, the cause before what follows of it."""
    wrong = [name for name, expected in EXPECTED.items() if counts.get(name, 0) != expected]
    return [f"{MEANING[name]} ({counts.get(name, 0):,} where {EXPECTED[name]:,} should be)" for name in wrong]


def try_runner(beam_args: tuple[str, ...], output: str, run: Any) -> None:
    """Run the probe. Raises BadInput for a runner on which data gets lost, or whose workers write elsewhere.

    output: folder of the run.
    run: runs the pipeline that a function builds, as `pipelines.engine.runner.run_pipeline` does, and returns the
        runner's name.
    """
    path = join(output, PROBE)
    remove(path)
    try:
        name = run(lambda root: root | Probe(path), 1, list(beam_args))
        if size_of(path) is None:
            where = f"its workers did not write to {output} as this process sees it, or lost all that was sent"
            raise BadInput(f"runner {name}: {where}; give an --output that all machines share, or another runner")
        if faults := probe_faults(read_json(path)):
            raise BadInput(
                f"runner {name} loses data: {faults[0]}; a trial of {plural(ELEMENTS, 'element')} showed it, and a "
                "dataset made there would be wrong. Take another runner"
            )
    finally:
        remove(path)
