"""`bateia shards index`: index files beside the tokens, for datatrove's and Megatron's loaders.

They are no part of the shards' manifest: they can be written again from the documents' tables at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.upkeep.verify_files import size_fault
from schemas.faults import BadInput
from schemas.manifest import FileEntry
from schemas.shards.documents import ASK_VERIFY, DocumentIndex, index_documents
from schemas.shards.layout import ShardsInfo, open_shards, shard_number
from schemas.shards.tombstones import Tombstones, is_pending, read_tombstones
from schemas.storage import join, size_of, write_whole
from transforms.steps.tokens.indexes import datatrove_index, megatron_index


@dataclass(frozen=True)
class IndexFormat:
    """A format that another loader reads.

    name: of a file of tokens, the name of the index beside it.
    content: the bytes of the index, of the documents in the file and the bytes of a token.
    """

    name: Callable[[str], str]
    content: Callable[[DocumentIndex, int], bytes]


def datatrove(documents: DocumentIndex, token_bytes: int) -> bytes:
    """A forgotten document stays, as padding: the format has no gaps."""
    return datatrove_index(documents.ends)


def megatron(documents: DocumentIndex, token_bytes: int) -> bytes:
    """Forgotten documents are not in it."""
    kept = ~documents.forgotten
    starts, lengths = documents.starts[kept], (documents.ends - documents.starts)[kept]
    return megatron_index(starts, lengths, token_bytes)


FORMATS = {
    "datatrove": IndexFormat(lambda path: f"{path}.index", datatrove),
    "megatron": IndexFormat(lambda path: f"{path.removesuffix('.bin')}.idx", megatron),
}


def write_indexes(folder: str, formats: tuple[str, ...]) -> list[str]:
    """Write an index beside every file of tokens; returns their paths. Raises BadInput for shards that aren't sound."""
    shards, manifest = open_shards(folder)
    if is_pending(shards.folder):
        raise BadInput(f"{folder}: a `bateia forget` was interrupted; repeat its command to finish it first")
    files = [file for file in manifest.files if file.path.endswith(".bin")]
    for file in files:
        if (fault := size_fault(shards.folder, file, ASK_VERIFY)) is not None:
            raise BadInput(fault)
    tombstones = read_tombstones(shards.folder)
    return [path for file in files for path in write_beside(shards, tombstones, file, formats)]


def write_beside(
    shards: ShardsInfo, tombstones: list[Tombstones], file: FileEntry, formats: tuple[str, ...]
) -> list[str]:
    """Write the indexes of one file of tokens; returns their paths. Raises BadInput if its documents do not tile it."""
    split, token_bytes = file.path.partition("/")[0], shards.dtype.itemsize
    path, tokens = join(shards.folder, file.path), file.bytes // token_bytes
    documents = index_documents(shards.folder, split, shard_number(file.path), tombstones)
    if not np.array_equal(np.append(documents.starts, tokens), np.insert(documents.ends, 0, 0)):
        raise BadInput(f"{path}: its documents do not tile it; ask `bateia shards verify`")
    paths = []
    for name in formats:
        paths.append(FORMATS[name].name(path))
        with write_whole(paths[-1]) as out:
            out.write(FORMATS[name].content(documents, token_bytes))
    return paths


def rewrite_indexes(shards: ShardsInfo, tombstones: list[Tombstones], file: FileEntry) -> None:
    """Rewrite the indexes that exist beside a file of tokens whose documents have changed."""
    path = join(shards.folder, file.path)
    present = tuple(name for name, form in FORMATS.items() if size_of(form.name(path)) is not None)
    if present:
        write_beside(shards, tombstones, file, present)


def summary(paths: list[str]) -> str:
    shown = ", ".join(paths[:2]) + (", …" if len(paths) > 2 else "")
    return f"{len(paths)} index files: {shown}"
