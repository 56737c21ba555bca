"""Which Beam runner a stage runs on: in this process unless the options after `--` name another."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions


class RunFailed(RuntimeError):
    """The runner ended without success."""


def run_pipeline(build: Callable[[beam.Pipeline], Any], workers: int, beam_args: list[str]) -> str:
    """Build and run a pipeline; return the runner's name. Raises RunFailed, or what a step raised in this process.

    The in-process runner is chosen explicitly: `DirectRunner` would first try to download another. Its workers are
    processes of their own if there are two or more.
    """
    options = PipelineOptions(beam_args)
    if named := options.view_as(StandardOptions).runner:
        pipeline = beam.Pipeline(options=options)
    else:
        named = "in-process"
        pipeline = beam.Pipeline(runner=in_process_runner(), options=PipelineOptions(beam_args + in_process(workers)))
    build(pipeline)
    result = pipeline.run()
    state = result.wait_until_finish()
    if state not in ("DONE", None) and str(state) != "DONE":
        raise RunFailed(f"the {named} runner ended in state {state}; see its log, then run the same command to resume")
    return named


def in_process_runner() -> Any:
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    return FnApiRunner()


def in_process(workers: int) -> list[str]:
    if workers == 1:
        return ["--direct_running_mode=in_memory", "--direct_num_workers=1"]
    return ["--direct_running_mode=multi_processing", f"--direct_num_workers={workers}"]


def leave_now(code: int) -> NoReturn:
    """End this process at once: a stopped runner leaves threads behind that would go on working."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
