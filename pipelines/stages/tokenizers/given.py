"""The tokenizer of shards, given or trained on their input: written into their folder, its formats compared."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.engine.run import Phases
from pipelines.stages.datasets import Input
from pipelines.stages.tokenizers.round_trip import REMEDY, require_texts_back, round_trip
from pipelines.stages.tokenizers.training import COMPARED_DOCUMENTS, STAGE, TokenizerRun
from schemas.faults import BadInput
from schemas.manifest import FileEntry
from schemas.storage import join, open_read, size_of, write_whole
from schemas.wording import plural
from transforms.documents import read_documents
from transforms.encode import READ
from transforms.steps.tokens.export import to_tokenizer_json
from transforms.steps.tokens.tokenizer import Tokenizer, load_tokenizer, tokenizer_from_json
from transforms.steps.tokens.tokenizer_files import CONFIG, JSON, MODEL, tokenizer_file

LENGTHS = "token_bytes.npy"


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
        """Write it into the shards' folder.

        Raises BadInput if on documents of the input its formats differ, or too many texts do not come back.
        """
        proof = round_trip(self.tokenizer, self.files[JSON].decode(), some_texts(inputs))
        if warning := require_texts_back(self.path, proof):
            sys.stderr.write(f"note: {warning}\n")
        for name, data in self.files.items():
            with write_whole(join(folder, name)) as file:
                file.write(data)


def load_given_tokenizer(path: str, vocab_size: int | None) -> GivenTokenizer:
    """Raises BadInput for a path that holds none, or one of another size than `vocab_size`."""
    tokenizer = load_tokenizer(path)
    files = files_of(path)
    if JSON not in files:
        try:
            files[JSON] = to_tokenizer_json(files[MODEL]).encode()
        except ValueError as error:
            raise BadInput(
                f"tokenizer {path} is a SentencePiece model of a kind that can't be used: {error}; {REMEDY}"
            ) from error
    if MODEL in files:  # it was read by the model, so this one was not yet
        tokenizer_from_json(files[JSON], path, "")
    if vocab_size is not None and vocab_size != tokenizer.size:
        raise BadInput(
            f"tokenizer {path} has {plural(tokenizer.size, 'token')}, not --vocab-size {vocab_size:,}; leave it out"
        )
    lengths = io.BytesIO()
    np.save(lengths, tokenizer.token_bytes)
    return GivenTokenizer(path, tokenizer, files | {LENGTHS: lengths.getvalue()})


def files_of(path: str) -> dict[str, bytes]:
    """The tokenizer's files by the names that they get among the shards."""
    file = tokenizer_file(path)
    main = MODEL if file.suffix == ".model" else JSON
    beside = [
        name for name in (JSON, CONFIG) if name != main and Path(path).is_dir() and (file.parent / name).is_file()
    ]
    return {main: file.read_bytes(), **{name: (file.parent / name).read_bytes() for name in beside}}


def some_texts(inputs: tuple[Input, ...]) -> Iterator[str]:
    """About COMPARED_DOCUMENTS documents, the first of each file; of many files, of those that a hash puts first."""
    files = [join(item.path, file.path) for item in inputs for file in item.data]
    if len(files) > COMPARED_DOCUMENTS:
        ordered = sorted((file.sha256, join(item.path, file.path)) for item in inputs for file in item.data)
        files = [path for _, path in ordered[:COMPARED_DOCUMENTS]]
    each = -(-COMPARED_DOCUMENTS // max(len(files), 1))
    for path in files:
        yield from (row["text"] for row in islice(read_documents([path], READ), each))


def provide_tokenizer(
    folder: str, own: GivenTokenizer | None, training: TokenizerRun, inputs: tuple[Input, ...], phases: Phases
) -> None:
    """Put the tokenizer into its folder: the given one, else one trained on the input. Raises BadInput, BrokenRun."""
    if own is not None:
        phases.run_locally(STAGE, lambda: own.write(folder, inputs))
    elif not training.directory.is_finished():
        replace(training.directory, nested=True).prepare(overwrite=False)
        training.execute(phases)


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
