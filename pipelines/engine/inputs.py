"""`--input`: WARC files, globs and lists of paths become a sorted list of files, and files become units of work."""

from __future__ import annotations

import fnmatch
import glob
import gzip
import hashlib
import os
import re
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pyarrow import fs

from schemas.faults import BadInput, reason
from schemas.storage import is_local, join, lines_of_list, locate, open_read, size_of
from transforms.curate import CurateUnit
from transforms.steps.warc.names import stem
from transforms.steps.warc.reader import sniff, split_units

LIST_ENDINGS = (".paths", ".paths.gz")
CRAWL_FOLDER = "crawl-data/"  # how paths in Common Crawl's bucket begin
MAX_LIST_BYTES = 1 << 30  # inflated; a whole crawl's list is 12 MB


@dataclass(frozen=True, slots=True)
class WarcFile:
    """An input file.

    problem: why nothing can be read from it, or None.
    modified: time of its last change in ns, 0 where the file system has none.
    """

    path: str
    size: int
    problem: str | None = None
    modified: int = 0


def find_inputs(patterns: list[str], paths_root: str | None = None) -> list[WarcFile]:
    """Return the WARC files that the patterns name, sorted, each once by any names, with what is wrong.

    A pattern is a file, a glob, a `*.paths(.gz)` list of paths (relative to `paths_root`, else to the list's folder),
    or an s3:// or gs:// URI of a file or with a glob of * or [.

    Raises BadInput if one names nothing, or if no file is usable.
    """
    paths = sorted({path for pattern in patterns for path in expand(pattern, paths_root)})
    once = {identity(path): path for path in reversed(paths)}
    files = [inspect(path) for path in sorted(once.values())]
    if all(file.problem for file in files):
        what = "; ".join(f"{file.path} {file.problem}" for file in files[:3])
        raise BadInput(f"no input can be read: {what}. Give WARC files with HTTP responses (.warc or .warc.gz)")
    return files


def expand(pattern: str, paths_root: str | None) -> list[str]:
    if pattern.endswith(LIST_ENDINGS):
        return read_list(pattern, paths_root)
    if not is_local(pattern):
        return expand_uri(pattern)
    if Path(pattern).is_dir():
        raise BadInput(f"input {pattern} is a directory; give its files: '{pattern.rstrip('/')}/*.warc.gz'")
    if Path(pattern).exists():
        return [pattern]
    if paths := [path for path in glob.glob(pattern, recursive=True) if Path(path).is_file()]:
        return paths
    raise BadInput(f"input {pattern} does not exist; check the path")


def expand_uri(pattern: str) -> list[str]:
    """URIs of the files that a URI with a glob names. A question mark begins a URI's options, so it is no wildcard."""
    address, mark, options = pattern.partition("?")
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
    filesystem, name = locate(path)
    if not isinstance(filesystem, fs.LocalFileSystem):
        return filesystem.type_name, name
    try:
        state = Path(name).stat()
    except OSError:
        return "local", name
    return ("inode", str(state.st_dev), str(state.st_ino)) if state.st_ino else ("local", os.path.realpath(name))


def read_list(path: str, paths_root: str | None) -> list[str]:
    """The paths in a list such as Common Crawl's warc.paths.gz: one a line, blank lines and `#` comments left out."""
    root = paths_root if paths_root is not None else path.rpartition("/")[0] or "."
    try:
        with open_read(path) as file:
            raw = file.read(MAX_LIST_BYTES)
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        listed = lines_of_list(raw)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise BadInput(f"list {path} can't be read ({error}); give a text file with one path a line") from error
    if not listed:
        raise BadInput(f"list {path} names no file; give one path a line")
    return [line if "://" in line or line.startswith("/") else join(root, line) for line in listed]


def inspect(path: str) -> WarcFile:
    try:
        size = size_of(path)
        if size is None:
            raise BadInput(f"input {path} does not exist; check the path, or the list's root (--paths-root)")
        with open_read(path) as stream:
            return WarcFile(path, size, sniff(stream, size), modified_of(path))
    except OSError as error:
        raise BadInput(
            f"input {path} can't be read ({error.strerror or reason(error)}); check its permissions"
        ) from error


def modified_of(path: str) -> int:
    """When a file was last modified, in ns; 0 if there is no such file or its file system has no times."""
    filesystem, name = locate(path)
    return filesystem.get_file_info(name).mtime_ns or 0


def is_changed(file: WarcFile) -> bool:
    """Whether the file is gone or was written to since it was inspected."""
    return size_of(file.path) != file.size or modified_of(file.path) != file.modified


def plan_units(files: list[WarcFile], unit_bytes: int) -> list[CurateUnit]:
    """The units of all readable files, named after file and first byte; a function of the input alone."""
    usable = [file for file in files if file.problem is None]
    public = public_names([file.path for file in usable])
    stems = Counter(stem(file.path) for file in usable)
    units = []
    for file in usable:
        name = stem(file.path)
        if stems[name] > 1:  # equal names in different folders
            name += "-" + hashlib.blake2b(file.path.encode(), digest_size=4).hexdigest()
        for unit in split_units(file.path, file.size, unit_bytes):
            span = unit.path, unit.size, unit.start, unit.end
            units.append(CurateUnit(f"{name}-{unit.start:012d}", *span, public[file.path]))
    return units


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


def require_writable(folder: str) -> None:
    """Raise BadInput unless files can be made in `folder`, which is made if absent."""
    filesystem, name = locate(folder)
    try:
        filesystem.create_dir(name, recursive=True)
        probe = f"{name.rstrip('/')}/.writable"
        filesystem.open_output_stream(probe).close()
        filesystem.delete_file(probe)
    except OSError as error:
        raise BadInput(
            f"output {folder} can't be written ({error.strerror or error}); choose another --output"
        ) from error
