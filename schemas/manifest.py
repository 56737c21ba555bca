"""manifest.json: written last, it says that a directory is finished and what is in it. Readers trust it alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from schemas.faults import BadInput, reason
from schemas.storage import WRITE_ANEW, join, locate, read_json, size_of, unreadable, write_json

if TYPE_CHECKING:
    import pyarrow.dataset as ds

MANIFEST = "manifest.json"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A finished file.

    path: relative to the directory.
    rows: of a table; 0 for other files.
    bytes: its size.
    sha256: of its bytes, in hex.
    """

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a finished directory holds and came from.

    stage: the stage that wrote it, e.g. "curate".
    settings: recipe, options and assets with their hashes. Nothing that differs between two runs of the same work.
    versions: of the packages that its bytes depend on.
    source: the input files and their sizes, or the manifests of the input directories.
    counts: what the stage counted.
    files: all that belongs to it.
    dataset_hash: sha256 over the sorted paths and hashes of all files; equal hashes are equal datasets.
    format_version: of this layout; a reader takes its own and no other.
    """

    stage: str
    settings: dict[str, Any]
    versions: dict[str, str]
    source: list[dict[str, Any]]
    counts: dict[str, Any]
    files: tuple[FileEntry, ...]
    dataset_hash: str
    format_version: int = FORMAT_VERSION


def hash_dataset(files: Iterable[FileEntry]) -> str:
    """sha256 over `sha256  path` lines sorted by path, as `sha256sum` prints them."""
    lines = sorted(f"{file.path}\x00{file.sha256}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of packages by their name, of those that are installed."""
    import importlib.metadata

    known = {}
    for name in names:
        try:
            known[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return known


def write_manifest(folder: str, manifest: Manifest) -> None:
    write_json(join(folder, MANIFEST), asdict(manifest))


def read_manifest(folder: str) -> Manifest | None:
    """The directory's manifest, or None if it is not finished.

    Raises BadInput if the file is no manifest, or of a format that another version of Bateia writes.
    """
    path = join(folder, MANIFEST)
    if size_of(path) is None:
        return None
    try:
        value = read_json(path)
    except OSError as error:
        raise unreadable(path, error, "check its permissions") from error
    except (ValueError, RecursionError) as error:
        raise _foreign(path, error) from error
    _check_format(path, value)
    try:
        files = tuple(FileEntry(**entry) for entry in value.pop("files"))
        manifest = Manifest(files=files, **value)
    except (AttributeError, KeyError, TypeError) as error:
        raise _foreign(path, error) from error
    if "format_version" not in value:
        raise BadInput(f"{path} names no format_version (this Bateia reads {FORMAT_VERSION}); {WRITE_ANEW}")
    return manifest


def _check_format(path: str, value: Any) -> None:
    """Raise BadInput for another format_version. Checked first, because another format may have other fields."""
    version = value.get("format_version", FORMAT_VERSION) if isinstance(value, dict) else FORMAT_VERSION
    if type(version) is not int:
        raise _foreign(path, TypeError(f"format_version {version!r}"))
    differs = f"(format {version}, this one reads {FORMAT_VERSION})"
    if version > FORMAT_VERSION:
        raise BadInput(f"{path} was written by a newer Bateia {differs}; update Bateia")
    if version < FORMAT_VERSION:
        raise BadInput(f"{path} was written by an older Bateia {differs}; {WRITE_ANEW}")


def _foreign(path: str, error: Exception) -> BadInput:
    return BadInput(f"{path} is no Bateia manifest ({reason(error)}); give a directory that Bateia wrote")


def open_finished(folder: str, stages: tuple[str, ...], command: str) -> Manifest:
    """The manifest of a directory that one of the stages has finished.

    command: what writes such a directory, for messages.

    Raises BadInput if the directory is not finished, was written by another stage, or can't be read.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise BadInput(f"{folder} has no {MANIFEST}, so it is not finished; run {command} to the end first")
    if manifest.stage not in stages:
        raise BadInput(f"{folder} was written by stage '{manifest.stage}'; give an output of {command}")
    return manifest


def open_dataset(folder: str, prefix: str) -> ds.Dataset:
    """A finished directory's Parquet files below `prefix`, as an Arrow dataset. Raises BadInput if there are none."""
    import pyarrow.dataset as ds

    manifest = read_manifest(folder)
    if manifest is None:
        raise BadInput(f"{folder} has no {MANIFEST}, so it is not finished; run its command to the end first")
    paths = [join(folder, file.path) for file in manifest.files if file.path.startswith(prefix)]
    if not paths:
        raise BadInput(f"{folder} was written by stage '{manifest.stage}' and has no {prefix}; give another directory")
    filesystem, _ = locate(folder)
    return ds.dataset([locate(path)[1] for path in sorted(paths)], filesystem=filesystem, format="parquet")
