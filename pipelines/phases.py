"""The phases of a stage, one pipeline each, run and timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Phases:
    """Runs a phase's pipeline, or skips one that an earlier run finished, and times it.

    begin: told of each phase's name as it starts.
    """

    workers: int
    beam_args: list[str]
    begin: Callable[[str], None]

    def __post_init__(self) -> None:
        self.runner = "none"
        self.timings: list[dict[str, Any]] = []

    def run(self, name: str, tasks: int, build: Callable[[Any], Any]) -> None:
        from pipelines.runner import run_pipeline

        self.begin(name)
        started = time.monotonic()
        self.runner = run_pipeline(build, min(self.workers, max(tasks, 1)), self.beam_args)
        self.timings.append({"phase": name, "wall_s": time.monotonic() - started})

    def here(self, name: str, work: Callable[[], None]) -> None:
        """A phase without a pipeline, in this process."""
        self.begin(name)
        started = time.monotonic()
        work()
        self.timings.append({"phase": name, "wall_s": time.monotonic() - started})
