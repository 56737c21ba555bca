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
class Workload:
    """What every system computes.

    tokens: a file of int32, shape (batches, rows, context + 1).
    device: cpu or cuda.
    dtype: of computation: float32 or bfloat16.
    vocab_size, context: of the model, in tokens.
    rows: of a batch.
    dim, layers, heads: of the model.
    kv_heads: heads of keys and values, for those that have fewer of them.
    hidden: width of the feed-forward layers, for those that can choose it.
    """

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
    """What a system says of itself once it is ready.

    parameters: weights of its model.
    flops: of a token, forward and backward, as its authors count them.
    device: its name.
    start_s: seconds from start to the end of the first step, compiling included.
    """

    parameters: int
    flops: float
    device: str
    start_s: float = 0.0


@dataclass(frozen=True)
class Round:
    """Some steps in a row.

    seconds: of each step.
    memory: the most bytes allocated on the device so far, 0 where it is not known.
    """

    seconds: list[float]
    memory: int


@dataclass(frozen=True)
class System:
    """The child's side of a system.

    step: makes one more step.
    finish: waits for what is under way; returns the memory, as `Round` has it.
    """

    facts: Facts
    step: Callable[[], Any]
    finish: Callable[[], int]


def serve(make: Callable[[Workload], System], workload: str) -> None:
    """The child's whole life. workload: JSON of `Workload`."""
    started = time.perf_counter()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    system = make(Workload(**json.loads(workload)))
    system.step()
    start_s = time.perf_counter() - started
    for _ in range(WARM_UP):
        system.step()
    system.finish()
    answer(answers, asdict(system.facts) | {"start_s": start_s})
    for line in sys.stdin:
        answer(answers, asdict(timed(system, int(line))))


def timed(system: System, count: int) -> Round:
    system.step()  # the processor's caches are another system's by now
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        system.step()
        seconds.append(time.perf_counter() - started)
    return Round(seconds, system.finish())


def answer(file: Any, value: Any) -> None:
    file.write(json.dumps(value) + "\n")
    file.flush()


class Child:
    """The parent's side. `ready` waits until the system is compiled and warm."""

    def __init__(self, command: list[str], workload: Workload, log: Path, environment: Mapping[str, str]) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [*command, json.dumps(asdict(workload))],
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
