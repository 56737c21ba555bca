"""Two transforms for pipelines of one's own: WARC files to pages, and pages to documents by a recipe's steps.

Unlike `run_units.RunUnits`, which our stages are made of, they write nothing and so resume nothing: what they read goes
on to whatever follows, and a runner that is started again reads it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from schemas.document import Page
from schemas.storage import open_read, size_of
from schemas.verdict import Drop
from transforms.steps.curator import Curator
from transforms.steps.recipe import CurateRecipe
from transforms.steps.warc.limits import ReadLimits
from transforms.steps.warc.names import dump_of_path
from transforms.steps.warc.reader import Response, Skipped, Text, Unit, page_of, read_unit, split_units

PAGES, DOCUMENTS, DROPPED = "pages", "documents", "dropped"  # names of outputs


class Dropped(NamedTuple):
    """A record or page that goes no further.

    url, record_id: as in the record, or None where it could not be read that far.
    warc_file, warc_offset: where its record begins.
    verdict: the stage and reason.
    """

    url: str | None
    record_id: str | None
    warc_file: str
    warc_offset: int
    verdict: Drop


class ReadPages(beam.PTransform):
    """Paths of WARC files in; `.pages` (schemas.document.Page) and `.dropped` (Dropped) out.

    unit_mb: size of the byte ranges that workers share a file by.
    """

    def __init__(self, limits: ReadLimits | None = None, unit_mb: int = 64) -> None:
        super().__init__()
        self._limits, self._unit_bytes = limits or ReadLimits(), unit_mb << 20

    def expand(self, input_or_inputs: Any) -> Any:
        units = input_or_inputs | "Split" >> beam.FlatMap(split_file, self._unit_bytes) | "Spread" >> beam.Reshuffle()
        return units | "Read" >> beam.ParDo(ReadUnit(self._limits)).with_outputs(DROPPED, main=PAGES)


def split_file(path: str, unit_bytes: int) -> list[Unit]:
    """Raises FileNotFoundError if there is no such file."""
    if (size := size_of(path)) is None:
        raise FileNotFoundError(f"{path} does not exist; check the path")
    return split_units(path, size, unit_bytes)


class ReadUnit(beam.DoFn):
    """A byte range of a WARC file to the pages in it."""

    def __init__(self, limits: ReadLimits) -> None:
        self._limits = limits

    def process(self, element: Unit) -> Iterator[Any]:
        with open_read(element.path) as stream:
            for item in read_unit(stream, element, self._limits):
                if isinstance(item, (Skipped, Text)):
                    continue
                if isinstance(item, Response):
                    verdict = page_of(item, element.path)
                    if isinstance(verdict, Page):
                        yield verdict
                        continue
                else:
                    verdict = Drop("read", item.reason, item.value, item.threshold, item.detail, fate="unreadable")
                lost = Dropped(item.url, item.record_id, element.path, item.offset, verdict)
                yield TaggedOutput(DROPPED, lost)


class ApplySteps(beam.PTransform):
    """Pages in; `.documents` (schemas.document.Document) and `.dropped` (Dropped) out, by a recipe's steps.

    recipe: with its assets bound to paths that the workers have.
    dump: name of the crawl for all documents; None takes it from the WARC file's path.
    """

    def __init__(self, recipe: CurateRecipe, dump: str | None = None) -> None:
        super().__init__()
        self._recipe, self._dump = recipe, dump

    def expand(self, input_or_inputs: Any) -> Any:
        steps = beam.ParDo(CuratePage(self._recipe, self._dump))
        return input_or_inputs | "Curate" >> steps.with_outputs(DROPPED, main=DOCUMENTS)


class CuratePage(beam.DoFn):
    """A page to its document, by a process that owns an extraction child."""

    def __init__(self, recipe: CurateRecipe, dump: str | None) -> None:
        self._recipe, self._dump = recipe, dump
        self._curator: Curator | None = None

    def setup(self) -> None:
        self._curator = Curator(self._recipe)  # a missing library or asset fails here, before any page is judged

    def process(self, element: Page) -> Iterator[Any]:
        assert self._curator is not None
        dump = self._dump if self._dump is not None else dump_of_path(element.warc_file) or ""
        verdict = self._curator.curate_page(element, dump).verdict
        if isinstance(verdict, Drop):
            lost = Dropped(element.url, element.record_id, element.warc_file, element.warc_offset, verdict)
            yield TaggedOutput(DROPPED, lost)
        else:
            yield verdict

    def teardown(self) -> None:
        if self._curator is not None:
            self._curator.extractor.close()
