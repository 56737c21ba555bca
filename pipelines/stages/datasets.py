"""Finished directories of documents as input: opened, checked, and brought into an order of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

from schemas.faults import BadInput
from schemas.manifest import MANY_FILES, FileEntry, Manifest, open_finished
from schemas.storage import is_local, join, sizes_below

READABLE = ("curate", "dedup")


@dataclass(frozen=True)
class Input:
    """A finished directory of documents, or a corpus."""

    path: str
    manifest: Manifest

    @cached_property
    def data(self) -> Sequence[FileEntry]:
        """Its files of documents, sorted by path."""
        return self.manifest.below("data/")

    @cached_property
    def documents(self) -> int:
        return sum(file.rows for file in self.data)


def read_inputs(paths: list[str]) -> list[Input]:
    """The directories, sorted by dataset hash, so that the order of the options does not matter. Raises BadInput."""
    inputs = [Input(path.rstrip("/"), open_input(path, READABLE)) for path in paths]
    for item in inputs:
        sizes = sizes_below(join(item.path, "data"))
        for file in item.data:
            if sizes.get(file.path.partition("/")[2]) != file.bytes:
                raise BadInput(f"{join(item.path, file.path)} is missing or was changed; write {item.path} anew")
    return in_order(inputs)


def open_input(path: str, stages: tuple[str, ...]) -> Manifest:
    """Raises BadInput if the directory is not finished, or not an output of one of the stages."""
    return open_finished(path, stages, " or ".join(f"`bateia {stage}`" for stage in stages))


def in_order(inputs: list[Input]) -> list[Input]:
    ordered = sorted(inputs, key=lambda item: item.manifest.dataset_hash)
    for one, other in pairwise(ordered):
        if one.manifest.dataset_hash == other.manifest.dataset_hash:
            raise BadInput(f"{one.path} and {other.path} hold the same dataset; give it once")
    return ordered


def source_of(item: Input) -> dict[str, Any]:
    manifest = item.manifest
    return {
        "path": item.path,
        "stage": manifest.stage,
        "dataset_hash": manifest.dataset_hash,
        "documents": item.documents,
    }


def files_behind(item: Input) -> dict[str, Any]:
    """What an input was made of; of a crawl's files how many, as its manifest, known by its hash, lists them."""
    source = item.manifest.source
    return {"source": source} if len(source) <= MANY_FILES else {"source_files": len(source)}


def overlap(one: str, other: str) -> bool:
    """Whether two directories are the same or one is inside the other."""
    paths = [Path(path).resolve() if is_local(path) else PurePosixPath(path.rstrip("/")) for path in (one, other)]
    return paths[0].is_relative_to(paths[1]) or paths[1].is_relative_to(paths[0])
