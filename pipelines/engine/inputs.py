"""`--input`: files, globs, folders, addresses, crawls and lists become a sorted list of files, and files units."""

from __future__ import annotations

import fnmatch
import glob
import gzip
import hashlib
import os
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from pipelines.crawls.names import crawl_list, crawl_root, parse_crawl, require_selected
from pipelines.engine.kinds import Kind, kind_by_name, kind_of
from schemas.faults import BadInput, reason
from schemas.manifest import MANIFEST
from schemas.storage import is_local, join, lines_of_list, local_names, locate, read_table
from transforms.curate import CurateUnit, selection_columns
from transforms.steps.fetch.files import FileState, fault_of, fetch_bytes, is_remote, open_input, state_of
from transforms.steps.fetch.hub import is_hub, list_hub, parse_hub
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.sources.columns import Columns, listed
from transforms.steps.sources.read import JSONL, PARQUET, SELECTION, TEXT
from transforms.steps.sources.selection import PLACE, fault_in, spans_of, wanted_of
from transforms.steps.sources.tables import spans_of as spans_of_table
from transforms.steps.warc.names import stem
from transforms.steps.warc.reader import split_units

LIST_ENDINGS = (".paths", ".paths.gz")
# What is taken of a folder: files with these endings, as they are or compressed.
FILE_ENDING = re.compile(
    r"\.(?:(?:warc|wet|jsonl|ndjson|txt)(?:\.gz|\.zst)?|json\.gz|json\.zst|parquet)$", re.IGNORECASE
)
CRAWL_FOLDER = "crawl-data/"  # how paths in Common Crawl's bucket begin
MAX_LIST_BYTES = 1 << 30  # inflated; a whole crawl's list is 12 MB
ASKED_AT_ONCE = 32  # files elsewhere, whether they are as they were
MAX_ASKED = 64  # files elsewhere whose size is asked for before a run; of more, each is one unit, whatever its size
TYPICAL_BYTES = 1 << 30  # of a WARC file whose size is not known, for the progress line


@dataclass(frozen=True, slots=True)
class InputFile:
    """An input file.

    path: of the file; relative where there is a root
    size: in bytes; 0 if it is not known
    problem: why nothing can be read from it, or None
    modified: time of its last change in ns, 0 where the file system has none
    kind: one of those in transforms.steps.sources.read
    root: where copies of the path lie, for a crawl's own file
    etag: on its server, "" where none is known
    footer: of a Parquet file
    whole: whether it is compressed as a whole, so that it is one unit
    """

    path: str
    size: int
    problem: str | None = None
    modified: int = 0
    kind: str = "warc"
    root: str = ""
    etag: str = ""
    footer: Any = field(default=None, compare=False)
    whole: bool = False

    @property
    def address(self) -> str:
        return join(self.root, self.path) if self.root and self.kind != SELECTION else self.path


def find_inputs(
    patterns: list[str],
    paths_root: str | None = None,
    columns: Columns = Columns(),  # noqa: B008  frozen
    fetch: FetchSettings = FetchSettings(),  # noqa: B008  frozen
) -> list[InputFile]:
    """Return the files that the patterns name, sorted, each once by any names, with what is wrong.

    A pattern is a file, a folder, a glob, a `*.paths(.gz)` list of paths (relative to `paths_root`, else to the list's
    folder), an s3:// or gs:// URI of a file or with a glob of * or [, an address of https:// or hf://, or a crawl such
    as CC-MAIN-2024-33[:20].

    Raises BadInput if one names nothing, or if no file is usable.
    """
    places = {place for pattern in patterns for place in places_of(pattern, paths_root, fetch)}
    once = {identity(join(root, path) if root else path): (root, path) for root, path in sorted(places, reverse=True)}
    places = sorted(once.values(), key=lambda place: (place[1], place[0]))
    files = list(inspect_all(places, columns, fetch))
    if all(file.problem for file in files):
        what = "; ".join(f"{file.path} {file.problem}" for file in files[:3])
        raise BadInput(
            f"no input can be read: {what}. Give WARC files with HTTP responses (.warc or .warc.gz), WET files, or "
            "Parquet, JSONL or text files"
        )
    return files


def places_of(pattern: str, paths_root: str | None, fetch: FetchSettings) -> list[tuple[str, str]]:
    """(root, path) of each file that a pattern names; the root is "" but for a crawl's own files.

    A crawl's file is known by its path in the crawl, so that it is the same file from wherever it comes.
    """
    if (crawl := parse_crawl(pattern)) is not None and not Path(pattern).exists():
        listed = crawl_list(crawl.crawl, f"{crawl.kind}.paths.gz", fetch)
        return [(crawl_root(), path) for path in crawl.chosen(listed)]
    return [split_root(path) for path in expand(pattern, paths_root, fetch)]


def split_root(path: str) -> tuple[str, str]:
    """An address of a crawl's own file as its root and its path in the crawl; any other path without a root."""
    at = path.partition("?")[0].find(f"/{CRAWL_FOLDER}")
    return (path[:at], path[at + 1 :]) if is_remote(path) and at >= 0 else ("", path)


def inspect_all(places: list[tuple[str, str]], columns: Columns, fetch: FetchSettings) -> Iterator[InputFile]:
    """Each file as it is. Of many files elsewhere nothing is asked: their names say what they are.

    Only a table's footer says how many rows it has, so these are always asked for.
    """
    elsewhere = sum(not is_local(root or path) and kind_by_name(path) != PARQUET for root, path in places)
    if elsewhere > MAX_ASKED:
        note = f"the sizes of {elsewhere:,} files are not asked for; each is one unit of work"
        sys.stderr.write(f"bateia: note: {note}\n")
    for root, path in places:
        if elsewhere > MAX_ASKED and not is_local(root or path) and kind_by_name(path) != PARQUET:
            yield InputFile(path, 0, kind=kind_by_name(path), root=root)
        else:
            yield inspect(path, root, columns, fetch)


def expand(
    pattern: str,
    paths_root: str | None,
    fetch: FetchSettings = FetchSettings(),  # noqa: B008  frozen
) -> list[str]:
    """Paths that a pattern stands for: a list's, a folder's, a glob's, or the pattern itself.

    Those of this machine come without `./` and `//`, which are no part of a name.

    paths_root: what the paths of a list are relative to
    Raises BadInput if nothing is there.
    """
    if pattern.partition("?")[0].endswith(LIST_ENDINGS):
        return read_list(pattern, paths_root, fetch)
    if is_hub(pattern):
        return expand_hub(pattern)
    if is_remote(pattern):
        return [pattern]
    if not is_local(pattern):
        return expand_uri(pattern)
    if Path(pattern).is_dir():
        return files_in(pattern)
    if Path(pattern).exists():
        return [str(Path(pattern))]
    if paths := [str(Path(path)) for path in glob.glob(pattern, recursive=True) if Path(path).is_file()]:
        return paths
    raise BadInput(f"input {pattern} does not exist; check the path")


def files_in(folder: str) -> list[str]:
    """The files below a folder that are data by their names; of a finished output of ours its documents."""
    top = Path(folder, "data") if Path(folder, MANIFEST).exists() and Path(folder, "data").is_dir() else Path(folder)
    names = (Path(name) for name in local_names(str(top), follow=False) if FILE_ENDING.search(name))
    found = sorted(name for name in names if not any(part.startswith((".", "_")) for part in name.parts))
    if not found:
        raise BadInput(
            f"input {folder} is a directory without WARC, WET, Parquet, JSONL and text files; check the path"
        )
    return [join(str(top), *name.parts) for name in found]


def expand_uri(pattern: str) -> list[str]:
    """URIs of the files that a URI with a glob names. A question mark begins a URI's options, so it is no wildcard."""
    address, mark, options = pattern.partition("?")
    if address.endswith("/"):
        return [uri for uri in expand_uri(f"{address}**/*{mark}{options}") if FILE_ENDING.search(uri.partition("?")[0])]
    if (wildcard := re.search(r"[*\[]", address)) is None:
        return [pattern]
    folder = address[: wildcard.start()].rpartition("/")[0]
    if folder.endswith(":/"):
        raise BadInput(f"input {pattern} has a wildcard where the bucket stands; name the bucket")
    filesystem, root = locate(f"{folder}/{mark}{options}")
    start = root.rstrip("/")
    selector = fs.FileSelector(start or "/", allow_not_found=True, recursive="/" in address[wildcard.start() :])
    try:
        infos = filesystem.get_file_info(selector)
    except OSError as error:
        raise BadInput(f"input {pattern} can't be listed ({reason(error)}); check name and permissions") from error
    names = [info.path[len(start) + 1 :] for info in infos if info.type == fs.FileType.File]
    wanted = address[len(folder) + 1 :].split("/")
    if named := [name for name in names if matches(name.split("/"), wanted)]:
        return [f"{folder}/{encoded(name)}{mark}{options}" for name in named]
    raise BadInput(f"input {pattern} matches no file; check the path")


def expand_hub(pattern: str) -> list[str]:
    """Files of a dataset of the hub that a glob, a folder or the dataset's name means; a file's own path is itself."""
    place = parse_hub(pattern)
    wildcard = re.search(r"[*\[]", place.path)
    if wildcard is None and FILE_ENDING.search(place.path):
        return [pattern]
    folder = place.path[: wildcard.start()].rpartition("/")[0] if wildcard else place.path.rstrip("/")
    wanted = place.path.split("/")
    names = [
        name
        for name in list_hub(place, folder)
        if (matches(name.split("/"), wanted) if wildcard else FILE_ENDING.search(name))
    ]
    if not names:
        raise BadInput(f"input {pattern} matches no file of data in the dataset; check the path")
    return [f"{place.start}/{name}" for name in names]


def matches(names: list[str], wanted: list[str]) -> bool:
    """Whether a path's names are as a glob wants them. ** is any number of folders; * stays within one name."""
    if not names or not wanted:
        return not names and wanted in ([], ["**"])
    if wanted[0] == "**":
        return matches(names, wanted[1:]) or matches(names[1:], wanted)
    return fnmatch.fnmatchcase(names[0], wanted[0]) and matches(names[1:], wanted[1:])


def encoded(name: str) -> str:
    """A name with the characters encoded that mean something else in a URI."""
    return name.replace("%", "%25").replace("?", "%3F").replace("#", "%23")


def identity(path: str) -> tuple[str, ...]:
    """What is the same for all names of one file: links are followed, also hard ones."""
    if is_remote(path):
        return "address", path
    filesystem, name = locate(path)
    if not isinstance(filesystem, fs.LocalFileSystem):
        return filesystem.type_name, name
    try:
        state = Path(name).stat()
    except OSError:
        return "local", name
    return ("inode", str(state.st_dev), str(state.st_ino)) if state.st_ino else ("local", os.path.realpath(name))


def read_list(
    path: str,
    paths_root: str | None,
    fetch: FetchSettings = FetchSettings(),  # noqa: B008  frozen
) -> list[str]:
    """The paths in a list such as Common Crawl's warc.paths.gz: one a line, blank lines and `#` comments left out."""
    root = paths_root if paths_root is not None else split_root(path)[0] or path.rpartition("/")[0] or "."
    try:
        raw = fetch_bytes(path, fetch, MAX_LIST_BYTES)
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        listed = lines_of_list(raw)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise BadInput(f"list {path} can't be read ({error}); give a text file with one path a line") from error
    if not listed:
        raise BadInput(f"list {path} names no file; give one path a line")
    return [line if "://" in line or line.startswith("/") else join(root, line) for line in listed]


def inspect(path: str, root: str, columns: Columns, fetch: FetchSettings) -> InputFile:
    """What is known of an input before any work: kind, size, version, footer.

    root: of a list's paths, "" for none
    Raises BadInput if it does not exist, can't be read, or lacks a column that is to be kept.
    """
    address = join(root, path) if root else path
    try:
        state = state_of(address, fetch)
        if state is None:
            root_too = ", or the list's root (--paths-root, such as https://data.commoncrawl.org)"
            raise BadInput(f"input {address} does not exist; check the path{root_too}")
        if root and not is_local(root):  # a crawl's own file, which is what its name says
            return InputFile(path, state.size or 0, None, 0, kind_by_name(path), root, state.etag)
        with open_input(address, fetch, state.etag) as stream:
            kind = kind_of(path, stream, state.size or 0, columns)
    except OSError as error:
        raise BadInput(fault_of(address, error)) from error
    if kind.lacks:
        has = f"; it has {listed(kind.footer.schema.to_arrow_schema().names)}" if kind.footer is not None else ""
        raise BadInput(f"input {address} has no column '{kind.lacks[0]}' (--keep-columns){has}")
    return described(path, root, state, kind, fetch)


def described(path: str, root: str, state: FileState, kind: Kind, fetch: FetchSettings) -> InputFile:
    modified = 0 if root else state.modified
    if kind.name == SELECTION and kind.problem is None:
        kind = kind._replace(problem=fault_in(read_table(path, columns=PLACE)))
    if kind.name == SELECTION and kind.problem is None:
        root = crawl_root()
        require_selected(path, read_table(path, columns=PLACE[:1]).slice(0, 1)[PLACE[0]][0].as_py(), fetch)
    of_file = {"kind": kind.name, "root": root, "etag": state.etag, "footer": kind.footer, "whole": kind.whole}
    return InputFile(path, state.size or 0, kind.problem, modified, **of_file)


def kept_of(files: list[InputFile], columns: Columns) -> list[pa.Field]:
    """Columns of the readable tables that documents keep, with their types. Raises BadInput if there is no table."""
    tables = [file for file in files if file.problem is None and file.kind in (PARQUET, JSONL)]
    return columns.kept_of(file.footer.schema.to_arrow_schema() if file.kind == PARQUET else None for file in tables)


def changed_files(files: Iterable[InputFile]) -> list[str]:
    """Paths of files that are gone or were written to since they were inspected.

    On a server that is seen while a file is read; a file of which nothing was asked before is trusted.
    """
    asked = [file for file in files if file.size or file.modified or is_local(file.address)]
    asked = [file for file in asked if not is_elsewhere(file)]
    if all(is_local(file.address) for file in asked):
        return [file.path for file in asked if is_changed(file)]
    with ThreadPoolExecutor(ASKED_AT_ONCE) as threads:
        return [file.path for file, differs in zip(asked, threads.map(is_changed, asked), strict=True) if differs]


def is_elsewhere(file: InputFile) -> bool:
    """Whether a file's bytes come from a server, or from a crawl's own files in a bucket, which never change."""
    return is_remote(file.address) or (bool(file.root) and not is_local(file.root) and file.kind != SELECTION)


def is_changed(file: InputFile) -> bool:
    filesystem, name = locate(file.address)
    info = filesystem.get_file_info(name)
    is_same = info.type == fs.FileType.File and info.size == file.size
    return not is_same or (file.modified > 0 and (info.mtime_ns or 0) != file.modified)


def plan_units(files: list[InputFile], unit_bytes: int) -> list[CurateUnit]:
    """The units of all readable files, named after file and first byte; a function of the input alone."""
    usable = [file for file in files if file.problem is None]
    public = public_names([file.path for file in usable])
    stems = Counter(stem(file.path) for file in usable)
    units = []
    for file in usable:
        name = stem(file.path)
        if stems[name] > 1:  # equal names in different folders
            name += "-" + hashlib.blake2b(file.path.encode(), digest_size=4).hexdigest()
        of_file = {"kind": file.kind, "root": file.root, "etag": file.etag}
        for size, start, end in spans(file, unit_bytes):
            units.append(CurateUnit(f"{name}-{start:012d}", file.path, size, start, end, public[file.path], **of_file))
    return units


def spans(file: InputFile, unit_bytes: int) -> list[tuple[int, int, int]]:
    """(size, start, end) of a file's units: bytes, or rows of a table."""
    if file.kind == PARQUET:
        rows = file.footer.num_rows
        return [(rows, first, last) for first, last in spans_of_table(file.footer, unit_bytes)]
    if file.kind == SELECTION:
        records = [wanted_of(row) for row in read_table(file.path, columns=selection_columns(file.path)).to_pylist()]
        return [(len(records), first, last) for first, last in spans_of(records, unit_bytes)]
    if file.size == 0:
        return [(0, 0, TYPICAL_BYTES)]
    if file.kind == TEXT or (file.kind == JSONL and file.whole):
        return [(file.size, 0, file.size)]
    return [(unit.size, unit.start, unit.end) for unit in split_units(file.path, file.size, unit_bytes)]


def public_names(paths: list[str]) -> dict[str, str]:
    """The name of each file in a dataset, which says nothing of this machine.

    That is a crawl's own path where the path has one; a URI without its options; a relative path as it was typed;
    of absolute ones what lies below the folder that all of them share. Two files never get one name.
    """
    local = [path.removeprefix("file://") for path in paths]
    folders = [path.rpartition("/")[0] or "/" for path in local if path.startswith("/")]
    shared = os.path.commonpath(folders) if folders else ""
    names = {}
    for path, plain in zip(paths, local, strict=True):
        below = os.path.relpath(plain, shared) if plain.startswith("/") else plain.partition("?")[0]
        short = below if "://" in below else os.path.normpath(below)
        crawl = plain.partition("?")[0].rfind(f"/{CRAWL_FOLDER}")
        names[path] = plain.partition("?")[0][crawl + 1 :] if crawl >= 0 else short
    taken = Counter(names.values())
    if max(taken.values(), default=1) == 1:
        return names
    # Copies of a crawl in several folders, or a relative path that is like one below the shared folder.
    return {path: name if taken[name] == 1 else digest_name(path, name) for path, name in names.items()}


def digest_name(path: str, name: str) -> str:
    """A name that no other path has, and which tells nothing of it."""
    return f"{hashlib.blake2b(path.encode(), digest_size=4).hexdigest()}/{name}"
