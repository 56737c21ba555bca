"""WARC files to documents: the work on one unit, which is a byte range of one file, planned from the input alone."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

from schemas.document import Document, document_schema
from schemas.ledger import CONTENT_TYPE_CHARS, TRUNCATED_CHARS, ledger_schema
from schemas.storage import absolute, open_read
from schemas.tally import Tally
from schemas.verdict import Drop
from transforms.steps.curator import Curator, Outcome
from transforms.steps.recipe import CurateRecipe
from transforms.steps.warc.names import dump_of_path
from transforms.steps.warc.reader import Response, Skipped, Unit, Unreadable, read_unit, read_warcinfo
from transforms.units import Heartbeat, UnitFiles, UnitResult

NO_LABEL = re.compile(r"[^A-Za-z0-9_-]")
LABEL_CHARS = 64


@dataclass(frozen=True)
class CurateUnit:
    """The members of one WARC file that start in [start, end).

    name: of the unit
    path: of the file
    size: bytes of the whole file
    start, end: bytes of the file
    file_path: the file's name in the dataset; None for its path
    """

    name: str
    path: str
    size: int
    start: int
    end: int
    file_path: str | None = None

    @property
    def range(self) -> Unit:
        return Unit(self.path, self.size, self.start, self.end)


class CuratePages:
    """One unit's pages through a recipe, to Parquet parts by language and the unit's part of the ledger."""

    def __init__(self, recipe: CurateRecipe, dump: str | None = None, keep_dropped: bool = False) -> None:
        """dump: name of the crawl for all documents, or None to take it from path or warcinfo."""
        self._folder = absolute(".")  # rows name files as they were typed; a worker may have another working folder
        self._recipe, self._dump, self._keep_dropped = recipe, dump, keep_dropped
        self._curator: Curator | None = None

    def setup(self) -> None:
        self._curator = Curator(self._recipe)

    def parse(self, line: dict[str, Any]) -> CurateUnit:
        return CurateUnit(**line)

    def run(self, unit: CurateUnit, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        assert self._curator is not None
        curator, tally = self._curator, Tally()
        child_cpu_s, file_path = curator.extractor.cpu_s, unit.file_path or unit.path
        parts = UnitParts(files, unit, self._recipe, self._keep_dropped)

        def beat(position: int) -> None:
            done = min(max(position - unit.start, 0), unit.end - unit.start)
            heartbeat(done, read=tally.read, kept=tally.kept)

        with open_read(absolute(unit.path, self._folder)) as stream:
            dump = self._dump or dump_of(stream, unit.range)
            for item in read_unit(stream, unit.range, self._recipe.read, beat):
                if isinstance(item, Skipped):
                    tally.skipped[item.kind] += 1
                else:
                    tally.read += 1
                    outcome = curator.curate(item, file_path, dump) if isinstance(item, Response) else unreadable(item)
                    tally.add(item.url or "", item.record_id or "", outcome.verdict, outcome.text)
                    parts.add(item, outcome)
        if not tally.adds_up():
            raise RuntimeError(f"{unit.path} from byte {unit.start}: the pages' fates do not add up: {tally.to_json()}")
        return UnitResult(tally.to_json(), curator.extractor.cpu_s - child_cpu_s)

    def close(self) -> None:
        if self._curator is not None:
            self._curator.extractor.close()


def dump_of(stream: BinaryIO, unit: Unit) -> str:
    """The crawl's name, from the file's path or from the warcinfo record at its start; empty if neither names one."""
    return dump_of_path(unit.path) or read_warcinfo(stream, unit.path, unit.size).get("isPartOf", "")


def unreadable(item: Unreadable) -> Outcome:
    return Outcome(Drop("read", item.reason, item.value, item.threshold, item.detail, fate="unreadable"))


class UnitParts:
    """The Parquet parts of one unit: one per language, and one of the ledger."""

    def __init__(self, files: UnitFiles, unit: CurateUnit, recipe: CurateRecipe, keep_dropped: bool) -> None:
        self._files, self._unit, self._keep_dropped = files, unit, keep_dropped
        self._document_schema = document_schema(recipe.measures, recipe.columns)
        self._ledger = f"ledger/part-{unit.name}.parquet"

    def add(self, item: Response | Unreadable, outcome: Outcome) -> None:
        verdict = outcome.verdict
        if isinstance(verdict, Document):
            path = f"data/{language_folder(verdict.language)}/part-{self._unit.name}.parquet"
            self._files.rows(path, lambda: self._document_schema).add(document_row(verdict))
        row = ledger_row(item, outcome, self._unit.path)
        if self._keep_dropped:
            row["text"] = None if isinstance(verdict, Document) else outcome.text
        self._files.rows(self._ledger, lambda: ledger_schema(self._keep_dropped)).add(row)


def language_folder(language: str | None) -> str:
    """A language's folder. A label may be any text that a model or a step gives, so it must not become a path."""
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
        "title": document.title,
        "language_script": document.language_script,
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
    """sha1 of the body, None without one; with it, bodies read by other programs can be compared with ours."""
    body = item.body if isinstance(item, Response) else b""
    return hashlib.sha1(body, usedforsecurity=False).hexdigest() if body else None
