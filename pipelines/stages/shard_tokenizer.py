"""The tokenizer of shards, given or trained on their input: written into their folder, its formats compared."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.stages.datasets import Input
from pipelines.stages.tokenizer import COMPARED_DOCUMENTS, TokenizerRun, train
from schemas.faults import BadInput, BrokenRun
from schemas.manifest import FileEntry
from schemas.storage import join, open_read, size_of, write_whole
from schemas.wording import plural
from transforms.documents import read_documents
from transforms.encode import READ
from transforms.steps.tokens.export import mismatches, to_tokenizer_json
from transforms.steps.tokens.tokenizer import JSON, MODEL, Tokenizer, load_tokenizer, tokenizer_from_json

CONFIG, LENGTHS = "tokenizer_config.json", "token_bytes.npy"
SHOWN = 3  # mismatches in a message


@dataclass(frozen=True)
class GivenTokenizer:
    """A tokenizer given by --tokenizer.

    path: as given.
    files: contents of its folder among the shards, by name.
    """

    path: str
    tokenizer: Tokenizer
    files: dict[str, bytes]

    @property
    def settings(self) -> dict[str, Any]:
        return {name: hashlib.sha256(data).hexdigest() for name, data in sorted(self.files.items())}

    def write(self, folder: str, inputs: tuple[Input, ...]) -> None:
        """Write it into the shards' folder. Raises BrokenRun if its formats differ on documents of the input."""
        if MODEL in self.files:
            self._check_formats(inputs)
        for name, data in self.files.items():
            with write_whole(join(folder, name)) as file:
                file.write(data)

    def _check_formats(self, inputs: tuple[Input, ...]) -> None:
        differing = list(mismatches(self.files[MODEL], self.files[JSON].decode(), some_texts(inputs)))
        if differing:
            raise BrokenRun(
                f"{self.path}: {JSON} and {MODEL} differ on {plural(len(differing), 'document')} of the input "
                f"({'; '.join(differing[:SHOWN])}); give the one to use as a file"
            )


def load_given_tokenizer(path: str, vocab_size: int | None) -> GivenTokenizer:
    """Raises BadInput for a path that holds none, or one of another size than `vocab_size`."""
    tokenizer = load_tokenizer(path)
    files = files_of(Path(path))
    if MODEL in files and JSON not in files:
        files[JSON] = to_tokenizer_json(files[MODEL]).encode()
    if MODEL in files:  # it was read by the model, so this one was not yet
        tokenizer_from_json(files[JSON], path, "")
    if vocab_size is not None and vocab_size != tokenizer.size:
        raise BadInput(
            f"tokenizer {path} has {plural(tokenizer.size, 'token')}, not --vocab-size {vocab_size:,}; leave it out"
        )
    lengths = io.BytesIO()
    np.save(lengths, tokenizer.token_bytes)
    return GivenTokenizer(path, tokenizer, files | {LENGTHS: lengths.getvalue()})


def files_of(path: Path) -> dict[str, bytes]:
    """The tokenizer's files by the names that they get among the shards."""
    if path.is_dir():
        return {name: (path / name).read_bytes() for name in (MODEL, JSON, CONFIG) if (path / name).is_file()}
    return {MODEL if path.suffix == ".model" else JSON: path.read_bytes()}


def some_texts(inputs: tuple[Input, ...]) -> Iterator[str]:
    """About COMPARED_DOCUMENTS documents, the first ones of each file."""
    files = [join(item.path, file.path) for item in inputs for file in item.data]
    each = -(-COMPARED_DOCUMENTS // max(len(files), 1))
    for path in files:
        yield from (row["text"] for row in islice(read_documents([path], READ), each))


def provide_tokenizer(
    folder: str, own: GivenTokenizer | None, training: TokenizerRun, inputs: tuple[Input, ...]
) -> None:
    """Put the tokenizer into its folder: the given one, else one trained on the input. Raises BadInput, BrokenRun."""
    if own is not None:
        own.write(folder, inputs)
    elif not training.directory.is_finished():
        replace(training.directory, nested=True).prepare(overwrite=False)
        train(training)


def entries_of(output: str) -> list[FileEntry]:
    """The files of the tokenizer's folder."""
    entries = []
    for name in (JSON, MODEL, CONFIG, LENGTHS):
        path = f"tokenizer/{name}"
        if size_of(join(output, path)) is not None:
            with open_read(join(output, path)) as file:
                data = file.read()
            entries.append(FileEntry(path, 0, len(data), hashlib.sha256(data).hexdigest()))
    return entries


def json_sha256(folder: str) -> str:
    """sha256 of tokenizer.json, the artefact of record. Raises ValueError if there is none."""
    with open_read(join(folder, JSON)) as file:
        data = file.read()
    json.loads(data)
    return hashlib.sha256(data).hexdigest()
