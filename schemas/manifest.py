"""manifest.json: written last, it says that a directory is finished and what is in it. Readers trust it alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from schemas.storage import join, read_json, size_of, write_json

MANIFEST = "manifest.json"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A finished file: path relative to the directory, rows, bytes, sha256 of its bytes."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a finished directory holds and came from.

    stage: the stage that wrote it, e.g. "curate".
    settings: recipe, options and assets with their hashes. Nothing that differs between two runs of the same work.
    source: the input files and their sizes, or the manifests of the input directories.
    dataset_hash: sha256 over the sorted paths and hashes of all files; equal hashes are equal datasets.
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


def write_manifest(folder: str, manifest: Manifest) -> None:
    write_json(join(folder, MANIFEST), asdict(manifest))


def read_manifest(folder: str) -> Manifest | None:
    """The directory's manifest, or None if it is not finished. Raises ValueError if the file is no manifest."""
    path = join(folder, MANIFEST)
    if size_of(path) is None:
        return None
    value = read_json(path)
    try:
        files = tuple(FileEntry(**entry) for entry in value.pop("files"))
        return Manifest(files=files, **value)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no Bateia manifest ({error}); remove the directory or choose another") from error
