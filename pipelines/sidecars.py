"""`bateia shards sidecars`: index files beside the tokens, for datatrove's and Megatron's loaders.

They are no part of the shards' manifest: they can be written again from the documents' tables at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.faults import BadInput
from pipelines.forget_tombstones import Tombstones, is_pending, read_tombstones
from pipelines.lineage_documents import read_documents
from pipelines.verify import open_manifest
from pipelines.verify_files import size_fault
from schemas.manifest import FileEntry
from schemas.shards import ShardsInfo, docs_path, shard_number, tokens_path
from schemas.storage import join, size_of, write_whole
from transforms.steps.sidecar_formats import datatrove_index, megatron_index

SPAN = ("start", "length")


@dataclass(frozen=True)
class Outlines:
    """Documents of a shard by where they lie, in order: int64, int64, bool."""

    starts: np.ndarray
    lengths: np.ndarray
    forgotten: np.ndarray


@dataclass(frozen=True)
class Sidecar:
    """A format: the name of its file beside a file of tokens, and its bytes of the documents and a token's bytes."""

    name: Callable[[str], str]
    content: Callable[[Outlines, int], bytes]


def datatrove(documents: Outlines, token_bytes: int) -> bytes:
    """A forgotten document is one of padding: the loader knows no gaps."""
    return datatrove_index(documents.starts + documents.lengths)


def megatron(documents: Outlines, token_bytes: int) -> bytes:
    """Forgotten documents are not in it."""
    kept = ~documents.forgotten
    return megatron_index(documents.starts[kept], documents.lengths[kept], token_bytes)


SIDECARS = {
    "datatrove": Sidecar(lambda path: f"{path}.index", datatrove),
    "megatron": Sidecar(lambda path: f"{path.removesuffix('.bin')}.idx", megatron),
}


def write_sidecars(folder: str, formats: tuple[str, ...]) -> list[str]:
    """Write an index beside every file of tokens; returns their paths. Raises BadInput for shards that aren't sound."""
    shards, manifest = open_manifest(folder)
    if is_pending(shards.folder):
        raise BadInput(f"{folder}: a `bateia forget` was interrupted; repeat its command to finish it first")
    files = [file for file in manifest.files if file.path.endswith(".bin")]
    for file in files:
        if (fault := size_fault(shards.folder, file, "ask `bateia shards verify` what else is amiss")) is not None:
            raise BadInput(fault)
    tombstones = read_tombstones(shards.folder)
    return [path for file in files for path in write_beside(shards, tombstones, file, formats)]


def write_beside(
    shards: ShardsInfo, tombstones: list[Tombstones], file: FileEntry, formats: tuple[str, ...]
) -> list[str]:
    split, token_bytes = file.path.partition("/")[0], shards.dtype.itemsize
    tokens = file.bytes // token_bytes
    documents = outlines(shards, tombstones, split, shard_number(file.path))
    ends = documents.starts + documents.lengths
    if not np.array_equal(np.append(documents.starts, tokens), np.insert(ends, 0, 0)):
        raise BadInput(f"{join(shards.folder, file.path)}: its documents do not tile it; ask `bateia shards verify`")
    paths = []
    for name in formats:
        paths.append(SIDECARS[name].name(join(shards.folder, file.path)))
        with write_whole(paths[-1]) as out:
            out.write(SIDECARS[name].content(documents, token_bytes))
    return paths


def outlines(shards: ShardsInfo, tombstones: list[Tombstones], split: str, shard: int) -> Outlines:
    """Where all documents of a shard lie and lay. Raises BadInput if its table can't be read."""
    import pyarrow.compute as pc

    path = docs_path(shards.folder, split, shard)
    tables = [read_documents(path, ("start", "length"), pc.field("length") > 0)]
    tables += [times.of(split, shard) for times in tombstones]
    starts, lengths = (np.concatenate([table.column(name).to_numpy() for table in tables]) for name in SPAN)
    forgotten = np.arange(len(starts)) >= len(tables[0])
    order = np.argsort(starts, kind="stable")
    return Outlines(starts[order], lengths[order], forgotten[order])


def rewrite_sidecars(shards: ShardsInfo, tombstones: list[Tombstones], file: FileEntry) -> None:
    """Those that lie beside a file whose documents have changed."""
    path = tokens_path(shards.folder, file.path.partition("/")[0], shard_number(file.path))
    there = tuple(name for name, sidecar in SIDECARS.items() if size_of(sidecar.name(path)) is not None)
    write_beside(shards, tombstones, file, there)


def tell_sidecars(paths: list[str]) -> str:
    shown = ", ".join(paths[:2]) + (", …" if len(paths) > 2 else "")
    return f"{len(paths)} index files: {shown}"
