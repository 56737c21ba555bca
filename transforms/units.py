"""From a plan of units to finished parts: the shuffle that spreads units over workers, and the work on one unit.

A unit is a byte range of one WARC file, planned from the input alone. It ends in Parquet parts and, written last,
`units/<name>.json`: a unit with that file is finished and is never done again, on any runner, after any crash.
"""

from __future__ import annotations

import hashlib
import json
import re
import resource
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import apache_beam as beam
from apache_beam.pvalue import PCollection

from schemas.document import Document, document_schema
from schemas.ledger import CONTENT_TYPE_CHARS, TRUNCATED_CHARS, ledger_schema
from schemas.manifest import FileEntry
from schemas.storage import is_local, join, open_read, read_json, remove, size_of, write_json
from schemas.tally import Tally
from schemas.verdict import Drop
from transforms.part_files import PartFile
from transforms.steps.curation import Curator, Outcome
from transforms.steps.recipe import Recipe
from transforms.steps.warc import Response, Skipped, Unit, Unreadable, read_unit, read_warcinfo
from transforms.steps.warc_names import dump_of_path

PROGRESS_EVERY_S = 1.0
NO_LABEL = re.compile(r"[^A-Za-z0-9_-]")
LABEL_CHARS = 64


@dataclass(frozen=True)
class CurateJob:
    """What every worker needs to know. It travels in the transform's constructor, never in pipeline options.

    output: directory or URI. dump: name of the crawl for all documents, or None to tell it from path or warcinfo.
    """

    recipe: Recipe
    output: str
    dump: str | None = None
    keep_dropped: bool = False


class CurateUnits(beam.PTransform):
    """Paths of unit plans (JSON lines) to the names of finished units; the parts are written on the way."""

    def __init__(self, job: CurateJob) -> None:
        super().__init__()
        self._job = job

    def expand(self, input_or_inputs: PCollection) -> Any:
        return (
            input_or_inputs
            | "ReadPlan" >> beam.FlatMap(read_plan)  # at run time: a long list does not fit into a job graph
            | "SpreadUnits" >> beam.Reshuffle()  # a unit is a line of text here, so this moves no pages
            | "CurateUnit" >> beam.ParDo(CurateUnit(self._job))
        )


def read_plan(path: str) -> Iterator[str]:
    with open_read(path) as file:
        yield from file.read().decode().splitlines()


class CurateUnit(beam.DoFn):
    def __init__(self, job: CurateJob) -> None:
        self._job = job
        self._curator: Curator | None = None

    def setup(self) -> None:
        # A missing library or asset fails here, before any page is judged.
        self._curator = Curator(self._job.recipe)

    def process(self, element: str) -> Iterator[str]:
        assert self._curator is not None
        planned = json.loads(element)
        name, unit = planned.pop("name"), Unit(**planned)
        if not is_finished(self._job.output, name):
            curate_unit(self._job, self._curator, name, unit)
        yield name

    def teardown(self) -> None:
        if self._curator is not None:
            self._curator.extractor.close()


def unit_path(output: str, name: str) -> str:
    return join(output, "units", f"{name}.json")


def is_finished(output: str, name: str) -> bool:
    """A unit is finished if its record exists and every file it names is there with its size."""
    path = unit_path(output, name)
    if size_of(path) is None:
        return False
    return all(size_of(join(output, file["path"])) == file["bytes"] for file in read_json(path)["files"])


def curate_unit(job: CurateJob, curator: Curator, name: str, unit: Unit) -> None:
    """Read one unit, judge its pages, write its parts, and record it as finished."""
    started, cpu, child_cpu = time.perf_counter(), time.process_time(), curator.extractor.cpu_s
    tally, parts = Tally(), UnitParts(job, name, unit.path)
    heartbeat = Heartbeat(job.output, name, unit, tally)
    try:
        with open_read(unit.path) as stream:
            dump = job.dump or dump_of(stream, unit)
            for item in read_unit(stream, unit, job.recipe.read, heartbeat):
                if isinstance(item, Skipped):
                    tally.skipped[item.kind] += 1
                else:
                    tally.read += 1
                    outcome = curator.curate(item, unit.path, dump) if isinstance(item, Response) else unreadable(item)
                    tally.add(item.url or "", item.record_id or "", outcome.verdict, outcome.text)
                    parts.add(item, outcome)
        if not tally.adds_up():
            raise RuntimeError(f"{unit.path} from byte {unit.start}: the pages' fates do not add up: {tally.to_json()}")
        files = parts.commit()
    except BaseException:
        parts.discard()
        raise
    timings = {
        "wall_s": time.perf_counter() - started,
        "cpu_s": time.process_time() - cpu + curator.extractor.cpu_s - child_cpu,
        "extraction_cpu_s": curator.extractor.cpu_s - child_cpu,
        "max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }
    record = {"name": name, "unit": asdict(unit), "tally": tally.to_json(), "timings": timings}
    write_json(unit_path(job.output, name), record | {"files": [asdict(file) for file in files]})
    heartbeat.stop()


def dump_of(stream: BinaryIO, unit: Unit) -> str:
    """The crawl's name, from the file's path or from the warcinfo record at its start; empty if neither tells."""
    return dump_of_path(unit.path) or read_warcinfo(stream, unit.path, unit.size).get("isPartOf", "")


def unreadable(item: Unreadable) -> Outcome:
    return Outcome(Drop("read", item.reason, item.value, item.threshold, item.detail, fate="unreadable"))


class UnitParts:
    """The Parquet parts of one unit: one per language, and its stretch of the ledger."""

    def __init__(self, job: CurateJob, name: str, warc_file: str) -> None:
        self._job, self._name, self._warc_file = job, name, warc_file
        self._parts: dict[str, PartFile] = {}

    def add(self, item: Response | Unreadable, outcome: Outcome) -> None:
        verdict = outcome.verdict
        if isinstance(verdict, Document):
            schema = document_schema(self._job.recipe.measures)
            folder = language_folder(verdict.language)
            self._part(f"data/{folder}/part-{self._name}.parquet", schema).add(document_row(verdict))
        row = ledger_row(item, outcome, self._warc_file)
        if self._job.keep_dropped:
            row["text"] = None if isinstance(verdict, Document) else outcome.text
        self._part(f"ledger/part-{self._name}.parquet", ledger_schema(self._job.keep_dropped)).add(row)

    def _part(self, path: str, schema: Any) -> PartFile:
        if path not in self._parts:
            self._parts[path] = PartFile(self._job.output, path, schema)
        return self._parts[path]

    def commit(self) -> list[FileEntry]:
        return [self._parts[path].commit() for path in sorted(self._parts)]

    def discard(self) -> None:
        for part in self._parts.values():
            part.discard()


def language_folder(language: str | None) -> str:
    """A language's folder. Labels are whatever a model or a step calls a language; no path comes of them."""
    return NO_LABEL.sub("_", language or "und")[:LABEL_CHARS]


def document_row(document: Document) -> dict[str, Any]:
    return {
        "text": document.text,
        "id": document.id,
        "dump": document.dump,
        "url": document.url,
        "date": document.date,
        "file_path": document.file_path,
        "language": document.language,
        "language_score": document.language_score,
        "token_count": document.token_count,
        "warc_offset": document.warc_offset,
        "quality": dict(document.quality),
    }


def ledger_row(item: Response | Unreadable, outcome: Outcome, warc_file: str) -> dict[str, Any]:
    verdict = outcome.verdict
    row: dict[str, Any] = {
        "url": item.url,
        "record_id": item.record_id,
        "warc_file": warc_file,
        "warc_offset": item.offset,
        "bytes": item.size,
        "http_status": item.status,
        "content_type": item.declared_type and item.declared_type[:CONTENT_TYPE_CHARS],
        "body_sha1": body_sha1(item),
        "truncated": item.truncated[:TRUNCATED_CHARS] if isinstance(item, Response) and item.truncated else None,
        "fate": "kept",
        "language": verdict.language,
        "language_score": verdict.language_score,
    }
    if isinstance(verdict, Document):
        return row
    return row | {
        "fate": verdict.fate,
        "stage": verdict.stage,
        "reason": verdict.reason,
        "value": verdict.value,
        "threshold": verdict.threshold,
        "detail": verdict.detail,
    }


def body_sha1(item: Response | Unreadable) -> str | None:
    """sha1 of a body that is there; by it, any reader's bodies can be compared with ours."""
    body = item.body if isinstance(item, Response) else b""
    return hashlib.sha1(body, usedforsecurity=False).hexdigest() if body else None


class Heartbeat:
    """Once a second, how far a unit has come, in a small local file for the progress line. Remote outputs have none."""

    def __init__(self, output: str, name: str, unit: Unit, tally: Tally) -> None:
        self._path = join(output, ".progress", f"{name}.json") if is_local(output) else None
        self._unit, self._tally = unit, tally
        self._next = 0.0

    def __call__(self, position: int) -> None:
        if self._path is None or (now := time.monotonic()) < self._next:
            return
        self._next = now + PROGRESS_EVERY_S
        done = min(max(position - self._unit.start, 0), self._unit.end - self._unit.start)
        write_json(self._path, {"bytes": done, "read": self._tally.read, "kept": self._tally.kept})

    def stop(self) -> None:
        if self._path is not None:
            remove(self._path)
