"""Documents made up for benchmarks, every byte a function of the seed: of invented words, or real texts varied.

Invented words are drawn by Zipf's law from a vocabulary of 100,000, so no two texts are alike by chance and none is
anybody's. Real texts are varied by putting other words of the same texts in place of some of theirs: words keep their
frequencies, but repeat more than on the web, which helps whatever remembers words.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np

from schemas.document import document_schema
from schemas.manifest import Manifest, hash_dataset, write_manifest
from transforms.part_files import PartFile

VOCABULARY = 100_000
ZIPF = 1.05  # exponent; English text is near 1
SENTENCE_WORDS = 14
DOCUMENT_WORDS = 350  # about 2 KB
ROWS_PER_FILE = 25_000
WORD = re.compile(r"\w+")


class InventedText:
    """A stream of words by Zipf's law, as numbers and spelled out.

    rng: the source of all chance, for callers too.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        ranks = np.arange(1, VOCABULARY + 1, dtype=np.float64)
        weights = ranks**-ZIPF
        self._cumulated = np.cumsum(weights / weights.sum())
        self._spelled = invented_words(seed + 1)

    def words(self, count: int) -> np.ndarray:
        """Word numbers: int64 of shape (count,)."""
        return np.searchsorted(self._cumulated, self.rng.random(count)).clip(max=VOCABULARY - 1)

    def text(self, words: np.ndarray) -> str:
        """Sentences of the words, with a line break after every third."""
        spelled = [self._spelled[number] for number in words.tolist()]
        sentences = []
        for number, start in enumerate(range(0, len(spelled), SENTENCE_WORDS)):
            sentence = " ".join(spelled[start : start + SENTENCE_WORDS])
            sentences.append(f"{sentence.capitalize()}.{' ' if number % 3 else chr(10)}")
        return "".join(sentences).strip()


@cache
def invented_words(seed: int) -> list[str]:
    """Different words of 2 to 11 letters; frequent ones are short."""
    rng = np.random.default_rng(seed)
    syllables = [a + b for a in "bcdfghjklmnprstvwz" for b in ("a", "e", "i", "o", "u", "an", "er", "is", "on", "at")]
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        longest = 1 + min(3, int(np.log10(len(words) + 10)))
        count = int(rng.integers(1, longest + 1))
        words["".join(syllables[index] for index in rng.integers(0, len(syllables), count).tolist())] = None
    return list(words)


def distinct_texts(count: int, seed: int = 2) -> Iterator[str]:
    """Texts of 2 KB that have nothing in common but words."""
    invented = InventedText(seed)
    for _ in range(count):
        yield invented.text(invented.words(DOCUMENT_WORDS))


def near_copy(invented: InventedText, words: np.ndarray, similarity: float, shingle: int = 5) -> np.ndarray:
    """The words with their end written anew, so that the sets of n-grams have about this Jaccard similarity."""
    total = len(words) - shingle + 1
    changed = round((1 - similarity) * total / (1 + similarity))
    return np.concatenate([words[: len(words) - changed], invented.words(changed)]) if changed else words


def replace_words(text: str, share: float, words: list[str], rng: random.Random) -> str:
    """The text with a share of its words replaced by other ones."""
    return WORD.sub(lambda match: rng.choice(words) if rng.random() < share else match[0], text)


def all_words(texts: Iterable[str]) -> list[str]:
    """Every word of the texts, as often as it occurs."""
    return [word for text in texts for word in WORD.findall(text)]


def varied(texts: list[str], copies: int, share: float = 0.3) -> Iterator[str]:
    """Every text so many times, each time with a share of its words replaced."""
    rng, words = random.Random(1), all_words(texts)
    for text in texts * copies:
        yield replace_words(text, share, words, rng)


def write_documents(
    folder: Path, texts: Iterable[str], dump: str = "CC-MAIN-2026-01", prefix: str = "generated"
) -> int:
    """Write a finished directory as `bateia curate` leaves it; return the number of documents."""
    files, part, entries = 0, None, []
    for row in document_rows(texts, dump, prefix):
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


def document_rows(texts: Iterable[str], dump: str, prefix: str) -> Iterator[dict[str, object]]:
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
