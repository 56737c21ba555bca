"""One run of any stage: prepared, executed phase by phase, interrupted, resumed, summed up."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from pipelines.engine.progress import Monitor, Progress
from transforms.lean_beam import load_beam

EXIT_BROKEN, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 1, 2, 130


@dataclass(frozen=True)
class Execution:
    """How a run is executed. Nothing in it changes a byte of the output.

    workers: processes of the in-process runner.
    beam_args: options for Beam, which may name another runner.
    guard: stop a run of which a step drops nearly everything.
    overwrite: replace what an earlier run wrote.
    quiet: no progress line.
    """

    workers: int = 1
    beam_args: tuple[str, ...] = ()
    guard: bool = True
    overwrite: bool = False
    quiet: bool = False


PARALLEL = re.compile(r"--(?:parallelism|max_num_workers|num_workers)(?:=| )(\d+)")


def workers_named(beam_args: Iterable[str], least: int) -> int:
    """Workers that options for Beam ask for, or `least` where they name no number."""
    return max([least, *map(int, PARALLEL.findall(" ".join(beam_args)))])


class Summary(Protocol):
    """What a run came to."""

    def lines(self) -> Iterable[str]:
        """As text for a terminal."""
        ...


class StageRun(Protocol):
    """A stage's run as asked for: inputs and settings are fixed, and nothing is written yet."""

    @property
    def output(self) -> str: ...

    def is_finished(self) -> bool:
        """Whether the output holds this same run, finished."""
        ...

    def finished_differences(self) -> list[tuple[str, Any, Any]]:
        """What a finished output was asked for that is another now: name, value before, value now."""
        ...

    def prepare(self, overwrite: bool) -> None:
        """Make the output ready to be written or resumed. Raises BadInput if it holds anything else."""
        ...

    def execute(self, phases: Phases) -> Summary:
        """Do what is left of the run, phase by phase, and write the manifest last. Raises BrokenRun."""
        ...

    def progress_summary(self) -> str:
        """What is finished so far, such as "3 of 8 units are finished"."""
        ...


class Stopped(Exception):
    """A run that ended early in good order and has printed why.

    code: the command's exit code.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class PhaseTime(NamedTuple):
    """A phase, and its seconds by the clock."""

    phase: str
    wall_s: float


@dataclass(frozen=True)
class RunStats:
    """How a run went.

    runner: name of the Beam runner.
    workers: processes asked for.
    wall_s: seconds since the run began.
    phases: times of those that ran.
    """

    runner: str
    workers: int
    wall_s: float
    phases: tuple[PhaseTime, ...] = ()


@dataclass
class Phases:
    """Runs the phases of a stage, one Beam pipeline each, and times them.

    runner: name of the last one used.
    timings: times of the phases that ran.
    """

    execution: Execution
    progress: Progress
    runner: str = field(default="none", init=False)
    timings: list[PhaseTime] = field(default_factory=list, init=False)
    _started: float = field(default_factory=time.monotonic, init=False)

    @property
    def stats(self) -> RunStats:
        """The run so far."""
        elapsed = time.monotonic() - self._started
        return RunStats(self.runner, self.execution.workers, elapsed, tuple(self.timings))

    def run(self, name: str, tasks: int, build: Callable[[Any], Any], monitor: Monitor | None = None) -> None:
        """A pipeline of `tasks` things to do, which `build` wires onto the root that it is given."""
        load_beam()
        from pipelines.engine.runner import run_pipeline

        workers = min(self.execution.workers, max(tasks, 1))
        self.run_locally(name, lambda: run_pipeline(build, workers, list(self.execution.beam_args)), monitor)

    def run_locally(self, name: str, work: Callable[[], str | None], monitor: Monitor | None = None) -> None:
        """A phase in this process. work: may return the name of the runner it used."""
        self.progress.begin(name, monitor)
        started = time.monotonic()
        self.runner = work() or self.runner
        self.timings.append(PhaseTime(name, time.monotonic() - started))


def run_stage(run: StageRun, execution: Execution) -> int:
    """Prepare the output, execute the run and print its summary. Returns the exit code.

    Where it stops early it prints what is finished and how to go on. Raises BadInput.
    """
    load_beam()
    from pipelines.engine.runner import exit_now
    from schemas.faults import BadInput, BrokenRun
    from schemas.storage import join

    def report_stopped(what: str) -> None:
        sys.stderr.write(
            f"bateia: {what}; {run.progress_summary()} in {run.output}. The same command goes on from there.\n"
        )

    def stop(*_: object) -> None:
        # Unwinding would tear workers down in the middle of a page, with a traceback for each. Nothing needs unwinding:
        # what is unfinished lies under temporary names, and workers exit with their parent.
        sys.stderr.write("\n")
        report_stopped("stopped")
        exit_now(EXIT_INTERRUPTED)

    run.prepare(execution.overwrite)
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        with Progress(shown=not execution.quiet) as progress:
            summary = run.execute(Phases(execution, progress))
    except BadInput:
        raise
    except BrokenRun as fault:
        sys.stderr.write(f"bateia: {fault}\n")
        return EXIT_BROKEN
    except Stopped as stopped:
        return stopped.code
    except Exception as fault:  # whatever a step raised; what is finished stays so
        log = join(run.output, "failure.log")
        sys.stderr.write(f"bateia: {error_line(fault)}\n")
        write_traceback(log)
        report_stopped(f"the run failed (details in {log})")
        exit_now(EXIT_BROKEN)
    for line in summary.lines():
        print(line)
    return 0


def error_line(fault: BaseException) -> str:
    """What went wrong, without the traceback that a worker process sends along."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    if not isinstance(fault, (RuntimeError, OSError)):  # a step's own; a KeyError's text is but the key
        return f"{type(fault).__name__}: {' '.join(lines)}"[:500]
    return next((line for line in reversed(lines) if ": " in line), lines[-1] if lines else type(fault).__name__)[:500]


def write_traceback(path: str) -> None:
    import traceback

    from schemas.storage import write_whole

    try:
        with write_whole(path) as file:
            file.write(traceback.format_exc().encode("utf-8", "replace"))
    except OSError:  # a full disk may be why the run failed
        traceback.print_exc()
