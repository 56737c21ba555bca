"""The command, and workers, as processes of their own without the seconds of their start: forked from one that has
imported everything.

For trials that end a process, and for what workers write; how they start is for tests that start them as people do.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from support.command import Ended
from support.killing import Killing, install

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.support.preloaded"])  # the server looks from the checkout on


@dataclass
class Signalled:
    """A signal to a run, some time after its so many-th flush or renaming.

    after: how many of these go by before; delay_s: from then on.
    """

    number: signal.Signals
    after: int
    delay_s: float

    def install(self) -> None:
        flush, replace = os.fsync, os.replace
        self._left = self.after

        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **options: Any) -> Any:
                self._left -= 1
                if self._left == -1:
                    timer = threading.Timer(self.delay_s, os.kill, (os.getpid(), self.number))
                    timer.daemon = True
                    timer.start()
                return real(*args, **options)

            return call

        os.fsync, os.replace = counted(flush), counted(replace)


def run_forked(*args: object, log: Path, killing: Killing | Signalled | None = None, timeout_s: float = 120.0) -> Ended:
    """Run the command to its end, or to that which `killing` makes; returncode is -N after signal N.

    log: a file for what it prints, given back as stderr.
    """
    return run_together([args], log, killing, timeout_s)[0]


def run_together(
    commands: Sequence[Sequence[object]],
    log: Path,
    killing: Killing | Signalled | None = None,
    timeout_s: float = 120.0,
) -> list[Ended]:
    """Run commands that begin in one moment, each as `run_forked` does."""
    logs = [log.with_name(f"{log.name}{number or ''}") for number in range(len(commands))]
    words = [list(map(str, command)) for command in commands]
    gun = FORKS.Barrier(len(commands))
    given = [(args, str(file), dict(os.environ), killing, gun) for args, file in zip(words, logs, strict=True)]
    processes = [FORKS.Process(target=main_of_fork, args=each) for each in given]
    for process in processes:
        process.start()
    until = time.monotonic() + timeout_s
    for process, args, file in zip(processes, words, logs, strict=True):
        process.join(max(until - time.monotonic(), 0))
        if process.exitcode is None:
            for each in processes:
                each.kill()
            raise AssertionError(f"{args} takes more than {timeout_s} s: {file.read_text()}")
    ended = zip(words, processes, logs, strict=True)
    return [Ended(args, process.exitcode or 0, "", file.read_text()) for args, process, file in ended]


def main_of_fork(
    args: list[str], log: str, environment: dict[str, str], killing: Killing | Signalled | None, gun: Barrier
) -> None:
    os.environ.update(environment)  # the server's is of its own start
    output = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if isinstance(killing, Signalled):
        killing.install()
    elif killing is not None:
        install(killing)
    from pipelines.__main__ import main

    gun.wait()
    sys.exit(main(args))


class Forked:
    """A process as `subprocess.Popen` gives it, but forked: runs a function that the server can import."""

    def __init__(self, target: Callable[..., None], *args: Any) -> None:
        self._process = FORKS.Process(target=target, args=args, daemon=True)
        self._process.start()
        self.pid = self._process.pid
        self.terminate, self.kill = self._process.terminate, self._process.kill

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return self._process.exitcode


@contextmanager
def forked_workers() -> Iterator[list[Forked]]:
    """In this context the worker processes of an in-process runner, Bateia's or Beam's own, are forked.

    Gives those that were, as they come.
    """
    from apache_beam.runners.portability import local_job_service

    begun: list[Forked] = []

    def fork(command: str, shell: bool, env: dict[str, str]) -> Forked:
        begun.append(Forked(main_of_worker, command, env))
        return begun[-1]

    with mock.patch.object(local_job_service, "subprocess", SimpleNamespace(Popen=fork)):
        yield begun


def main_of_worker(command: str, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [command]
    if "pipelines.engine.worker" in command:
        from pipelines.engine import worker

        os.environ[worker.DRIVER] = str(os.getppid())  # the server's, which lives as long as the driver
        worker.main()
    else:
        from apache_beam.runners.worker import sdk_worker_main

        assert sdk_worker_main.__name__ in command, command
        sdk_worker_main.main(sys.argv)
