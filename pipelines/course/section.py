"""What a section of the course is, and what it is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import Struct

from pipelines.course.pace import Pace
from pipelines.course.page import Part
from pipelines.course.words import Words


@dataclass(frozen=True)
class Work:
    """What a section works with.

    course: folder of the course; folder: the section's own in it
    pace: how much is done
    backend: jax or torch
    workers: processes for the data
    tell: is told what is being done and which share of it, 0 to 1
    """

    course: Path
    folder: Path
    pace: Pace
    backend: str
    workers: int
    tell: Callable[[str, float], None]

    def of(self, section: str, *names: str) -> str:
        """A path in another section's folder."""
        return str(self.course.joinpath(section, *names))

    def file(self, page: str) -> str:
        """Where a page of the section's own is written."""
        return str(self.folder / f"{page}.html")

    def page(self, name: str) -> str:
        """A page of the section's own, as its numbers and other pages name it."""
        return f"{self.folder.name}/{name}.html"


@dataclass(frozen=True)
class Section:
    """One section.

    name: of its folder and its texts
    needs: sections whose results it is made from, all of them before it
    minutes: of CPU in the full pace, reckoned from 0.53 s for a step of 4,096 tokens on a Xeon; only the share of
        all matters, for the time that is left
    settings: fields of Pace that it depends on, besides what `needs` do
    numbers: what it measures, as numbers.json holds it
    measure: does the work; a second call goes on where a first one was stopped
    tell: from the numbers to the parts of its page
    quick_minutes: as `minutes`, in the quick pace, where a training's steps weigh little and its beginning much; by the
        clock of a busy machine and the CPU time of four sections there
    """

    name: str
    needs: tuple[str, ...]
    minutes: float
    settings: tuple[str, ...]
    numbers: type[Struct]
    measure: Callable[[Work], Struct]
    tell: Callable[[Any, Words], Sequence[Part]]
    quick_minutes: float = 0.2
