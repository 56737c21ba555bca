"""Array mode: the units of a stage over tasks that know nothing of each other, as of a Slurm array, an indexed job or
two shells; then one more command for what needs them all.

A task takes every N-th unit of the plan, in this process, without an engine. Which task does a unit changes no byte of
it, so the number of tasks may be another at each submission, and a task that was killed is begun again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from schemas.faults import BadInput, BrokenRun
from schemas.wording import plural
from transforms.steps.fetch.settings import Share

T = TypeVar("T")
MAX_TASKS = 100_000


@dataclass(frozen=True)
class ArrayTask:
    """One task of many.

    index: from 1 to count.
    """

    index: int
    count: int

    @property
    def name(self) -> str:
        return f"{self.index}-of-{self.count}"

    @property
    def share(self) -> Share:
        """Its part of the requests a second to one host."""
        return Share(self.count, self.index)

    def of(self, units: Sequence[T]) -> list[T]:
        """The units of this task, of all in the order of the plan."""
        return list(units[self.index - 1 :: self.count])


def parse_task(text: str) -> ArrayTask:
    """I/N as a task. Raises BadInput for anything else."""
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]) <= MAX_TASKS:
        raise BadInput(f"--part {text} is no task of many; give I/N, such as 3/8, with I from 1 to N")
    return ArrayTask(int(match[1]), int(match[2]))


@dataclass(frozen=True)
class TaskSummary:
    """What a task came to, or a step between tasks."""

    text: str

    def lines(self) -> Iterable[str]:
        return (self.text,)


def require_all(there: Collection[str], names: Sequence[str], what: str) -> None:
    """Raise BrokenRun unless all units of all tasks are there. what: they are, such as "curated"."""
    missing = [number for number, name in enumerate(names, 1) if name not in there]
    if missing:
        raise BrokenRun(
            f"{len(names) - len(missing):,} of {plural(len(names), 'unit')} are {what}; unit {missing[0]:,} is the "
            "first that is not: run its --part again, then --finish"
        )
