"""Files to documents: the work on one unit, which is a part of one file, planned from the input alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, NamedTuple, Protocol

import pyarrow as pa

from schemas.document import Document, document_schema, kept_value
from schemas.ledger import CONTENT_TYPE_CHARS, MEASURED_COLUMNS, TRUNCATED_CHARS, ledger_schema
from schemas.storage import absolute, column_names, join, read_table
from schemas.tally import Tally
from schemas.verdict import Drop
from transforms.part_files import text_columns
from transforms.steps.curator import Curator, Outcome
from transforms.steps.extract.heap import give_back, keep_little
from transforms.steps.fetch.faults import Changed, HostDown, NotFetched
from transforms.steps.fetch.fetcher import fetcher_of
from transforms.steps.fetch.files import is_remote, open_input, state_of
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.recipe import CurateRecipe
from transforms.steps.sources.columns import Columns
from transforms.steps.sources.read import SELECTION, WARC, WET, read_file
from transforms.steps.sources.selection import NOT_FETCHED, NOT_FOUND, PLACE, read_selected, wanted_of
from transforms.steps.warc.names import dump_of_path
from transforms.steps.warc.reader import Event, Response, Skipped, Text, Unit, Unreadable, read_warcinfo
from transforms.units import Heartbeat, UnitFiles, UnitResult

NO_LABEL = re.compile(r"[^A-Za-z0-9_-]")
LABEL_CHARS = 64
GIVE_BACK_EVERY = 500  # pages: seldom enough to cost them nothing


@dataclass(frozen=True)
class CurateUnit:
    """A part of one file: what starts in [start, end).

    name: of the unit
    path: of the file; relative where there is a root
    size: bytes of the whole file; 0 if it is not known yet, and then the unit is the whole file
    start, end: bytes of the file; rows of a Parquet file or a selection
    file_path: the file's name in the dataset; None for its path
    kind: of the file, one of those in transforms.steps.sources.read
    root: what the path is relative to: where a crawl's files lie, of which there are copies; for a selection the
        root of the files that it names
    etag: of the file on its server when the run was planned; "" where none is known
    """

    name: str
    path: str
    size: int
    start: int
    end: int
    file_path: str | None = None
    kind: str = WARC
    root: str = ""
    etag: str = ""

    @property
    def range(self) -> Unit:
        return Unit(self.path, self.size, self.start, self.end)

    @property
    def address(self) -> str:
        """Where the file lies."""
        return join(self.root, self.path) if self.root and self.kind != SELECTION else self.path


class Item(NamedTuple):
    """What a unit gives, one at a time.

    warc_file: of the ledger
    file_path: of a document
    dump: name of the crawl
    """

    event: Event
    warc_file: str
    file_path: str
    dump: str


class Parts(Protocol):
    """Takes what becomes of a unit's pages, one at a time."""

    def add(self, item: Response | Text | Unreadable, outcome: Outcome, warc_file: str) -> None: ...


class CuratePages:
    """One unit's pages through a recipe, to Parquet parts by language and the unit's part of the ledger."""

    def __init__(
        self,
        recipe: CurateRecipe,
        dump: str | None = None,
        keep_dropped: bool = False,
        columns: Columns = Columns(),  # noqa: B008  frozen
        fetch: FetchSettings = FetchSettings(),  # noqa: B008  frozen
        find: Callable[[CurateRecipe], CurateRecipe] | None = None,
        folder: str = "",
        kept: Sequence[pa.Field] = (),
    ) -> None:
        """dump: name of the crawl for all documents, or None to take it from path, warcinfo or row.
        find: puts the paths of this machine's assets into a recipe that names them; None for one that has them.
        folder: what relative paths are relative to, since rows name files as they were typed and a worker may have
            another working folder; empty where there are none.
        kept: columns of tables that are kept, the same for all units so that they have one schema.
        """
        self._find, self._folder = find, folder
        self._recipe, self._dump, self._keep_dropped = recipe, dump, keep_dropped
        self._columns, self._fetch, self._kept = columns, fetch, tuple(kept)
        self._curator: Curator | None = None

    def setup(self) -> None:
        keep_little()
        self._curator = Curator(self._recipe if self._find is None else self._find(self._recipe))

    def parse(self, line: dict[str, Any]) -> CurateUnit:
        return CurateUnit(**line)

    def run(self, unit: CurateUnit, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        """Curate a unit's pages. A file that can't be fetched becomes one row, and is tried again by the same command.

        Raises Changed and HostDown, which end the run, and what a step raises.
        """
        assert self._curator is not None
        cpu_before, traffic = self._curator.extractor.cpu_s, fetcher_of(self._fetch).traffic
        requests_before, bytes_before = traffic.requests, traffic.received
        try:
            tally = self._curate(unit, self._items(unit, heartbeat), files)
        except (Changed, HostDown):
            raise
        except NotFetched as fault:  # the unit is a row of the ledger, and tried again by the same command
            files.discard()
            reason = NOT_FOUND if fault.lasting else NOT_FETCHED
            lost = Unreadable(unit.start, unit.end - unit.start, reason, detail=fault.what)
            tally = self._curate(unit, iter([Item(lost, unit.path, unit.path, "")]), files)
        return UnitResult(
            tally.to_json(),
            self._curator.extractor.cpu_s - cpu_before,
            traffic.requests - requests_before,
            traffic.received - bytes_before,
            tally.reasons["read", NOT_FETCHED, "unreadable"] > 0 if is_remote(unit.root or unit.path) else None,
        )

    def _items(self, unit: CurateUnit, heartbeat: Heartbeat) -> Iterator[Item]:
        if unit.kind == SELECTION:
            yield from self._selected(unit, heartbeat)
            return
        with open_input(absolute(unit.address, self._folder), self._fetch, unit.etag) as stream:
            span = sized(unit, self._fetch)
            dump = self._dump or (dump_of(stream, span) if unit.kind in (WARC, WET) else "")

            def beat(position: int) -> None:
                done = min(max(position - unit.start, 0), unit.end - unit.start)
                heartbeat(done, read=self._seen.read, kept=self._seen.kept)

            file_path = unit.file_path or unit.path
            for event in read_file(stream, unit.kind, span, self._recipe.read, self._columns, beat):
                yield Item(event, unit.path, file_path, dump)

    def _selected(self, unit: CurateUnit, heartbeat: Heartbeat) -> Iterator[Item]:
        path = absolute(unit.path, self._folder)
        rows = read_table(path, columns=selection_columns(path)).slice(unit.start, unit.end - unit.start)
        records = [wanted_of(row) for row in rows.to_pylist()]
        found = read_selected(records, partial(join, absolute(unit.root, self._folder)), self._fetch, self._recipe.read)
        for done, (file, event) in enumerate(found, 1):
            yield Item(event, file, file, self._dump or dump_of_path(file) or "")
            heartbeat(done, read=self._seen.read, kept=self._seen.kept)

    def _curate(self, unit: CurateUnit, items: Iterator[Item], files: UnitFiles) -> Tally:
        """Each item's outcome to the unit's files. Raises what reading raises."""
        tally = self._seen = Tally()
        parts = self.parts_of(unit, files)
        for event, warc_file, file_path, dump in items:
            if isinstance(event, Skipped):
                tally.skipped[event.kind] += 1
                continue
            if tally.read % GIVE_BACK_EVERY == 0:
                give_back()
            tally.read += 1
            outcome = self._outcome(event, file_path, dump)
            tally.add(event.url or "", event.record_id or "", outcome.verdict, outcome.text)
            parts.add(event, outcome, warc_file)
        if not tally.adds_up():
            raise RuntimeError(f"{unit.path} from {unit.start}: the pages' fates do not add up: {tally.to_json()}")
        return tally

    def parts_of(self, unit: CurateUnit, files: UnitFiles) -> Parts:
        """What takes the outcomes of a unit."""
        return UnitParts(files, unit, self._recipe, self._keep_dropped, self._kept)

    def _outcome(self, event: Response | Text | Unreadable, file_path: str, dump: str) -> Outcome:
        assert self._curator is not None
        if isinstance(event, Response):
            return self._curator.curate(event, file_path, dump)
        if isinstance(event, Text):
            return self._curator.curate_text(event, file_path, dump or event.dump or "")
        return unreadable(event)

    def close(self) -> None:
        if self._curator is not None:
            self._curator.extractor.close()


def dump_of(stream: BinaryIO, unit: Unit) -> str:
    """The crawl's name, from the file's path or from the warcinfo record at its start; empty if neither names one."""
    return dump_of_path(unit.path) or read_warcinfo(stream, unit.path, unit.size).get("isPartOf", "")


def sized(unit: CurateUnit, fetch: FetchSettings) -> Unit:
    """The unit's range; of a file whose size was not asked for when the run was planned, all of it."""
    if unit.size:
        return unit.range
    state = state_of(unit.address, fetch)
    if state is None or state.size is None:
        raise NotFetched(unit.address, "404 Not Found" if state is None else "its size is not known", lasting=True)
    return Unit(unit.path, state.size, 0, state.size)


def selection_columns(path: str) -> list[str]:
    """The columns that a selection is read by, of those that it has."""
    return [name for name in (*PLACE, "url", "content_digest") if name in column_names(path)]


def unreadable(item: Unreadable) -> Outcome:
    return Outcome(Drop("read", item.reason, item.value, item.threshold, item.detail, fate="unreadable"))


class UnitParts:
    """The Parquet parts of one unit: one per language, and one of the ledger."""

    def __init__(
        self,
        files: UnitFiles,
        unit: CurateUnit,
        recipe: CurateRecipe,
        keep_dropped: bool,
        kept: Sequence[pa.Field] = (),
    ) -> None:
        self._files, self._unit, self._keep_dropped, self._kept = files, unit, keep_dropped, kept
        self._document_schema = document_schema(recipe.measures, recipe.columns, kept)
        self._texts = text_columns(kept)
        self._ledger = f"ledger/part-{unit.name}.parquet"
        self._ledger_schema = ledger_schema(keep_dropped, recipe.measures)

    def add(self, item: Response | Text | Unreadable, outcome: Outcome, warc_file: str) -> None:
        verdict = outcome.verdict
        if isinstance(verdict, Document):
            path = f"data/{language_folder(verdict.language)}/part-{self._unit.name}.parquet"
            found = {field.name: kept_value(verdict.kept.get(field.name), field.type) for field in self._kept}
            file = self._files.rows(path, lambda: self._document_schema, counted=self._texts)
            file.add(document_row(verdict) | found)
        row = ledger_row(item, outcome, warc_file)
        row |= {name: outcome.quality.get(name) for name, _ in MEASURED_COLUMNS}  # the schema has the recipe's alone
        if self._keep_dropped:
            row["text"] = None if isinstance(verdict, Document) else outcome.text
        self._files.rows(self._ledger, lambda: self._ledger_schema).add(row)


def language_folder(language: str | None) -> str:
    """A language's folder. A label may be any text that a model or a step gives, so it must not become a path."""
    return NO_LABEL.sub("_", language or "und")[:LABEL_CHARS]


def document_row(document: Document) -> dict[str, Any]:
    """A kept document as a row of `document_schema`, with the quality and rights columns of its recipe."""
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
        **document.rights,
    }


def ledger_row(item: Response | Text | Unreadable, outcome: Outcome, warc_file: str) -> dict[str, Any]:
    """A page's row of the ledger: where it stands, what came with it, and its fate."""
    verdict = outcome.verdict
    is_text = isinstance(item, Text)
    row: dict[str, Any] = {
        "url": item.url,
        "record_id": item.record_id,
        "warc_file": warc_file,
        "warc_offset": item.offset,
        "bytes": item.size,
        "http_status": None if is_text else item.status,
        "content_type": None if is_text else item.declared_type and item.declared_type[:CONTENT_TYPE_CHARS],
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


def body_sha1(item: Response | Text | Unreadable) -> str | None:
    """sha1 of the body or text, None without one; with it, what other programs read can be compared with ours."""
    body = item.body if isinstance(item, Response) else item.text.encode() if isinstance(item, Text) else b""
    return hashlib.sha1(body, usedforsecurity=False).hexdigest() if body else None
