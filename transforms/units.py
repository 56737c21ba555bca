"""Units of work: each is done once, on any runner, at any parallelism, after any crash. No Beam in here.

A stage cuts its input into units before it starts, as a function of the input alone. A unit ends in files under
deterministic names and, written last, in its record: a unit whose record and files are there is never done again.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from schemas.manifest import FileEntry
from schemas.storage import (
    is_local,
    is_object,
    join,
    list_files,
    open_read,
    read_json,
    remove,
    size_of,
    sizes_below,
    write_json,
    write_whole,
)
from transforms.part_files import PartFile, RawFile, TableFile

AT_ONCE = 16  # records read from an object store at a time
HEARTBEAT_EVERY_S = 1.0
INCOMPLETE = ".incomplete"  # ending of a mark beside a unit's record
PROGRESS = ".progress"  # folder of heartbeats below an output; removed when the stage is finished


@dataclass(frozen=True)
class UnitResult:
    """What the work on one unit came to.

    tally: counts that add up and merge, as JSON.
    child_cpu_s: CPU seconds that processes of the worker's own spent on it.
    requests, fetched_bytes: made to servers, and what came of them.
    incomplete: whether a part of its input could not be had, and may be there another time; None if nothing is fetched.
    """

    tally: dict[str, Any]
    child_cpu_s: float = 0.0
    requests: int = 0
    fetched_bytes: int = 0
    incomplete: bool | None = None


class Work(Protocol):
    """What is done with a unit. It travels to the workers by pickle, so what it loads is loaded in `setup`.

    A unit is a frozen dataclass of plain values, since it travels as a line of JSON; its `name` is unique in the stage
    and may have folders.
    """

    def setup(self) -> None:
        """Load what the work needs, once per process. Raises if it is absent: before any unit is begun."""
        ...

    def parse(self, line: dict[str, Any]) -> Any:
        """A line of the list of units as a unit."""
        ...

    def run(self, unit: Any, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        """Do one unit; what it writes goes to `files`. The same unit gives the same bytes."""
        ...

    def close(self) -> None:
        """Release what `setup` loaded, such as child processes."""
        ...


@dataclass(frozen=True)
class Records:
    """The records of a stage's units, `<output>/<folder>/<unit>.json`: name, unit, tally, timings, files."""

    output: str
    folder: str

    def path(self, name: str) -> str:
        return join(self.output, self.folder, f"{name}.json")

    def read(self, name: str, size: int | None = None) -> dict[str, Any]:
        """size: of the record, where a listing told it."""
        return read_json(self.path(name), size)

    def write(self, record: dict[str, Any]) -> None:
        write_json(self.path(record["name"]), record)

    def is_finished(self, name: str) -> bool:
        """Whether the unit's record exists, and every file that it names with its size."""
        if size_of(self.path(name)) is None:
            return False
        return all(size_of(join(self.output, file["path"])) == file["bytes"] for file in self.read(name)["files"])

    def finished(self, names: Iterable[str]) -> frozenset[str]:
        """Those of the units that are finished, by one listing of the records.

        On a local disk each record's files are looked at too. An object store keeps what it was sent, and a request
        for each would take hours; who works on a unit again, and who adds units up, sees whether its files are there.
        """
        there = frozenset(self.listed()).intersection(names)
        return there if is_object(self.output) else frozenset(name for name in there if self.is_finished(name))

    def read_all(self, sizes: Mapping[str, int]) -> Iterator[dict[str, Any]]:
        """Records of units by their names and sizes, in this order; those that lie elsewhere, AT_ONCE at a time."""
        if is_local(self.output):
            yield from map(self.read, sizes)
            return
        left = iter(sizes.items())
        with ThreadPoolExecutor(AT_ONCE) as threads:
            while some := list(islice(left, AT_ONCE)):  # no more of them in memory at a time
                yield from threads.map(self.read, *zip(*some, strict=True))

    def listed(self) -> list[str]:
        """Names of the units that have a record, by one listing of the folder; their files are not looked at."""
        return self._named(".json")

    def sizes(self) -> dict[str, int]:
        """Bytes of each record by its unit's name, by one listing of the folder."""
        sizes = sizes_below(join(self.output, self.folder))
        return {path[: -len(".json")]: size for path, size in sizes.items() if is_record(path)}

    def mark(self, name: str) -> None:
        """Note that a unit is incomplete, before it gets its record: an empty file, which a listing finds."""
        with write_whole(self._mark(name)):
            pass

    def unmark(self, name: str) -> None:
        remove(self._mark(name))

    def forget_incomplete(self, names: Container[str]) -> None:
        """Remove the records of incomplete units of these names, so that they are done again. No record is read.

        The mark goes last: where this is killed in between, the next run does it again, before any unit is begun.
        """
        for name in self._named(INCOMPLETE):
            if name in names:
                remove(self.path(name))
                self.unmark(name)

    def _mark(self, name: str) -> str:
        return join(self.output, self.folder, f"{name}{INCOMPLETE}")

    def _named(self, ending: str) -> list[str]:
        folder = join(self.output, self.folder)
        return [path[len(folder) + 1 : -len(ending)] for path in list_files(folder, ending)]


def is_record(path: str) -> bool:
    return path.endswith(".json") and not any(name.startswith(".") for name in path.split("/"))


class UnitFiles:
    """The files of one unit: all get their names when the unit ends well, and none otherwise."""

    def __init__(self, output: str) -> None:
        self._output = output
        self._files: dict[str, PartFile | RawFile | TableFile] = {}

    def rows(self, path: str, schema: Callable[[], pa.Schema], **options: Any) -> PartFile:
        """The Parquet file of that path below the output, for adding rows; begun when first asked for."""
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = PartFile(self._output, path, schema(), **options)
        assert isinstance(file, PartFile)
        return file

    def raw(self, path: str) -> RawFile:
        """The file of that path below the output, for adding bytes; begun when first asked for."""
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = RawFile(self._output, path)
        assert isinstance(file, RawFile)
        return file

    def table(self, path: str, table: pa.Table) -> None:
        """A whole table as the Parquet file of that path."""
        self._files[path] = TableFile(self._output, path, table)

    def commit(self) -> list[FileEntry]:
        """Give the files their names; returns them sorted by path."""
        return [self._files[path].commit() for path in sorted(self._files)]

    def discard(self) -> None:
        """Remove what was written so far; what is added afterwards is all there will be."""
        for file in self._files.values():
            file.discard()
        self._files.clear()


class Clock:
    """Measures what one unit costs the process that works on it."""

    def __init__(self) -> None:
        self._started, self._cpu_s = time.perf_counter(), time.process_time()

    def timings(self, child_cpu_s: float = 0.0) -> dict[str, float]:
        """wall_s and cpu_s since the clock was made, child_cpu_s (part of cpu_s), and max_rss_mb of the process."""
        return {
            "wall_s": time.perf_counter() - self._started,
            "cpu_s": time.process_time() - self._cpu_s + child_cpu_s,
            "child_cpu_s": child_cpu_s,
            "max_rss_mb": peak_memory_mb(),
        }


def peak_memory_mb() -> int:
    """Most resident memory of this process so far.

    The kernel's VmHWM is of the program that runs; `getrusage` also counts what the process was before its `exec`, such
    as the engine that forked it. Where there is no /proc that has to do.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) >> 10
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


class Heartbeat:
    """Writes a unit's progress, at most once a second, to a small file for the progress line; only to local outputs."""

    def __init__(self, output: str, name: str) -> None:
        self._path = join(output, PROGRESS, f"{name}.json") if is_local(output) else None
        self._next = time.monotonic() + HEARTBEAT_EVERY_S

    def __call__(self, done: int, **counts: int) -> None:
        """Write the progress if a second has passed.

        done: how much of the unit's size, in what the stage counts (bytes or documents)
        counts: shown beside it
        """
        if self._path is None or (now := time.monotonic()) < self._next:
            return
        self._next = now + HEARTBEAT_EVERY_S
        write_json(self._path, {"done": done, **counts}, durable=False)

    def stop(self) -> None:
        if self._path is not None:
            remove(self._path)


def run_unit(work: Work, records: Records, unit: Any) -> None:
    """Do one unit unless it is finished. The order of events here is what makes a unit whole or absent.

    `work` has been set up. Wherever the process is killed, the next call does the unit again to the same bytes.
    """
    if records.is_finished(unit.name):
        return
    clock, files = Clock(), UnitFiles(records.output)
    heartbeat = Heartbeat(records.output, unit.name)
    try:
        result = work.run(unit, files, heartbeat)
        entries = files.commit()
    except BaseException:
        files.discard()
        raise
    record = {"name": unit.name, "unit": asdict(unit), "tally": result.tally}
    timings = clock.timings(result.child_cpu_s)
    if result.requests:
        timings |= {"requests": result.requests, "fetched_bytes": result.fetched_bytes}
    if result.incomplete:
        records.mark(unit.name)
    elif result.incomplete is not None:
        records.unmark(unit.name)  # of an attempt that was killed
    records.write(record | {"timings": timings, "files": [asdict(entry) for entry in entries]})
    heartbeat.stop()


def run_here(
    work: Work, output: str, units: Iterable[Any], on_unit: Callable[[Any], None]
) -> dict[str, dict[str, Any]]:
    """Do units one after the other in this process, without Beam and records. Returns their tallies by their names.

    output: folder below which they write. on_unit: is called with each before it is begun.
    """
    tallies = {}
    work.setup()
    try:
        for unit in units:
            on_unit(unit)
            files = UnitFiles(output)
            try:
                tallies[unit.name] = work.run(unit, files, Heartbeat(output, unit.name)).tally
                files.commit()
            except BaseException:
                files.discard()
                raise
    finally:
        work.close()
    return tallies


def write_units(path: str, units: Iterable[Any]) -> None:
    """Write a list of units, one line of JSON each. Workers read it, as a long list would not fit in a Beam graph."""
    with write_whole(path) as file:
        for unit in units:
            file.write(json.dumps(asdict(unit), ensure_ascii=False).encode() + b"\n")


def read_units(path: str) -> Iterator[dict[str, Any]]:
    with open_read(path) as file:
        for line in file.read().splitlines():  # of bytes: U+2028 and its like may stand in a name
            yield json.loads(line)
