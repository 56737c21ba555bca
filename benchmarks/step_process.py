"""A process that makes training steps when it is asked to, so that systems can take turns without starting anew.

The child reads a number of steps per line and answers with a JSON line; whatever its libraries print goes to stderr.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

WARM_UP = 3  # steps after compiling, left out


@dataclass(frozen=True)
class Work:
    """What every system computes. tokens: a file of int32, shape (batches, rows, context + 1). hidden, kv_heads: for
    those that have them. dtype: of computation."""

    tokens: str
    device: str
    dtype: str
    vocab_size: int
    context: int
    rows: int
    dim: int
    layers: int
    heads: int
    kv_heads: int
    hidden: int


@dataclass(frozen=True)
class Facts:
    """What a system says of itself once it is ready. flops: of a token, forth and back, as its authors count them."""

    parameters: int
    flops: float
    device: str
    start_s: float = 0.0


@dataclass(frozen=True)
class Round:
    """seconds: of each step. memory: most bytes allocated on the device so far, 0 where it is not known."""

    seconds: list[float]
    memory: int


@dataclass(frozen=True)
class Steps:
    """A system's side. step: one more step. rest: finishes what is under way; tells the memory, as `Round` has it."""

    facts: Facts
    step: Callable[[], Any]
    rest: Callable[[], int]


def serve(make: Callable[[Work], Steps], work: str) -> None:
    """The child's whole life. work: JSON of `Work`."""
    began = time.perf_counter()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    steps = make(Work(**json.loads(work)))
    steps.step()
    start_s = time.perf_counter() - began
    for _ in range(WARM_UP):
        steps.step()
    steps.rest()
    answer(answers, asdict(steps.facts) | {"start_s": start_s})
    for line in sys.stdin:
        answer(answers, asdict(timed(steps, int(line))))


def timed(steps: Steps, count: int) -> Round:
    steps.step()  # caches of the processor are another system's by now
    seconds = []
    for _ in range(count):
        began = time.perf_counter()
        steps.step()
        seconds.append(time.perf_counter() - began)
    return Round(seconds, steps.rest())


def answer(file: Any, value: Any) -> None:
    file.write(json.dumps(value) + "\n")
    file.flush()


class Child:
    """The parent's side. `ready` waits until it is compiled and warm."""

    def __init__(self, command: list[str], work: Work, log: Path, environment: Mapping[str, str]) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [*command, json.dumps(asdict(work))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **environment},
            )

    def ready(self) -> Facts:
        return Facts(**self._read())

    def round(self, steps: int) -> Round:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        return Round(**self._read())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _read(self) -> dict[str, Any]:
        """Raises RuntimeError with the end of the child's log if it has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise RuntimeError(f"ended with {code}: {self._log.read_text(errors='replace')[-1500:]}")
        return json.loads(line)
