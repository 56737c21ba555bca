"""One run of any stage: prepared, executed phase by phase, interrupted, resumed, summed up."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from pipelines.engine.progress import Monitor, Progress, UnitMonitor
from pipelines.engine.tasks import ArrayTask
from schemas.faults import BadInput
from schemas.lease import holding, release_all
from schemas.storage import absolute, remove
from transforms.lean_beam import load_beam
from transforms.steps.fetch.settings import Share
from transforms.units import Records, Work

if TYPE_CHECKING:
    from pipelines.engine.beam.graph import Inspector
    from pipelines.engine.beam.jobs import Job

IN_PROCESS = ("DirectRunner", "SwitchingDirectRunner", "BundleBasedDirectRunner", "FnApiRunner")
ADDRESSES = ("job_endpoint", "flink_master", "spark_master_url")  # options that say where jobs run
EXIT_BROKEN, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 1, 2, 130
FAILURE = "failure.log"  # in the output, of a run that failed
TRIED: set[tuple[str, ...]] = set()  # options for Beam whose runner this process has tried out


@dataclass(frozen=True)
class Execution:
    """How a run is executed. Nothing in it changes a byte of the output.

    workers: processes of the in-process runner.
    beam_args: options for Beam, which may name another runner.
    guard: stop a run of which a step drops nearly everything.
    overwrite: replace what an earlier run wrote.
    quiet: no progress line.
    task: of an array, whose units alone are done; None for all.
    finish: do what an array's tasks have left, and none of their units.
    inspector: looks at the graph of every phase; None where nobody asks.
    """

    workers: int = 1
    beam_args: tuple[str, ...] = ()
    guard: bool = True
    overwrite: bool = False
    quiet: bool = False
    task: ArrayTask | None = None
    finish: bool = False
    inspector: Inspector | None = None


PARALLEL = re.compile(r"--(?:parallelism|max_num_workers|num_workers)(?:=| )(\d+)")


def workers_named(beam_args: Iterable[str], least: int) -> int:
    """Workers that options for Beam ask for, or `least` where they name no number."""
    return max([least, *map(int, PARALLEL.findall(" ".join(beam_args)))])


def share_of(execution: Execution) -> Share:
    """Whose share of the requests a second this process's workers take.

    The in-process runner's workers, and those that an engine starts here, share this machine's; tasks of an array have
    a share each, wherever they run; of an engine's other workers each may be on a machine of its own.
    """
    if execution.task is not None:
        return execution.task.share
    words = " ".join(execution.beam_args)
    runner = re.search(r"--runner(?:=| )(\S+)", words)
    if runner is None or runner[1].rpartition(".")[2] in IN_PROCESS or "LOOPBACK" in words:
        return Share()
    if PARALLEL.search(words) is None:
        return Share(known=False)
    return Share(workers_named(execution.beam_args, 1))


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


@runtime_checkable
class ArrayRun(StageRun, Protocol):
    """A stage whose units can be done by the tasks of an array."""

    def execute_task(self, phases: Phases) -> Summary:
        """Do the units of the execution's task. Raises BadInput or BrokenRun if it is not their turn."""
        ...

    def execute_finish(self, phases: Phases) -> Summary:
        """Do what comes after tasks, up to the next units or the manifest. Raises BrokenRun if units are missing."""
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
    workers: processes asked for, of an engine that is named its parallelism.
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

    output: folder of the run, where a runner that is named is tried out first.
    runner: name of the last one used.
    timings: times of the phases that ran.
    job: what an engine runs for the phase under way; None in this process.
    """

    execution: Execution
    progress: Progress
    output: str
    runner: str = field(default="none", init=False)
    timings: list[PhaseTime] = field(default_factory=list, init=False)
    job: Job | None = field(default=None, init=False)
    _started: float = field(default_factory=time.monotonic, init=False)

    @property
    def stats(self) -> RunStats:
        """The run so far."""
        elapsed = time.monotonic() - self._started
        workers = workers_named(self.execution.beam_args, self.execution.workers)
        return RunStats(self.runner, workers, elapsed, tuple(self.timings))

    def run(self, name: str, tasks: int, build: Callable[[Any], Any], monitor: Monitor | None = None) -> None:
        """A pipeline of `tasks` things to do, which `build` wires onto the root that it is given."""
        load_beam()
        from pipelines.engine.runner import run_pipeline

        self._try_runner(run_pipeline)
        if self.execution.inspector is not None:
            build = self.execution.inspector.looked_at(name, build)
        workers, args = min(self.execution.workers, max(tasks, 1)), list(self.execution.beam_args)
        self.job = job_of(args, self.output)
        self.run_locally(name, lambda: run_pipeline(build, workers, args, self.job), monitor)
        self._job_ended()

    def _job_ended(self) -> None:
        if self.job is not None:
            self.job.ended()
            self.job = None

    def _try_runner(self, run_pipeline: Callable[..., str]) -> None:
        """Try out a runner that is named, once in a process. Raises BadInput for one that loses data."""
        args = self.execution.beam_args
        if args and args not in TRIED:
            from pipelines.engine.beam.probe import try_runner

            self.progress.begin("trial")
            self.job = job_of(list(args), self.output)  # a trial that is stopped has a job to cancel too
            try_runner(args, self.output, lambda *given: run_pipeline(*given, self.job))
            self._job_ended()
            TRIED.add(args)

    def run_units(
        self,
        name: str,
        listed: str,
        work: Work,
        records: Records,
        sizes: Sequence[tuple[str, int]],
        noun: str,
        counted: tuple[str, ...] = (),
        done: Iterable[str] = (),
    ) -> None:
        """A pipeline of units of work, of an array's task its own alone. Raises BrokenRun if the runner left any out.

        listed: path of the list of units.
        sizes: of each unit by name, in the order of the list; noun and counted as of UnitMonitor.
        done: units that are finished already.
        """
        import apache_beam as beam

        from pipelines.engine.beam.evidence import require_units
        from transforms.run_units import RunUnits

        task = self.execution.task or ArrayTask(1, 1)
        monitor = UnitMonitor(records, task.of(sizes), noun, counted)
        wired = RunUnits(work, records, (task.index, task.count))
        if left := len(monitor.names - set(done)):
            self.run(name, left, lambda root: root | "Plan" >> beam.Create([absolute(listed)]) | wired, monitor)
            require_units(records, monitor.names, name)

    def run_shuffle(
        self, name: str, tasks: int, build: Callable[[Any], Any], counts: str, elements: dict[str, int]
    ) -> dict[str, int]:
        """A pipeline that shuffles; returns what it counted, which is in its JSON file `counts`.

        elements: how many inputs each of its shuffles has, by the shuffle's label.
        Raises BrokenRun if the runner lost anything.
        """
        from pipelines.engine.beam.evidence import require_counts

        remove(counts)  # an earlier run's would prove nothing of this one
        self.run(name, tasks, build)
        return require_counts(counts, name, elements)

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
    from schemas.faults import BrokenRun

    phases: list[Phases] = []

    def report_stopped(what: str) -> None:
        """Tell what is finished, and end what an engine still does for this run."""
        job = phases[0].job if phases else None
        told = f"; {job.stop()}" if job is not None else ""
        sys.stderr.write(
            f"bateia: {what}; {run.progress_summary()} in {run.output}{told}. The same command goes on from there.\n"
        )

    def stop(*_: object) -> None:
        # Unwinding would tear workers down in the middle of a page, with a traceback for each. Nothing needs unwinding:
        # what is unfinished lies under temporary names, and workers exit with their parent.
        handle_signals(lambda *_: exit_now(EXIT_INTERRUPTED))  # to cancel a job takes time; who is asked twice leaves
        sys.stderr.write("\n")
        report_stopped("stopped")
        exit_now(EXIT_INTERRUPTED)

    try:
        if execution.task is not None:
            prepare_task(run, execution.task)
        run.prepare(execution.overwrite)
    except BaseException:
        release_all()
        raise
    handle_signals(stop)
    try:
        with Progress(shown=not execution.quiet) as progress:
            phases.append(Phases(execution, progress, run.output))
            summary = execute(run, phases[0])
    except BadInput:
        raise
    except BrokenRun as fault:
        sys.stderr.write(f"bateia: {fault}\n")
        return EXIT_BROKEN
    except Stopped as stopped:
        return stopped.code
    except Exception as fault:  # whatever a step raised; what is finished stays so
        job = phases[0].job if phases else None
        told = job.first_fault() if job is not None else None
        sys.stderr.write(f"bateia: {told[:500] if told else error_line(fault)}\n")
        log = write_traceback(run.output)
        report_stopped(f"the run failed (details in {log})" if log else "the run failed")
        exit_now(EXIT_BROKEN)
    finally:
        release_all()
    for line in summary.lines():
        print(line)
    return 0


def execute(run: StageRun, phases: Phases) -> Summary:
    """The run, or as much of it as the execution asks for. Raises BadInput if it has no such part."""
    if phases.execution.task is None and not phases.execution.finish:
        return run.execute(phases)
    if not isinstance(run, ArrayRun):
        raise BadInput("this stage has no units for tasks; leave --part and --finish out")
    return run.execute_task(phases) if phases.execution.task is not None else run.execute_finish(phases)


def prepare_task(run: StageRun, task: ArrayTask) -> None:
    """Take the lease of a part of the output, before the run takes all of it. Raises BadInput."""
    from pipelines.engine.output import refuse_inside_dataset, require_writable
    from pipelines.engine.stores.leases import take_lease

    refuse_inside_dataset(run.output)
    require_writable(run.output)
    take_lease(run.output, task.name)


def handle_signals(handler: Callable[..., None]) -> None:
    """Ctrl-C and SIGTERM; a signal that this process was told to ignore stays so."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def job_of(beam_args: list[str], output: str) -> Job | None:
    """The job of a phase that is about to be run, or None where it runs in this process."""
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

    from pipelines.engine.beam.jobs import Job

    options = PipelineOptions(beam_args)
    runner = options.view_as(StandardOptions).runner
    if runner is None or runner.rpartition(".")[2] in IN_PROCESS:
        return None
    given = options.get_all_options(drop_default=True)
    where = next((str(given[name]) for name in ADDRESSES if name in given), str(runner))
    return Job(where, holding(output))


def error_line(fault: BaseException) -> str:
    """What went wrong, without the traceback that a worker process sends along."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    if not isinstance(fault, (RuntimeError, OSError)):  # a step's own; a KeyError's text is but the key
        return f"{type(fault).__name__}: {' '.join(lines)}"[:500]
    return next((line for line in reversed(lines) if ": " in line), lines[-1] if lines else type(fault).__name__)[:500]


def write_traceback(output: str) -> str:
    """Write what is known of the exception that is handled into an output, or where that fails into the folder of
    temporary files: a full disk may be why the run failed. Returns the file's path, "" if it could not be written."""
    import tempfile
    import traceback

    from schemas.storage import join, write_whole

    for path in (join(output, FAILURE), join(tempfile.gettempdir(), f"bateia-{os.getpid()}-{FAILURE}")):
        try:
            with write_whole(path) as file:
                file.write(traceback.format_exc().encode("utf-8", "replace"))
        except OSError:
            continue
        return path
    return ""
