"""What is looked up once for all transforms of a pipeline is what Beam would look up each time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any
from unittest import mock

import apache_beam as beam
import pytest
from apache_beam.options import pipeline_options
from apache_beam.options.pipeline_options import DebugOptions, PipelineOptions, StandardOptions, TypeOptions

from pipelines.engine.beam.wiring import BEAMS_LOOK, Options, remembering

FLAGS = ["--runner=FnApiRunner", "--experiments=a", "--no_pipeline_type_check"]


class Twice(beam.DoFn):
    def process(
        self, element: int, timestamp: Any = beam.DoFn.TimestampParam, *, strict: bool = False
    ) -> Iterator[int]:
        yield from (element, element)

    @classmethod
    def named(cls, name: str, number: int = 3) -> None: ...


def test_views_are_beams_own_and_made_once() -> None:
    ours, beams = Options(FLAGS), PipelineOptions(FLAGS)
    for view in (StandardOptions, TypeOptions, DebugOptions):
        assert ours.view_as(view) is ours.view_as(view)
        names = view([])._visible_option_list()
        assert [getattr(ours.view_as(view), name) for name in names] == [
            getattr(beams.view_as(view), name) for name in names
        ]
    assert ours.get_all_options() == beams.get_all_options()


def test_what_one_view_is_given_all_have_and_a_copy_has_not() -> None:
    ours = Options(FLAGS)
    twin = copy.deepcopy(ours)
    ours.view_as(StandardOptions).runner = "other"
    assert ours.view_as(StandardOptions).runner == "other"
    assert ours.get_all_options()["runner"] == "other"
    assert twin.view_as(StandardOptions).runner == "FnApiRunner"
    twin.view_as(StandardOptions).runner = "third"
    assert ours.view_as(StandardOptions).runner == "other"
    assert copy.deepcopy(twin).view_as(StandardOptions).runner == "third"


def test_to_wire_more_builds_no_more_parsers() -> None:
    def parsers(transforms: int) -> int:
        parser = pipeline_options._BeamArgumentParser
        with mock.patch.object(pipeline_options, "_BeamArgumentParser", side_effect=parser) as built:
            rows = beam.Pipeline(runner="FnApiRunner", options=Options([])) | beam.Create([1])
            for number in range(transforms):
                rows = rows | f"{number}" >> beam.Map(lambda row: row)
        return built.call_count

    assert parsers(2) == parsers(12) < 30


@pytest.mark.parametrize(
    "function",
    [Twice().process, Twice().setup, Twice.named, Twice().get_function_arguments, len, [].append, Twice, partial(max)],
    ids=["own", "inherited", "of the class", "of Beam", "builtin", "builtin method", "class", "partial"],
)
def test_a_method_has_the_arguments_that_beam_finds(function: Any) -> None:
    looks: list[Any] = []

    def look(function: Any) -> tuple[list[str], list[Any]]:
        looks.append(function)
        return BEAMS_LOOK(function)

    remembered = remembering(look)
    for _ in range(2):
        names, defaults = remembered(function)
        assert (names, defaults) == BEAMS_LOOK(function)
        names.append("changed")  # whoever asked may do as they like with what they got
        defaults.append("changed")
    assert len(looks) == (1 if hasattr(function, "__func__") else 2)
