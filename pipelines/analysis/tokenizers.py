"""`bateia tokenizer report`: what tokenizers make of the same documents, language by language."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from pipelines.reports.render import encode
from pipelines.reports.tokenizers import ALL, COLUMNS, Counts, Entry, cells, named, parity
from pipelines.stages.datasets import read_inputs
from pipelines.stages.tokenizers.sample import draw_sample
from schemas.faults import BadInput
from transforms.steps.tokens.settings import TrainTokenizer
from transforms.steps.tokens.tokenizer import Tokenizer, load_tokenizer
from transforms.steps.tokens.tokenizer_files import JSON, MODEL, tokenizer_file


def compare(inputs: Sequence[str], paths: Sequence[str], seed: int, sample_mb: int) -> list[Entry]:
    """Raises BadInput for inputs that are unfinished, an empty sample, and tokenizers that can't be read."""
    if len(set(paths)) < len(paths):
        raise BadInput("--tokenizer names a tokenizer twice; give each once")
    loaded = {name: (path, load(path)) for name, path in named(paths).items()}
    # Drawn as training draws, by the same seed and size the same documents; nothing is written.
    settings = TrainTokenizer(seed=seed, sample_mb=sample_mb)
    drawn = draw_sample(tuple(read_inputs(list(inputs))), settings)
    texts = {language: some for language, some in sorted(drawn.texts.items()) if some}
    if not texts:
        raise BadInput(f"the sample of {', '.join(inputs)} holds no document; raise --sample-mb or give other --input")
    return [entry_of(name, path, tokenizer, texts) for name, (path, tokenizer) in loaded.items()]


def load(path: str) -> Tokenizer:
    try:
        return load_tokenizer(path)
    except ValueError as error:
        raise BadInput(f"--tokenizer: {error}") from error


def entry_of(name: str, path: str, tokenizer: Tokenizer, texts: dict[str, list[str]]) -> Entry:
    counts = {language: measure(tokenizer, some) for language, some in texts.items()}
    other = json_twin(path)
    differing = None
    if other is not None:
        all_texts = (text for some in texts.values() for text in some)
        differing = sum(tokenizer.encode(text).tolist() != other.encode(text).tolist() for text in all_texts)
    return Entry(name, tokenizer.engine, tokenizer.size, tokenizer.sha256, counts, differing)


def json_twin(path: str) -> Tokenizer | None:
    """A folder's tokenizer.json, if it has a tokenizer.model too, which is what `load_tokenizer` takes."""
    both = (Path(path) / JSON).is_file() and tokenizer_file(path).name == MODEL
    return load(str(Path(path) / JSON)) if both else None


def measure(tokenizer: Tokenizer, texts: Sequence[str]) -> Counts:
    """Counts over the texts: bytes, words, tokens, texts that do not come back, CPU seconds."""
    started = time.process_time()
    encoded = [tokenizer.encode(text) for text in texts]
    seconds = time.process_time() - started
    tokens = Counter(number for numbers in encoded for number in numbers.tolist())
    words = Counter(word for text in texts for word in text.split())
    special = set(tokenizer.specials.values())
    return Counts(
        documents=len(texts),
        bytes=sum(len(text.encode("utf-8", "surrogatepass")) for text in texts),
        characters=sum(map(len, texts)),
        words=words.total(),
        whole_words=sum(count for word, count in words.items() if is_one(tokenizer.encode, word)),
        tokens=tokens.total(),
        part_tokens=sum(count for number, count in tokens.items() if is_part(tokenizer.pieces[number])),
        unknown_tokens=sum(count for number, count in tokens.items() if number in special),
        lost=sum(tokenizer.decode(numbers) != text for numbers, text in zip(encoded, texts, strict=True)),
        seconds=seconds,
    )


def is_one(encode: Callable[[str], Any], word: str) -> bool:
    return len(encode(f" {word}")) == 1 or len(encode(word)) == 1


def is_part(piece: bytes) -> bool:
    """Whether bytes are of a character, or of several, and hold no whole one from beginning to end."""
    return bool(piece) and not piece.decode("utf-8", "ignore")


def to_json(entries: Iterable[Entry], seed: int, sample_mb: int) -> dict[str, Any]:
    """What `--json` writes: counts and ratios by tokenizer and language."""

    def numbers(counts: Counts) -> dict[str, Any]:
        return {"counts": encode(counts), **counts.ratios}

    return {
        "seed": seed,
        "sample_mb": sample_mb,
        "tokenizers": [
            {
                **{key: getattr(entry, key) for key in ("name", "engine", "vocabulary", "sha256", "differing")},
                "languages": {name: numbers(counts) for name, counts in entry.languages.items()}
                | {ALL: numbers(entry.whole)},
            }
            for entry in entries
        ],
    }


def to_text(entries: Sequence[Entry]) -> str:
    """The comparison as a table for a terminal, and what is said of files that should agree."""
    rows = [["language", "tokenizer", *COLUMNS.values()]]
    for language in [*entries[0].languages, ALL]:
        for number, entry in enumerate(entries):
            counts = entry.whole if language == ALL else entry.languages[language]
            rows.append(["" if number else language, entry.name, *cells(counts)])
    wide = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        names = [cell.ljust(width) for cell, width in zip(row[:2], wide[:2], strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(row[2:], wide[2:], strict=True)]
        lines.append("  ".join([*names, *numbers]).rstrip())
    return "\n".join([*lines, *(parity(entry) for entry in entries if entry.differing is not None)])
