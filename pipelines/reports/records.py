"""Rows that several reports have, and how they are made of tallies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from pipelines.reports.charts import SplitBin
from pipelines.reports.formats import figure

Number = int | float  # as a file has it: 3 stays 3 and 3.0 stays 3.0
# What is estimated before a run and measured after it.
PAGES, CPU, WALL, REQUESTS, FETCHED = "pages", "CPU hours", "wall hours", "requests", "GB fetched"
WRITTEN, KEPT, TOKENS, MEMORY = "GB written", "documents kept", "million tokens", "MB of memory"
CHARS_OF_TOKEN = 4.0  # English and Portuguese under vocabularies of 32,768 have 4.0 to 4.6; other scripts fewer


class Stage(Struct, frozen=True):
    """One row of a funnel.

    reached: pages or documents that came to the stage.
    dropped: those that ended there.
    """

    stage: str
    reached: int
    dropped: int


class Domain(Struct, frozen=True):
    """Pages or documents of one host."""

    domain: str
    read: int
    kept: int


class Setting(Struct, frozen=True):
    """A setting of a step.

    step: the step's class, empty for a setting of a part of the step before.
    about: what the setting means.
    source: where its value comes from.
    """

    step: str
    name: str
    value: str
    about: str
    source: str


class Phase(Struct, frozen=True):
    """A phase of a run.

    wall_s: seconds by the clock.
    """

    phase: str
    wall_s: Number


class Amount(Struct, frozen=True):
    """An estimate, and the spread in which it may lie as far as the pieces that were tried show."""

    mean: Number
    low: Number
    high: Number

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.mean + other.mean, self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Amount:
        return Amount(self.mean * factor, self.low * factor, self.high * factor)

    def __str__(self) -> str:
        return f"{figure(self.mean)} ({figure(self.low)} to {figure(self.high)})"


class Estimate(Struct, frozen=True):
    """Of a run by a recipe.

    units: of the whole input; size: of them together, in bytes, rows of tables and records of selections
    pieces: that were tried
    workers: processes that the wall hours are for
    amounts: by the names above
    """

    recipe: str
    units: int
    size: int
    pieces: int
    workers: int
    amounts: dict[str, Amount]


class Compared(Struct, frozen=True):
    """A measure of a run beside its estimate."""

    measure: str
    estimated: Number
    low: Number
    high: Number
    measured: Number

    @property
    def is_within(self) -> bool:
        """Whether the run came out within the spread, as far as three digits show."""
        return float(f"{self.low:.3g}") <= float(f"{self.measured:.3g}") <= float(f"{self.high:.3g}")

    def __str__(self) -> str:
        spread = f"{figure(self.low)} to {figure(self.high)}"
        mark = "" if self.is_within else "; outside the estimate's spread"
        return f"{self.measure}: {figure(self.measured)}, estimated {figure(self.estimated)} ({spread}){mark}"


def by_step(settings: Iterable[Setting]) -> list[tuple[str, list[Setting]]]:
    """Settings in groups of one step."""
    groups: list[tuple[str, list[Setting]]] = []
    for setting in settings:
        if not groups or setting.step not in ("", groups[-1][0]):
            groups.append((setting.step, []))
        groups[-1][1].append(setting)
    return groups


def top(counts: dict[str, list[int]], most: int) -> list[tuple[str, int, int]]:
    """(name, first count, second count) of those with the largest first counts; of equals, by name."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    return [(name, first, second) for name, (first, second) in ordered[:most]]


def lengths_of(lengths: dict[str, list[int]]) -> tuple[SplitBin, ...]:
    """Documents by characters of text, in powers of two without gaps, from a tally's (seen, kept) by exponent."""
    exponents = [int(exponent) for exponent in lengths]
    bins = []
    for exponent in range(min(exponents, default=0), max(exponents, default=-1) + 1):
        seen, kept = lengths.get(str(exponent), (0, 0))
        bins.append(SplitBin(1 << exponent, 2 << exponent, kept, seen - kept))
    return tuple(bins)


def compare(estimate: Estimate, measured: Mapping[str, float]) -> Iterator[Compared]:
    """The measures of the estimate that were measured, in its order, but for those that are nothing on both sides."""
    for name, amount in estimate.amounts.items():
        if name in measured and (measured[name] or amount.high):
            yield Compared(name, amount.mean, amount.low, amount.high, measured[name])
