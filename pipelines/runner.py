"""Which Beam runner a stage runs on: in this process unless the options after `--` name another."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Callable
from typing import Any, NoReturn, cast

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions


class RunFailed(RuntimeError):
    """The runner ended without success."""


def run_pipeline(build: Callable[[beam.Pipeline], Any], workers: int, beam_args: list[str]) -> str:
    """Build and run a pipeline; return the runner's name.

    Raises RunFailed if the runner says so, and whatever a step raised (in-process: as it was; elsewhere: RuntimeError).
    """
    options = PipelineOptions(beam_args)
    if named := options.view_as(StandardOptions).runner:
        pipeline = beam.Pipeline(options=options)
    else:
        named = "in-process"
        pipeline = beam.Pipeline(runner=in_process_runner(workers), options=in_process_options(workers, beam_args))
    build(pipeline)
    state = str(pipeline.run().wait_until_finish() or "DONE")
    if state != "DONE":
        raise RunFailed(f"the {named} runner ended in state {state}; see its log, then run the same command to resume")
    return named


def in_process_runner(workers: int) -> Any:
    """Beam's FnApiRunner, chosen explicitly: `DirectRunner` would first try to download another.

    One worker is this process. More are processes of their own, as in the runner's multi-processing mode but for the
    command, which is ours: it is quiet, and no worker outlives its driver.
    """
    from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
    from apache_beam.transforms.environments import SubprocessSDKEnvironment, python_sdk_capabilities

    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    if workers == 1:
        return FnApiRunner()
    command = f"exec {shlex.quote(sys.executable)} -m pipelines.beam_worker"
    environment: Any = cast(Any, SubprocessSDKEnvironment)(command, capabilities=python_sdk_capabilities())
    return FnApiRunner(default_environment=environment)


def in_process_options(workers: int, beam_args: list[str]) -> PipelineOptions:
    return PipelineOptions([f"--direct_num_workers={workers}", *beam_args])


def leave_now(code: int) -> NoReturn:
    """End this process at once: a stopped runner leaves threads behind that would go on working."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
