"""The files of shards that hold forgotten documents: checked, then written anew without them, shard by shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipelines.engine.run import Phases
from pipelines.upkeep.forget_request import ForgetRequest
from pipelines.upkeep.verify_files import file_fault
from schemas.faults import BadInput, BrokenRun
from schemas.manifest import FileEntry, Manifest
from schemas.shards.documents import read_documents, stream_documents
from schemas.shards.layout import RERUN_SHARDS, ShardsInfo, docs_path, open_shards, tokens_path
from schemas.shards.tokens import stream_tokens
from schemas.shards.tombstones import FOLDER, fill_token
from schemas.storage import join, remove_folder, write_whole
from transforms.encode import DOCS_PER_GROUP
from transforms.part_files import PartFile
from transforms.units import Heartbeat, Records, UnitFiles, UnitResult, run_here, write_units

Span = tuple[int, int]  # first token in the shard's file, and how many


@dataclass(frozen=True)
class ShardUnit:
    """A shard and what is to go from it.

    rows: of its table when it held all.
    spans: of the documents that go.
    """

    name: str
    split: str
    shard: int
    rows: int
    spans: tuple[Span, ...]


def units_of(request: ForgetRequest, manifest: Manifest) -> list[ShardUnit]:
    rows = {file.path: file.rows for file in manifest.files}
    units = []
    for (split, shard), documents in sorted(request.by_shard.items()):
        spans = tuple(sorted((row["start"], row["length"]) for row in documents))
        path = docs_path("", split, shard).lstrip("/")
        units.append(ShardUnit(f"{split}-{shard:05}", split, shard, rows[path], spans))
    return units


def parse(line: dict[str, Any]) -> ShardUnit:
    return ShardUnit(**{**line, "spans": tuple((start, length) for start, length in line["spans"])})


def work_folder(request: ForgetRequest) -> str:
    """Below the shards: records of the shards that are done, while the request is carried out."""
    return f"{FOLDER}/work-{request.number:05}"


# --- Checked ----------------------------------------------------------------------------------------------------------


def check(request: ForgetRequest, manifest: Manifest, phases: Phases | None) -> None:
    """Raises BadInput if files that would change are damaged: new checksums would hide the damage.

    phases: None to look at them in this process.
    """
    work, units = CheckShards(request.shards), units_of(request, manifest)
    if phases is None:
        tallies = run_here(work, request.shards, units, lambda unit: None)
        faults = [fault for tally in tallies.values() for fault in tally["faults"]]
    else:
        folder = work_folder(request)
        remove_folder(join(request.shards, folder))  # another request's that was stopped here
        records = Records(request.shards, f"{folder}/checked")
        run_shards(phases, "check", work, records, units)
        faults = [fault for unit in units for fault in records.read(unit.name)["tally"]["faults"]]
        remove_folder(join(request.shards, folder))
    if faults:
        raise BadInput(faults[0])


def run_shards(phases: Phases, name: str, work: Any, records: Records, units: list[ShardUnit]) -> None:
    listed = join(records.output, f"{records.folder}.jsonl")
    write_units(listed, units)
    sizes = [(unit.name, unit.rows) for unit in units]
    phases.run_units(name, listed, work, records, sizes, "document", done=records.listed())


class CheckShards:
    """A shard's files compared with the manifest, and the documents that are to go with its table."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def setup(self) -> None:
        _, manifest = open_shards(self._folder)
        self._entries = {file.path: file for file in manifest.files}

    def parse(self, line: dict[str, Any]) -> ShardUnit:
        return parse(line)

    def run(self, unit: ShardUnit, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        paths = [path("", unit.split, unit.shard).lstrip("/") for path in (tokens_path, docs_path)]
        entries = [self._entries[path] for path in paths if path in self._entries]
        faults = [file_fault(self._folder, entry, RERUN_SHARDS, hashed=True) for entry in entries]
        found = [fault for fault in faults if fault is not None]
        return UnitResult({"faults": found or list(row_faults(docs_path(self._folder, unit.split, unit.shard), unit))})

    def close(self) -> None:
        return


def row_faults(path: str, unit: ShardUnit) -> Iterator[str]:
    """Documents that are not one row of their table, known by the place of their tokens."""
    try:
        rows = Counter(read_documents(path, ["start"]).column("start").to_pylist())
    except BadInput as fault:
        yield str(fault)
        return
    wanted = Counter(start for start, _ in unit.spans)
    if strange := [start for start in wanted if wanted[start] != 1 or rows[start] != 1]:
        yield f"{path} has {rows[strange[0]]} documents at token {strange[0]}, not one; {RERUN_SHARDS}"


# --- Written anew -----------------------------------------------------------------------------------------------------


def erase_all(request: ForgetRequest, manifest: Manifest, phases: Phases) -> Iterator[FileEntry]:
    """Take the documents out of the shards that hold them; no other shard is opened. What was done stays done."""
    records, units = Records(request.shards, f"{work_folder(request)}/erased"), units_of(request, manifest)
    run_shards(phases, "erase", EraseShards(request.shards), records, units)
    for unit in units:
        yield from (FileEntry(**entry) for entry in records.read(unit.name)["tally"]["files"])


class EraseShards:
    """A shard's files without the documents that are to go. They are replaced in place, so they are no unit's own."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def setup(self) -> None:
        self._shards, _ = open_shards(self._folder)

    def parse(self, line: dict[str, Any]) -> ShardUnit:
        return parse(line)

    def run(self, unit: ShardUnit, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        return UnitResult({"files": [asdict(entry) for entry in erase(self._shards, unit)]})

    def close(self) -> None:
        return


def erase(shards: ShardsInfo, unit: ShardUnit) -> list[FileEntry]:
    """Take documents out of a shard that holds them, or held them: PAD over their tokens, their rows out of the table.

    Each file is written anew, then renamed. Returns them as they are then. Raises BrokenRun, before it changes
    anything, if the table would not lose these documents and no other.
    """
    docs = without_rows(shards, unit)
    tokens = without_tokens(shards, unit)
    return [FileEntry(tokens.path, docs.rows, tokens.bytes, tokens.sha256), docs]


def without_tokens(shards: ShardsInfo, unit: ShardUnit) -> FileEntry:
    path = tokens_path(shards.folder, unit.split, unit.shard)
    with write_whole(path) as file:
        written = 0
        for tokens in stream_tokens(path, shards.dtype):
            file.write(filled(tokens, written, unit.spans, fill_token(shards)).tobytes())
            written += len(tokens)
    return FileEntry(path[len(shards.folder) + 1 :], 0, file.bytes, file.sha256)


def filled(tokens: np.ndarray, offset: int, spans: Iterable[Span], fill: int) -> np.ndarray:
    """Tokens that begin at token `offset` of a file, with spans of the file overwritten."""
    changed = tokens.copy()
    for start, length in spans:
        changed[max(start - offset, 0) : max(start + length - offset, 0)] = fill
    return changed


def without_rows(shards: ShardsInfo, unit: ShardUnit) -> FileEntry:
    """Documents go by where their tokens begin, which no other document shares; ids may be another's too."""
    path = docs_path(shards.folder, unit.split, unit.shard)
    documents, starts = stream_documents(path, DOCS_PER_GROUP), {start for start, _ in unit.spans}
    kept, left = 0, unit.rows - len(unit.spans)
    part = PartFile(shards.folder, path[len(shards.folder) + 1 :], documents.schema, DOCS_PER_GROUP)
    try:
        for batch in documents:
            for row in batch.to_pylist():
                if row["start"] not in starts:
                    part.add(row)
                    kept += 1
        if kept != left:
            raise BrokenRun(f"{path} would keep {kept:,} documents, not {left:,}; ask `bateia shards verify` why")
    except BaseException:
        part.discard()
        raise
    return part.commit()
