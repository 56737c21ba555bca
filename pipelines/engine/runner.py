"""Which Beam runner a stage runs on: in this process unless the options after `--` name another."""

from __future__ import annotations

import logging
import os
import queue
import shlex
import signal
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from pipelines.engine.beam.jobs import Job
from pipelines.engine.beam.wiring import Options
from pipelines.engine.children import module_path, python_command
from schemas.lease import release_all

WORKER_THREAD = "run_worker"  # Beam's name for the thread that starts a worker process and waits for its end
GONE_WITHIN_S = 1.0
JOB_LIMIT_S = 10_000_000  # four months: no limit, in a number that gRPC takes


class RunFailed(RuntimeError):
    """The runner ended without success."""


def run_pipeline(
    build: Callable[[beam.Pipeline], Any], workers: int, beam_args: list[str], job: Job | None = None
) -> str:
    """Build and run a pipeline; return the runner's name.

    job: is told what runs, so that somebody else can end it.

    Raises RunFailed if the runner says so, and whatever a step raised (in-process: as it was; elsewhere: RuntimeError).
    """
    options = Options(with_defaults(beam_args))
    if named := options.view_as(StandardOptions).runner:
        tame_servers()
        pipeline = beam.Pipeline(options=options)
    else:
        named = "in-process"
        pipeline = beam.Pipeline(runner=in_process_runner(workers), options=in_process_options(workers, beam_args))
    build(pipeline)
    state = run_to_end(pipeline, job)
    if state != "DONE":
        raise RunFailed(f"the {named} runner ended in state {state}; see its log, then run the same command to resume")
    return named


def tame_servers() -> None:
    """Keep job servers that Beam starts from taking Ctrl-C for themselves and from telling that they begin and end.

    Only the main thread could give them Ctrl-C, and it has given it to the run, which cancels its job.
    """
    from apache_beam.runners.portability import job_server

    logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.ERROR)
    theirs: Any = job_server
    theirs.signal = SimpleNamespace(SIGINT=signal.SIGINT, getsignal=signal.getsignal, signal=lambda *_: None)


def run_to_end(pipeline: beam.Pipeline, job: Job | None = None) -> str:
    """Run a pipeline and return its last state. Raises what a step raised, or RunFailed if a worker process is gone.

    Beam notices a lost worker only in the thread that started it, while the thread that runs the pipeline would wait
    for the worker forever. So this waits for whichever comes first: the end of the pipeline or a lost worker.
    """
    outcome: queue.SimpleQueue[str | BaseException] = queue.SimpleQueue()
    usual, gone = threading.excepthook, threading.Event()

    def run() -> None:
        try:
            result = pipeline.run()
            if job is not None:
                job.submitted(result)
            outcome.put(str(result.wait_until_finish() or "DONE"))
        except BaseException as error:
            if job is not None:
                job.never_began()
            outcome.put(error)

    def notice(args: threading.ExceptHookArgs) -> None:
        if args.thread is not None and args.thread.name == WORKER_THREAD:
            gone.set()
            outcome.put(RunFailed(f"a worker process is gone: {args.exc_value}"))
        elif not gone.wait(GONE_WITHIN_S):  # its connections break a moment before
            usual(args)

    threading.excepthook = notice
    try:
        threading.Thread(target=run, name="run_pipeline", daemon=True).start()
        ended = outcome.get()
    finally:
        if not gone.is_set():
            threading.excepthook = usual
    if isinstance(ended, BaseException):
        raise ended
    return ended


def with_defaults(beam_args: list[str]) -> list[str]:
    """The options, and those that Bateia gives where they are not.

    Beam's limit on a call to a job server is also its limit on a whole job's streams of states and messages: with its
    own default every job fails in the driver after five minutes, and goes on unseen.
    """
    given = {word.partition("=")[0] for word in beam_args}
    return beam_args if "--job_server_timeout" in given else [*beam_args, f"--job_server_timeout={JOB_LIMIT_S}"]


def in_process_runner(workers: int) -> Any:
    """Beam's FnApiRunner, chosen explicitly: `DirectRunner` would first try to download another.

    One worker is this process. More are processes of their own, as in the runner's multi-processing mode but for the
    command, which is ours: it is quiet, and no worker outlives its driver.
    """
    from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
    from apache_beam.transforms.environments import SubprocessSDKEnvironment, python_sdk_capabilities

    from pipelines.engine.worker import DRIVER

    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)  # what a step raises is printed once, by the command
    if workers == 1:
        return FnApiRunner()
    variables = f"{DRIVER}={os.getpid()} PYTHONPATH={shlex.quote(module_path())}"
    command = f"exec env {variables} {shlex.join(python_command('pipelines.engine.worker'))}"
    environment: Any = cast(Any, SubprocessSDKEnvironment)(command, capabilities=python_sdk_capabilities())
    return FnApiRunner(default_environment=environment)


def in_process_options(workers: int, beam_args: list[str]) -> PipelineOptions:
    return Options([f"--direct_num_workers={workers}", *beam_args])


def exit_now(code: int) -> NoReturn:
    """End this process at once: threads of a stopped runner would go on working."""
    release_all()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
