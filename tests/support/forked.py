"""The command as a process of its own without the seconds of its start: forked from one that has imported everything.

For trials that end a process; how the command starts is for tests that start it as people do.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.command import Ended
from support.killing import Killing, install

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        *("apache_beam", "apache_beam.runners.portability.fn_api_runner.fn_runner", "spacy", "presidio_analyzer"),
        *("pipelines.cli.app", "pipelines.engine.runner", "pipelines.stages.shard", "pipelines.stages.dedup.run"),
        *("transforms.curate", "transforms.dedup.corpus", "transforms.encode", "transforms.steps.pii.recognisers"),
        *("pipelines.reports.curate", "pipelines.reports.corpus", "sentencepiece", "tokenizers", "tiktoken"),
    ]
)


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
    process = FORKS.Process(target=main_of_fork, args=([str(arg) for arg in args], str(log), dict(os.environ), killing))
    process.start()
    process.join(timeout_s)
    if process.exitcode is None:
        process.kill()
        raise AssertionError(f"{args} takes more than {timeout_s} s: {log.read_text()}")
    return Ended(list(map(str, args)), process.exitcode, "", log.read_text())


def main_of_fork(args: list[str], log: str, environment: dict[str, str], killing: Killing | Signalled | None) -> None:
    os.environ.update(environment)  # the server's is of its own start
    output = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if isinstance(killing, Signalled):
        killing.install()
    elif killing is not None:
        install(killing)
    from pipelines.__main__ import main

    sys.exit(main(args))
