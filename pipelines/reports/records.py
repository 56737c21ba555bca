"""Rows that several reports have, and how they are made of tallies."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from pipelines.reports.charts import SplitBin

Number = int | float  # as a file has it: 3 stays 3 and 3.0 stays 3.0


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
