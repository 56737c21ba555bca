"""What a dedup run reads and how its work is cut: a function of the inputs' manifests alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from schemas.faults import BadInput
from schemas.manifest import FileEntry, Manifest, open_finished
from schemas.storage import join, size_of
from transforms.dedup.signatures import SignatureFile
from transforms.documents import Part
from transforms.steps.dedup.settings import Deduplicate

MIN_PART_BYTES, MAX_PART_BYTES = 8 << 20, 256 << 20
PARTS_WANTED = 16  # so that a small corpus still keeps some workers busy
KEY_ROW_BYTES = 16
PARTITION_BYTES = 64 << 20  # packed keys that one worker sorts at a time
MEMBERS_PER_PARTITION = 500_000  # a few hundred bytes each, if every document were in a cluster
READABLE = ("curate", "dedup")


@dataclass(frozen=True)
class Input:
    """A finished directory of documents, or a corpus."""

    path: str
    manifest: Manifest

    @property
    def data(self) -> list[FileEntry]:
        return sorted((file for file in self.manifest.files if file.path.startswith("data/")), key=lambda f: f.path)

    @property
    def documents(self) -> int:
        return sum(file.rows for file in self.data)


def read_inputs(paths: list[str]) -> list[Input]:
    """The directories, ordered by what they hold and not by how they were given. Raises BadInput."""
    found = [Input(path.rstrip("/"), open_input(path, READABLE)) for path in paths]
    for item in found:
        for file in item.data:
            if size_of(join(item.path, file.path)) != file.bytes:
                raise BadInput(f"{join(item.path, file.path)} is missing or was changed; write {item.path} anew")
    return in_order(found)


def read_earlier(paths: list[str], dedup: Deduplicate) -> list[Input]:
    """Earlier corpora to match with. Raises BadInput if they can't be compared by these settings."""
    found = in_order([Input(path.rstrip("/"), open_input(path, ("dedup",))) for path in paths])
    given = {item.manifest.dataset_hash for item in found}
    for item in found:
        if (theirs := item.manifest.settings.get("signature")) != dedup.signature:
            raise BadInput(
                f"--against {item.path} has signatures of other settings ({theirs}, not {dedup.signature}); "
                "use the recipe it was made by, or deduplicate it anew"
            )
        if dedup.scope not in ("all", scope := scope_of(item.manifest)):
            raise BadInput(
                f"--against {item.path} was deduplicated by {scope} and can't be matched by {dedup.scope}; "
                f"use a recipe whose scope is {scope} or all"
            )
        for source in item.manifest.source:
            if source.get("role") == "against" and source["dataset_hash"] not in given:
                raise BadInput(f"{item.path} was made --against {source['path']}; give --against that corpus too")
    return found


def scope_of(manifest: Manifest) -> str:
    steps = manifest.settings["recipe"]["steps"]
    return next(step["scope"] for step in steps if step["step"] == Deduplicate.__name__)


def open_input(path: str, stages: tuple[str, ...]) -> Manifest:
    """Raises BadInput if the directory is not finished, or not an output of one of the stages."""
    return open_finished(path, stages, " or ".join(stages))


def in_order(inputs: list[Input]) -> list[Input]:
    ordered = sorted(inputs, key=lambda item: item.manifest.dataset_hash)
    for one, other in pairwise(ordered):
        if one.manifest.dataset_hash == other.manifest.dataset_hash:
            raise BadInput(f"{one.path} and {other.path} hold the same dataset; give it once")
    return ordered


def plan_signature_files(earlier: list[Input]) -> list[SignatureFile]:
    files = [
        (join(item.path, file.path), file) for item in earlier for file in sorted(item.manifest.files, key=by_path)
    ]
    signed = [(path, file) for path, file in files if file.path.startswith("signatures/")]
    return [
        SignatureFile(ordinal, path, file.path.split("/")[1], True, file.rows)
        for ordinal, (path, file) in enumerate(signed)
    ]


def by_path(file: FileEntry) -> str:
    return file.path


def plan_parts(inputs: list[Input], first_ordinal: int) -> list[Part]:
    """Neighbouring files of one language, up to a size that makes sane output files. Bytes are those of the input."""
    files = sorted(
        (file.path.split("/")[1], at, file.path, item.path, file)
        for at, item in enumerate(inputs)
        for file in item.data
    )
    target = min(max(sum(file.bytes for *_, file in files) // PARTS_WANTED, MIN_PART_BYTES), MAX_PART_BYTES)
    parts: list[Part] = []
    for language, group in groups(files, target):
        number = sum(part.language == language for part in parts)
        paths = tuple(join(folder, file.path) for folder, file in group)
        rows = sum(file.rows for _, file in group)
        parts.append(Part(first_ordinal + len(parts), f"{language}/part-{number:05}", paths, rows))
    return parts


def groups(files: list[Any], target: int) -> Iterator[tuple[str, list[tuple[str, FileEntry]]]]:
    language, held, size = "", [], 0
    for label, _, _, folder, file in files:
        if held and (label != language or size + file.bytes > target):
            yield language, held
            held, size = [], 0
        language = label
        held.append((folder, file))
        size += file.bytes
    if held:
        yield language, held


def key_partitions(documents: int, bands: int) -> int:
    return max(1, -(-documents * (1 + bands) * KEY_ROW_BYTES // PARTITION_BYTES))


def cluster_partitions(documents: int) -> int:
    return max(1, -(-documents // MEMBERS_PER_PARTITION))
