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
import pyarrow as pa

from pipelines.engine.output import StageOutput
from pipelines.engine.progress import UnitCount
from pipelines.engine.run import Phases
from pipelines.stages.datasets import Input, read_inputs
from pipelines.stages.round_trip import round_trip
from pipelines.stages.tokenizer_child import read_sample, train_in_child, write_sample
from schemas.faults import BadInput, BrokenRun
from schemas.manifest import FileEntry, Manifest, hash_dataset, versions, write_manifest
from schemas.storage import is_local, join, locate, read_json, remove_folder, size_of, write_json, write_whole
from schemas.wording import plural
from transforms.steps.tokens.sample import sample_key, shares
from transforms.steps.tokens.settings import TrainTokenizer
from transforms.steps.tokens.tokenizer import Tokenizer, tokenizer_from_json, tokenizer_from_model

STAGE = "tokenizer"
FILES = ("tokenizer.model", "tokenizer.json", "tokenizer_config.json", "token_bytes.npy")
COMPARED_DOCUMENTS = 1000  # documents of the sample on which formats must agree
SHOWN_MISMATCHES = 5
DEFAULT_VOCABULARY, MIN_VOCABULARY = 32768, 512  # tokens, where none are asked for
WORK, TEXTS, COUNTS = "work", "sample.jsonl", "sample.json"  # the folder is there while a training is not finished
CHARACTERS_PER_TOKEN = 64  # of the sample: fewer leave tokens that the sample hardly holds


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
        return StageOutput(self.output, STAGE, (WORK,), FILES, self.settings, self.source)

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
        learning = Learning(self.recipe.vocab_size or self.recipe.max_vocab_size or DEFAULT_VOCABULARY)
        phases.run_locally(STAGE, lambda: counts.update(train(self, learning.learnt)), learning)
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


@dataclass(frozen=True)
class Sample:
    """A sample of the documents.

    texts: by language, of the documents with the smallest `sample_key`
    characters: by language, of all documents
    """

    texts: dict[str, list[str]]
    characters: dict[str, int]

    @property
    def all(self) -> list[str]:
        return [text for _, texts in sorted(self.texts.items()) for text in texts]

    @property
    def vocab_size(self) -> int:
        """A size that suits the sample: one token for CHARACTERS_PER_TOKEN characters, as a power of two of tokens."""
        characters = sum(map(len, self.all))
        return min(DEFAULT_VOCABULARY, max(MIN_VOCABULARY, 1 << (characters // CHARACTERS_PER_TOKEN).bit_length() - 1))


def plan_tokenizer(output: str, inputs: list[str], recipe: TrainTokenizer) -> TokenizerRun:
    """Raises BadInput for inputs that are unfinished or changed."""
    return TokenizerRun(output, tuple(read_inputs(inputs)), recipe)


def draw_sample(run: TokenizerRun) -> Sample:
    """Documents drawn by their ids and the seed. Raises BadInput for weights of languages that are not there.

    All documents are read twice, so that is done by Arrow; only what is drawn becomes Python's.
    """
    characters: dict[str, int] = {}
    for language, batch in batches(run, ["text"]):
        characters[language] = characters.get(language, 0) + characters_in(batch.column("text"))
    try:
        wanted = shares(characters, run.settings["weights"], run.recipe.sample_mb * 1_000_000)
    except ValueError as error:
        raise BadInput(f"--language-weights: {error}") from error
    drawn: dict[str, list[tuple[float, str, str]]] = {}
    for language, batch in batches(run, ["id", "text"]):
        ids, share = batch.column("id").to_pylist(), wanted.get(language, 0.0)
        keyed = [(sample_key(name, run.recipe.seed), name, row) for row, name in enumerate(ids)]
        taken = [item for item in keyed if item[0] < share]
        texts = batch.column("text").take(pa.array([row for *_, row in taken], pa.int64())).to_pylist()
        found = [(key, name, text) for (key, name, _), text in zip(taken, texts, strict=True)]
        drawn.setdefault(language, []).extend(found)
    return Sample({name: [text for *_, text in sorted(items)] for name, items in drawn.items()}, characters)


def characters_in(texts: pa.StringArray) -> int:
    """Characters of all texts: bytes of UTF-8 but those that continue one. pyarrow.compute takes .2 s to import."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return 0
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1, texts.offset * 4)
    return int(((np.frombuffer(data, np.uint8)[ends[0] : ends[-1]] & 0xC0) != 0x80).sum())


def batches(run: TokenizerRun, columns: list[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """(language, rows) of every file of the inputs. Raises BadInput for text that is no UTF-8."""
    import pyarrow.parquet as pq

    for item in run.inputs:
        for file in item.data:
            filesystem, name = locate(join(item.path, file.path))
            with pq.ParquetFile(filesystem.open_input_file(name)) as opened:
                for batch in opened.iter_batches(1000, columns=columns):
                    try:
                        batch = batch.cast(pa.schema([(name, pa.string()) for name in batch.schema.names]))
                        batch.validate(full=True)
                    except pa.ArrowInvalid as error:
                        raise BadInput(f"{join(item.path, file.path)} holds text that is no UTF-8 ({error})") from error
                    yield file.path.split("/")[1], batch


def train(run: TokenizerRun, learnt: list[int] | None = None) -> dict[str, Any]:
    """Train, prove, write. Returns the manifest's counts. An interrupted one leaves its sample for the next.

    learnt: its only item is set to the number of tokens learnt so far

    Raises BadInput for a vocabulary that the sample can't fill or weights of languages that are not there, BrokenRun if
    formats disagree; then nothing is written.
    """
    try:
        with working_folder(run) as work:
            sample = kept_sample(work) or keep_sample(work, draw_sample(run))
            made, tokenizer = train_files(run, sample, work, learnt or [0])
    except (BadInput, BrokenRun):
        run.directory.clear()
        raise
    entries = []
    for name, data in made.items():
        with write_whole(join(run.output, name)) as file:
            file.write(data)
        entries.append(FileEntry(name, 0, file.bytes, file.sha256))
    remove_folder(join(run.output, WORK))
    counts = counts_of(tokenizer, sample)
    write_manifest(run.output, manifest_of(run, counts, entries))
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


def kept_sample(work: Path) -> Sample | None:
    """The sample that an interrupted training has drawn, by the same settings from the same documents."""
    if not (work / COUNTS).exists():
        return None
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
