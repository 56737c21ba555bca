"""`bateia tokenizer train`: a tokenizer from a sample of a corpus, all its formats tested to encode alike."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from pipelines.engine.output import StageOutput
from pipelines.engine.progress import UnitCount
from pipelines.engine.run import FAILURE, Phases
from pipelines.stages.datasets import Input, read_inputs
from pipelines.stages.tokenizers.child import read_sample, train_in_child, write_sample
from pipelines.stages.tokenizers.round_trip import round_trip
from pipelines.stages.tokenizers.sample import DEFAULT_VOCABULARY, Sample, draw_by_phases
from schemas.faults import BadInput, BrokenRun
from schemas.manifest import FileEntry, Manifest, hash_dataset, versions, write_manifest
from schemas.storage import (
    is_local,
    join,
    read_json,
    remove,
    remove_folder,
    size_of,
    sync_folder_of,
    write_json,
    write_whole,
)
from schemas.wording import plural
from transforms.steps.tokens.settings import TrainTokenizer
from transforms.steps.tokens.tokenizer import Tokenizer, tokenizer_from_json, tokenizer_from_model
from transforms.units import PROGRESS

STAGE = "tokenizer"
FILES = ("tokenizer.model", "tokenizer.json", "tokenizer_config.json", "token_bytes.npy")
COMPARED_DOCUMENTS = 1000  # documents of the sample on which formats must agree
SHOWN_MISMATCHES = 5
WORK, TEXTS, COUNTS = "work", "sample.jsonl", "sample.json"  # the folder is there while a training is not finished


@dataclass(frozen=True)
class TokenizerRun:
    """A training as asked for: its folder, its documents and its settings."""

    output: str
    inputs: tuple[Input, ...]
    recipe: TrainTokenizer

    @property
    def settings(self) -> dict[str, Any]:
        return self.recipe.settings

    @property
    def source(self) -> list[dict[str, Any]]:
        return [{"path": item.path, "dataset_hash": item.manifest.dataset_hash} for item in self.inputs]

    @property
    def directory(self) -> StageOutput:
        return StageOutput(self.output, STAGE, (WORK, PROGRESS), (*FILES, FAILURE), self.settings, self.source)

    def is_finished(self) -> bool:
        return self.directory.is_finished()

    def finished_differences(self) -> list[tuple[str, Any, Any]]:
        return self.directory.finished_differences()

    def prepare(self, overwrite: bool) -> None:
        self.directory.prepare(overwrite)

    def progress_summary(self) -> str:
        drawn = size_of(join(self.output, WORK, COUNTS)) is not None
        return "the tokenizer's sample is kept" if drawn else "nothing is kept yet"

    def execute(self, phases: Phases) -> TokenizerSummary:
        counts: dict[str, Any] = {}
        sample = draw(self, phases)
        learning = Learning(self.recipe.vocab_size or self.recipe.max_vocab_size or DEFAULT_VOCABULARY)
        phases.run_locally(STAGE, lambda: counts.update(train(self, learning.learnt, sample)), learning)
        return TokenizerSummary(self.output, self.recipe.algorithm, counts)


class Learning:
    """How far a training is, for a progress line; of algorithms that do not tell, the time alone is known."""

    noun, counted, is_near = "tokens learnt", (), True

    def __init__(self, vocab_size: int) -> None:
        self.total, self.units, self.learnt = vocab_size, 1, [0]

    def count(self) -> UnitCount:
        return UnitCount(self.learnt[0])


@dataclass(frozen=True)
class TokenizerSummary:
    """The result of a run. counts: of the manifest."""

    output: str
    algorithm: str
    counts: dict[str, Any]

    def lines(self) -> Iterator[str]:
        yield f"{plural(self.counts['vocabulary'], 'token')} ({self.algorithm}) in {self.output}"
        yield "  language  documents  characters  bytes/token  tokens/word"
        for name, row in self.counts["languages"].items():
            per_token, per_word = row["bytes_per_token"] or 0, row["tokens_per_word"] or 0
            counts = f"{row['documents']:>9,}  {row['characters']:>10,}"
            yield f"  {name:<8}  {counts}  {per_token:>11.2f}  {per_word:>11.2f}"


def plan_tokenizer(output: str, inputs: list[str], recipe: TrainTokenizer) -> TokenizerRun:
    """Raises BadInput for inputs that are unfinished or changed."""
    return TokenizerRun(output, tuple(read_inputs(inputs)), recipe)


def draw(run: TokenizerRun, phases: Phases) -> Sample | None:
    """The sample, unless an interrupted training has kept it. Raises BadInput, with nothing left behind."""
    kept = (join(run.output, WORK, name) for name in (TEXTS, COUNTS))  # of both a power cut may have removed one
    if is_local(run.output) and all(size_of(path) is not None for path in kept):
        return None
    try:
        return draw_by_phases(run.output, run.inputs, run.recipe, phases)
    except BadInput:
        run.directory.clear()
        raise


def train(run: TokenizerRun, learnt: list[int], sample: Sample | None) -> dict[str, Any]:
    """Train, prove, write. Returns the manifest's counts. An interrupted one leaves its sample for the next.

    learnt: its only item is set to the number of tokens learnt so far
    sample: what was drawn; None where an interrupted training has kept it

    Raises BadInput for a vocabulary that the sample can't fill or weights of languages that are not there, BrokenRun if
    formats disagree; then nothing is written.
    """
    try:
        with working_folder(run) as work:
            sample = keep_sample(work, sample) if sample is not None else kept_sample(work)
            made, tokenizer = train_files(run, sample, work, learnt)
    except (BadInput, BrokenRun):
        run.directory.clear()
        raise
    entries = []
    for name, data in made.items():
        with write_whole(join(run.output, name)) as file:
            file.write(data)
        entries.append(FileEntry(name, 0, file.bytes, file.sha256))
    for folder in (WORK, PROGRESS):
        remove_folder(join(run.output, folder))
    sync_folder_of(join(run.output, WORK))  # shards go on with a tokenizer that has a manifest, and look no further
    counts = counts_of(tokenizer, sample)
    write_manifest(run.output, manifest_of(run, counts, entries))
    remove(join(run.output, FAILURE))
    return counts


@contextmanager
def working_folder(run: TokenizerRun) -> Iterator[Path]:
    """Where the sample lies for the process that trains: in the output, or a temporary one where that is not local."""
    if is_local(run.output):
        yield Path(run.output) / WORK
        return
    with TemporaryDirectory() as folder:
        yield Path(folder)


def keep_sample(work: Path, sample: Sample) -> Sample:
    write_sample(work / TEXTS, sample.all)
    counts = {"texts": {name: len(texts) for name, texts in sorted(sample.texts.items())}}
    write_json(str(work / COUNTS), counts | {"characters": sample.characters})
    return sample


def kept_sample(work: Path) -> Sample:
    """The sample that an interrupted training has drawn, by the same settings from the same documents."""
    counts, texts = read_json(str(work / COUNTS)), read_sample(work / TEXTS)
    return Sample({name: list(islice(texts, count)) for name, count in counts["texts"].items()}, counts["characters"])


def train_files(run: TokenizerRun, sample: Sample, work: Path, learnt: list[int]) -> tuple[dict[str, bytes], Tokenizer]:
    """What a tokenizer's folder holds, by name, and the tokenizer. work: holds the sample"""
    import json

    from transforms.steps.tokens.export import mismatches, to_tokenizer_json, tokenizer_config

    size = run.recipe.vocab_size or min(sample.vocab_size, run.recipe.max_vocab_size or DEFAULT_VOCABULARY)
    try:
        model = train_in_child(run.recipe.algorithm, work / TEXTS, work / "model", size, learnt)
    except ValueError as error:
        raise BadInput(f"{error} (--vocab-size, --sample-mb)") from error
    if run.recipe.algorithm == "sentencepiece":
        exported = to_tokenizer_json(model)
        require_no_mismatches(list(mismatches(model, exported, proof_texts(sample))))
        made = {"tokenizer.model": model, "tokenizer.json": exported.encode()}
        tokenizer = tokenizer_from_model(model, "tokenizer.model", "")
    else:
        made = {"tokenizer.json": model}
        tokenizer = tokenizer_from_json(model, "tokenizer.json", "")
        proof = round_trip(tokenizer, model.decode(), proof_texts(sample))
        if proof.lost or proof.recomposed or proof.unlike:
            raise BrokenRun(f"the tokenizer does not give texts back ({proof.difference or proof.example}); report it")
    made["tokenizer_config.json"] = json.dumps(tokenizer_config(), indent=1).encode() + b"\n"
    lengths = io.BytesIO()
    np.save(lengths, tokenizer.token_bytes)
    return made | {"token_bytes.npy": lengths.getvalue()}, tokenizer


def proof_texts(sample: Sample) -> list[str]:
    """Up to COMPARED_DOCUMENTS documents, the same number of each language where it has them."""
    most = -(-COMPARED_DOCUMENTS // max(len(sample.texts), 1))
    return [text for _, texts in sorted(sample.texts.items()) for text in texts[:most]]


def require_no_mismatches(mismatched: list[str]) -> None:
    if mismatched:
        shown = "; ".join(mismatched[:SHOWN_MISMATCHES])
        raise BrokenRun(
            f"tokenizer.json differs from tokenizer.model on {plural(len(mismatched), 'document')}, "
            f"so none is written: {shown}"
        )


def counts_of(tokenizer: Tokenizer, sample: Sample) -> dict[str, Any]:
    """Counts of the sample by language: documents, characters, bytes per token, tokens per word."""
    languages = {}
    for language, texts in sorted(sample.texts.items()):
        tokens = sum(len(tokenizer.encode(text)) for text in texts)
        size = sum(len(text.encode("utf-8", "replace")) for text in texts)
        words = sum(len(text.split()) for text in texts)
        languages[language] = {
            "documents": len(texts),
            "characters": sum(map(len, texts)),
            "bytes_per_token": round(size / tokens, 4) if tokens else None,
            "tokens_per_word": round(tokens / words, 4) if words else None,
        }
    return {"vocabulary": tokenizer.size, "languages": languages}


def manifest_of(run: TokenizerRun, counts: dict[str, Any], entries: list[FileEntry]) -> Manifest:
    packages = versions(("sentencepiece", "tokenizers", "bateia"))
    files = tuple(sorted(entries, key=lambda file: file.path))
    return Manifest(STAGE, run.settings, packages, run.source, counts, files, hash_dataset(entries))
