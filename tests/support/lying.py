"""Runners that lose data and report success, named as `--runner=support.lying.NAME`."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.pipeline import PipelineVisitor
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner


def nothing(*_: Any) -> None:
    return None


class Honest(FnApiRunner):
    """Loses nothing."""

    def spoil(self, work: beam.DoFn) -> None:
        return

    def run_pipeline(self, pipeline: Any, options: Any) -> Any:
        pipeline.visit(Spoiler(self))
        return super().run_pipeline(pipeline, options)


class LosesBundleEnds(Honest):
    """Loses what a bundle gives at its end, as Beam's runner on Dask does."""

    def spoil(self, work: beam.DoFn) -> None:
        work.finish_bundle = nothing


class Spoiler(PipelineVisitor):
    def __init__(self, runner: Honest) -> None:
        self._runner = runner

    def visit_transform(self, transform_node: Any) -> None:
        if isinstance(transform_node.transform, beam.ParDo):
            self._runner.spoil(transform_node.transform.fn)
