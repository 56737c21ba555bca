"""Which questions stand in a model's training text: their n-grams looked for in the shards, and the pages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from schemas.shards.layout import TRAIN, ShardsInfo, shard_number
from schemas.shards.tokens import TokenFiles
from schemas.storage import join, list_files
from trainer.probes.documents import DocumentTokens

NGRAM = 8  # tokens; ours, about the 8 to 13 words of GPT-3's report at two tokens a word or fewer
CHUNK = 1 << 22  # tokens that are looked through at once
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplying by it loses nothing


def pages_with(shards: ShardsInfo, texts: Sequence[Sequence[int]], ngram: int = NGRAM) -> list[str | None]:
    """Of each text, the URL of a training page that one of its n-grams stands in; None where there is none.

    texts: in tokens, without BOS; one shorter than an n-gram is looked for whole. Memory: 8 bytes a token of a chunk.
    """
    found: list[str | None] = [None] * len(texts)
    for length in sorted({min(len(text), ngram) for text in texts if text}):
        wanted: dict[tuple[int, ...], list[int]] = {}
        for number, text in enumerate(texts):
            if min(len(text), ngram) == length:
                for begin in range(len(text) - length + 1):
                    wanted.setdefault(tuple(text[begin : begin + length]), []).append(number)
        for gram, url in occurrences(shards, list(wanted), length):
            for number in wanted[gram]:
                found[number] = found[number] or url
    return found


def occurrences(shards: ShardsInfo, grams: Sequence[tuple[int, ...]], length: int) -> list[tuple[tuple[int, ...], str]]:
    """Those of some n-grams that stand in the training text, each with the first page that it is in."""
    hashes = np.sort(hashes_of(np.array(grams, np.uint64).reshape(len(grams), length).ravel(), length)[::length])
    left, placed = set(grams), []
    files, documents = TokenFiles(shards, TRAIN), DocumentTokens(shards, TRAIN)
    for path in list_files(join(shards.folder, TRAIN), ".bin"):
        if "tokens-" not in path:
            continue
        shard = shard_number(path)
        tokens = files.tokens(shard)
        for begin in range(0, len(tokens), CHUNK):
            part = tokens[begin : begin + CHUNK + length - 1]
            if len(part) < length:
                continue
            hits = np.flatnonzero(np.isin(hashes_of(part.astype(np.uint64), length), hashes))
            for hit in hits.tolist():
                gram = tuple(part[hit : hit + length].tolist())
                if gram in left and (page := documents.holding(shard, begin + hit)) is not None:
                    left.discard(gram)
                    placed.append((gram, page.url or "a page without a URL"))
    return placed


def hashes_of(tokens_T: np.ndarray, length: int) -> np.ndarray:
    """A hash of each window of so many tokens, uint64 of shape (T − length + 1,)."""
    windows = len(tokens_T) - length + 1
    hashed = np.zeros(windows, np.uint64)
    for at in range(length):
        hashed = hashed * FACTOR + tokens_T[at : at + windows] + np.uint64(1)
    return hashed
