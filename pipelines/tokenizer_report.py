"""`bateia tokenizer report`: what tokenizers make of the same documents, language by language."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pipelines.corpus_plan import read_inputs
from pipelines.faults import BadInput
from pipelines.tokenizer import TokenizerRun, take_sample
from transforms.steps.tokenizer import JSON, MODEL, Tokenizer, load_tokenizer

ALL = "all"  # the name of the row of all languages


@dataclass(frozen=True)
class Counts:
    """Of one tokenizer in one language. words: between white space. whole_words: those that are one token, by
    themselves or with the space before them. part_tokens: tokens that hold bytes of a character and no whole one
    (byte fallback, or a character that was cut). unknown_tokens: that stand for text they can't give back.
    lost: documents that do not come back as they were. seconds: of CPU, to encode all documents."""

    documents: int = 0
    bytes: int = 0
    characters: int = 0
    words: int = 0
    whole_words: int = 0
    tokens: int = 0
    part_tokens: int = 0
    unknown_tokens: int = 0
    lost: int = 0
    seconds: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def ratios(self) -> dict[str, float | None]:
        """What is told of the counts; None where there is nothing to divide by."""
        return {
            "bytes_per_token": ratio(self.bytes, self.tokens),
            "tokens_per_word": ratio(self.tokens, self.words),
            "tokens_per_character": ratio(self.tokens, self.characters),
            "whole_words": ratio(self.whole_words, self.words),
            "part_tokens": ratio(self.part_tokens, self.tokens),
            "unknown_tokens": ratio(self.unknown_tokens, self.tokens),
            "tokens_per_s": ratio(self.tokens, self.seconds),
        }


@dataclass(frozen=True)
class Entry:
    """One tokenizer. languages: its counts by language. differing: documents that its tokenizer.model and its
    tokenizer.json encode differently, or None unless it has both."""

    name: str
    engine: str
    vocabulary: int
    sha256: str
    languages: dict[str, Counts]
    differing: int | None

    @property
    def whole(self) -> Counts:
        return sum(self.languages.values(), Counts())


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def compare(inputs: Sequence[str], paths: Sequence[str], seed: int, sample_mb: int) -> list[Entry]:
    """Raises BadInput for inputs that are unfinished, an empty sample, and tokenizers that can't be read."""
    if len(set(paths)) < len(paths):
        raise BadInput("--tokenizer names a tokenizer twice; give each once")
    loaded = {name: (path, load(path)) for name, path in named(paths).items()}
    # Drawn as training draws, by the same seed and size the same documents; nothing is written.
    drawn = take_sample(TokenizerRun("", tuple(read_inputs(list(inputs))), "", 0, seed, sample_mb, None))
    texts = {language: found for language, found in sorted(drawn.texts.items()) if found}
    if not texts:
        raise BadInput(f"the sample of {', '.join(inputs)} holds no document; raise --sample-mb or give other --input")
    return [entry_of(name, path, tokenizer, texts) for name, (path, tokenizer) in loaded.items()]


def load(path: str) -> Tokenizer:
    try:
        return load_tokenizer(path)
    except ValueError as error:
        raise BadInput(f"--tokenizer: {error}") from error


def named(paths: Sequence[str]) -> dict[str, str]:
    """A path by the shortest name that tells it from the others: its last part, or all of it."""
    short = [Path(path).name or path for path in paths]
    return {name if short.count(name) == 1 else path: path for name, path in zip(short, paths, strict=True)}


def entry_of(name: str, path: str, tokenizer: Tokenizer, texts: dict[str, list[str]]) -> Entry:
    counts = {language: measure(tokenizer, found) for language, found in texts.items()}
    other = twin(path)
    differing = None
    if other is not None:
        all_texts = (text for found in texts.values() for text in found)
        differing = sum(tokenizer.encode(text).tolist() != other.encode(text).tolist() for text in all_texts)
    return Entry(name, tokenizer.engine, tokenizer.size, tokenizer.sha256, counts, differing)


def twin(path: str) -> Tokenizer | None:
    """A folder's tokenizer.json, if it has a tokenizer.model too, which is what `load_tokenizer` takes."""
    both = all((Path(path) / name).is_file() for name in (MODEL, JSON))
    return load(str(Path(path) / JSON)) if both else None


def measure(tokenizer: Tokenizer, texts: Sequence[str]) -> Counts:
    started = time.process_time()
    encoded = [tokenizer.encode(text) for text in texts]
    seconds = time.process_time() - started
    tokens = Counter(number for numbers in encoded for number in numbers.tolist())
    words = Counter(word for text in texts for word in text.split())
    added = tokenizer.decode(tokenizer.encode("a")).removesuffix("a")  # a space, by some models' rules
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
        lost=sum(tokenizer.decode(numbers) != added + text for numbers, text in zip(encoded, texts, strict=True)),
        seconds=seconds,
    )


def is_one(encode: Callable[[str], Any], word: str) -> bool:
    return len(encode(f" {word}")) == 1 or len(encode(word)) == 1


def is_part(piece: bytes) -> bool:
    """Whether bytes are of a character, or of several, and hold no whole one from beginning to end."""
    return bool(piece) and not piece.decode("utf-8", "ignore")


# --- What is told -----------------------------------------------------------------------------------------------------

COLUMNS = {
    "documents": "documents",
    "bytes_per_token": "bytes/token",
    "tokens_per_word": "tokens/word",
    "tokens_per_character": "tokens/char",
    "whole_words": "one-token words",
    "part_tokens": "part characters",
    "unknown_tokens": "unknown",
    "lost": "lost",
    "tokens_per_s": "M tokens/s",
}


def to_json(entries: Iterable[Entry], seed: int, sample_mb: int) -> dict[str, Any]:
    def told(counts: Counts) -> dict[str, Any]:
        return {"counts": asdict(counts), **counts.ratios}

    return {
        "seed": seed,
        "sample_mb": sample_mb,
        "tokenizers": [
            {
                **{key: getattr(entry, key) for key in ("name", "engine", "vocabulary", "sha256", "differing")},
                "languages": {name: told(counts) for name, counts in entry.languages.items()}
                | {ALL: told(entry.whole)},
            }
            for entry in entries
        ],
    }


def cells(counts: Counts) -> list[str]:
    """A row's numbers as they are told, in the order of COLUMNS."""
    shown = {"documents": f"{counts.documents:,}", "lost": f"{counts.lost:,}"}
    for name, value in counts.ratios.items():
        if value is None:
            shown[name] = "–"
        elif name in ("whole_words", "part_tokens", "unknown_tokens"):
            shown[name] = f"{value:.2%}"
        else:
            shown[name] = f"{value / 1e6:.2f}" if name == "tokens_per_s" else f"{value:.2f}"
    return [shown[name] for name in COLUMNS]


def to_text(entries: Sequence[Entry]) -> str:
    """The comparison as a table for a terminal, and what is said of files that should agree."""
    rows = [["language", "tokenizer", *COLUMNS.values()]]
    for language in [*entries[0].languages, ALL]:
        for at, entry in enumerate(entries):
            counts = entry.whole if language == ALL else entry.languages[language]
            rows.append(["" if at else language, entry.name, *cells(counts)])
    wide = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        names = [cell.ljust(width) for cell, width in zip(row[:2], wide[:2], strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(row[2:], wide[2:], strict=True)]
        lines.append("  ".join([*names, *numbers]).rstrip())
    return "\n".join([*lines, *(parity(entry) for entry in entries if entry.differing is not None)])


def parity(entry: Entry) -> str:
    documents = entry.whole.documents
    return f"{entry.name}: {MODEL} and {JSON} differ on {entry.differing:,} of {documents:,} documents"
