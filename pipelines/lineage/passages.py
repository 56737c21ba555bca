"""Passages of texts that stand word for word in training data, and the pages that they stand in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.shards.documents import documents_in_rows
from schemas.shards.layout import TRAIN, ShardsInfo, shard_number
from schemas.shards.tokens import TokenFiles
from schemas.storage import join, list_files

LEAST = 8  # tokens of a passage
CHUNK = 1 << 20  # tokens of a shard that are looked at together
MOST_PLACES = 64  # in each chunk at which a window of LEAST tokens is looked at
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd: of a polynomial hash modulo 2 ** 64


@dataclass(frozen=True)
class Passage:
    """Tokens of a text that stand in a document.

    begin, end: in the text, the end not included
    url, warc_file, warc_offset: of the document; None where nobody knows
    """

    begin: int
    end: int
    url: str | None
    warc_file: str | None
    warc_offset: int | None

    @property
    def tokens(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True, order=True)
class Place:
    """Where a run of a text's tokens stands. The longest sorts first, then the earliest in text and shards."""

    less: int  # tokens, negative
    begin: int
    shard: int
    start: int

    @property
    def end(self) -> int:
        return self.begin - self.less


def find_passages(
    shards: ShardsInfo,
    texts: Sequence[np.ndarray],
    least: int = LEAST,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[list[Passage]]:
    """Of each text the passages of `least` tokens or more that training documents have verbatim, none overlapping.

    The longest is taken first, whatever page it stands in. All shards are read once. Words that stand at very many
    places (MOST_PLACES) are looked at where they stand first; a passage of other words too is found by these.

    texts: tokens of each, without those that begin or end a document
    progress: is told how many of the shards have been read
    Raises BadInput if a shard can't be read.
    """
    windows = Windows(texts, least)
    found: list[set[Place]] = [set() for _ in texts]
    numbers = sorted(shard_number(path) for path in list_files(join(shards.folder, TRAIN), ".parquet"))
    files = TokenFiles(shards, TRAIN)
    for done, number in enumerate(numbers):
        progress(done, len(numbers))
        tokens = files.tokens(number)
        for text, diagonal in windows.diagonals(tokens):
            for begin, end in runs(texts[text], tokens, diagonal, least):
                found[text].add(Place(begin - end, begin, number, diagonal + begin))
    chosen = [apart(places) for places in found]
    spans = [[(place.shard, place.start, -place.less)] for places in chosen for place in places]
    documents = iter(documents_in_rows(shards.folder, TRAIN, spans))
    return [[passage_at(place, next(documents)) for place in places] for places in chosen]


class Windows:
    """All stretches of `least` tokens of some texts, by their hash."""

    def __init__(self, texts: Sequence[np.ndarray], least: int) -> None:
        self._least = least
        self._places: dict[int, list[tuple[int, int]]] = {}
        for number, text in enumerate(texts):
            for position, value in enumerate(hashes(text, least).tolist()):
                self._places.setdefault(value, []).append((number, position))
        self._known = np.array(sorted(self._places), np.uint64)

    def diagonals(self, tokens: np.ndarray) -> Iterator[tuple[int, int]]:
        """(text, distance from a position in it to one in the tokens) wherever a stretch may be the same; each once."""
        seen = set()
        for start in range(0, len(tokens), CHUNK):
            counts: dict[int, int] = {}
            values = hashes(tokens[start : start + CHUNK + self._least - 1], self._least)
            for at in np.flatnonzero(np.isin(values, self._known)).tolist():
                value = int(values[at])
                counts[value] = counts.get(value, 0) + 1
                if counts[value] <= MOST_PLACES:
                    for number, position in self._places[value]:
                        diagonal = (number, start + at - position)
                        if diagonal not in seen:
                            seen.add(diagonal)
                            yield diagonal


def hashes(tokens: np.ndarray, length: int) -> np.ndarray:
    """Of every stretch of so many tokens, uint64."""
    whole = tokens.astype(np.uint64) + np.uint64(1)
    count = max(len(whole) - length + 1, 0)
    found = np.zeros(count, np.uint64)
    for offset in range(length):
        found = found * FACTOR + whole[offset : offset + count]
    return found


def runs(text: np.ndarray, tokens: np.ndarray, diagonal: int, least: int) -> Iterator[tuple[int, int]]:
    """(begin, end) in the text of all stretches of `least` tokens or more that stand so far on in the tokens."""
    first, last = max(-diagonal, 0), min(len(text), len(tokens) - diagonal)
    same = text[first:last] == tokens[first + diagonal : last + diagonal]
    edges = np.flatnonzero(np.diff(np.concatenate(([0], same.astype(np.int8), [0]))))
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - begin >= least:
            yield first + begin, first + end


def apart(places: set[Place]) -> list[Place]:
    """Places that do not overlap in the text, the longest taken first; in the order of the text."""
    taken: list[Place] = []
    for place in sorted(places):
        if all(place.end <= other.begin or other.end <= place.begin for other in taken):
            taken.append(place)
    return sorted(taken, key=lambda place: place.begin)


def passage_at(place: Place, parts: Sequence[Any]) -> Passage:
    document = next((part.document for part in parts if not part.forgotten), {})
    return Passage(place.begin, place.end, *(document.get(name) for name in ("url", "warc_file", "warc_offset")))
