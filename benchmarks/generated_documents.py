"""Documents made up for benchmarks: web-like lengths and word frequencies, every byte a function of the seed.

Words are drawn by Zipf's law from a vocabulary of made-up ones, so that no two texts are alike by chance and none is
anybody's. A finished directory of them is what `bateia dedup` takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from schemas.document import document_schema
from schemas.manifest import Manifest, hash_dataset, write_manifest
from transforms.part_files import PartFile

VOCABULARY = 100_000
ZIPF = 1.05  # exponent; English text is near 1
SENTENCE_WORDS = 14
ROWS_PER_FILE = 25_000


class Writer:
    """Texts as lists of word numbers, and word numbers as text."""

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)
        ranks = np.arange(1, VOCABULARY + 1, dtype=np.float64)
        weights = ranks**-ZIPF
        self._sums = np.cumsum(weights / weights.sum())
        self._words = made_up_words(np.random.default_rng(seed + 1))

    def words(self, count: int) -> np.ndarray:
        """Word numbers: int64 of shape (count,)."""
        return np.searchsorted(self._sums, self.draw.random(count)).clip(max=VOCABULARY - 1)

    def text(self, words: np.ndarray) -> str:
        """Sentences of the words; a line's end after each third."""
        spelled = [self._words[number] for number in words.tolist()]
        pieces = []
        for number, start in enumerate(range(0, len(spelled), SENTENCE_WORDS)):
            sentence = " ".join(spelled[start : start + SENTENCE_WORDS])
            pieces.append(f"{sentence.capitalize()}.{' ' if number % 3 else chr(10)}")
        return "".join(pieces).strip()


def made_up_words(draw: np.random.Generator) -> list[str]:
    """Different words of 2 to 11 letters; frequent ones are short."""
    syllables = [a + b for a in "bcdfghjklmnprstvwz" for b in ("a", "e", "i", "o", "u", "an", "er", "is", "on", "at")]
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        most = 1 + min(3, int(np.log10(len(words) + 10)))
        count = int(draw.integers(1, most + 1))
        words["".join(syllables[at] for at in draw.integers(0, len(syllables), count).tolist())] = None
    return list(words)


def near_copy(writer: Writer, words: np.ndarray, similarity: float, shingle: int = 5) -> np.ndarray:
    """The words with their end written anew, so that sets of n-grams have about this Jaccard similarity."""
    total = len(words) - shingle + 1
    changed = round((1 - similarity) * total / (1 + similarity))
    return np.concatenate([words[: len(words) - changed], writer.words(changed)]) if changed else words


def rows_of(texts: Iterable[str], dump: str, prefix: str) -> Iterator[dict[str, object]]:
    for number, text in enumerate(texts):
        yield {
            "text": text,
            "id": f"<urn:uuid:{prefix}-{number:012}>",
            "dump": dump,
            "url": f"https://site-{number % 5000}.invalid/{prefix}/{number}",
            "date": "2026-01-01T00:00:00Z",
            "file_path": f"{dump}/{prefix}.warc.gz",
            "language": "en",
            "language_score": 0.99,
            "token_count": None,
            "warc_offset": number,
        }


def write_documents(
    folder: Path, texts: Iterable[str], dump: str = "CC-MAIN-2026-01", prefix: str = "generated"
) -> int:
    """A finished directory as `bateia curate` leaves it; returns the number of documents."""
    files, part, entries = 0, None, []
    for row in rows_of(texts, dump, prefix):
        if part is None:
            part = PartFile(str(folder), f"data/en/part-{files:05}.parquet", document_schema(()))
        part.add(row)
        if part.rows >= ROWS_PER_FILE:
            entries.append(part.commit())
            part, files = None, files + 1
    if part is not None:
        entries.append(part.commit())
    count = sum(entry.rows for entry in entries)
    settings = {"recipe": {"name": "fineweb", "steps": []}}
    counts = {"read": count, "kept": count, "dropped": 0, "unreadable": 0}
    write_manifest(str(folder), Manifest("curate", settings, {}, [], counts, tuple(entries), hash_dataset(entries)))
    return count
