"""What is looked up once for all transforms of a pipeline is what Beam would look up each time."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any
from unittest import mock

import apache_beam as beam
import pytest
from apache_beam.coders import StrUtf8Coder
from apache_beam.options import pipeline_options
from apache_beam.options.pipeline_options import DebugOptions, PipelineOptions, StandardOptions, TypeOptions
from apache_beam.transforms.userstate import SetStateSpec

from pipelines.engine.beam.wiring import (
    BEAMS_LOOK,
    BEAMS_READING,
    BEAMS_SEARCH,
    Options,
    parsed,
    remembering,
    remembering_sound,
    remembering_stateless,
)

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


def test_views_of_another_pipeline_share_no_values() -> None:
    ours, others = Options(FLAGS), Options(FLAGS)
    ours.view_as(DebugOptions).add_experiment("b")
    assert ours.get_all_options()["experiments"] == ["a", "b"]
    assert others.view_as(DebugOptions).experiments == ["a"]
    assert Options(["--experiments=c"]).view_as(DebugOptions).experiments == ["c"]


def test_to_wire_more_builds_no_more_parsers() -> None:
    def parsers(transforms: int) -> int:
        parsed.cache_clear()
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


SEEN = SetStateSpec("seen", StrUtf8Coder())
SEEN_PARAM = beam.DoFn.StateParam(SEEN)


class Once(beam.DoFn):
    def process(self, element: Any, seen: Any = SEEN_PARAM) -> Iterator[Any]:
        yield element


def hiding(step: beam.DoFn, hidden: Any) -> beam.DoFn:
    """A step that holds another `process` than its class."""
    step.process = hidden
    return step


def test_states_are_those_that_beam_finds() -> None:
    searches: list[Any] = []

    def search(step: Any) -> Any:
        searches.append(step)
        return BEAMS_SEARCH(step)

    remembered = remembering_stateless(search)
    for _ in range(2):
        for step in (
            *(Twice(), Once(), beam.FlatMap(str.split).fn, beam.FlatMap(Once().process).fn),
            *(hiding(Once(), len), hiding(Twice(), Once().process), Once()),
        ):
            assert remembered(step) == BEAMS_SEARCH(step)
    assert remembered(Once()) == ({SEEN}, set())
    kinds = Counter(type(step).__name__ for step in searches)
    assert kinds == {"Twice": 1 + 2, "Once": 2 + 1 + 2 + 1, "CallableWrapperDoFn": 1 + 2}


def mixes(element: int) -> Any:
    if element:
        return [element]
    yield element


def test_a_source_is_read_once() -> None:
    reads: list[Any] = []

    def read(function: Any) -> bool:
        reads.append(function)
        return BEAMS_READING(function)

    remembered = remembering_sound(read)
    for _ in range(2):
        assert [remembered(one) for one in (mixes, Twice().process, len)] == [True, False, False]
    assert reads.count(mixes) == 1 and len(reads) == 1 + 1 + 2
