"""Passages that stand word for word in shards: all that are long enough, with their page."""

from __future__ import annotations

import random
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from pipelines.lineage import passages
from pipelines.lineage.passages import Passage, find_passages, hashes
from schemas.shards.layout import TRAIN, read_shards
from schemas.shards.tokens import TokenFiles


def longest_runs(text: list[int], documents: list[list[int]], least: int) -> list[tuple[int, int]]:
    """By looking at every place: the longest first, none overlapping."""
    found = set()
    for tokens in documents:
        for begin in range(len(text)):
            for start in range(len(tokens)):
                end = begin
                while (
                    end < len(text) and start + end - begin < len(tokens) and text[end] == tokens[start + end - begin]
                ):
                    end += 1
                starts_here = not (begin and start and text[begin - 1] == tokens[start - 1])
                if end - begin >= least and starts_here:
                    found.add((begin, end))
    taken: list[tuple[int, int]] = []
    for begin, end in sorted(found, key=lambda run: (run[0] - run[1], run)):
        if all(end <= other[0] or other[1] <= begin for other in taken):
            taken.append((begin, end))
    return sorted(taken)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_all_passages_are_found(small_shards: Path, documents_in, chunk: int) -> None:
    """Texts stitched together from training documents and noise, against a search of every place."""
    info, draw = read_shards(str(small_shards)), random.Random(4)
    files, rows = TokenFiles(info, TRAIN), documents_in(small_shards)[:25]
    tokens = [files.span(row["shard"], row["start"], row["length"])[1:].tolist() for row in rows]
    texts = []
    for _ in range(6):
        text: list[int] = []
        for one in draw.sample(tokens, 3):
            begin = draw.randrange(max(len(one) - 12, 1))
            text += one[begin : begin + draw.randrange(3, 25)] + [draw.randrange(5, 400) for _ in range(2)]
        texts.append(text)
    every = [files.span(row["shard"], row["start"], row["length"])[1:].tolist() for row in documents_in(small_shards)]
    with mock.patch.object(passages, "CHUNK", chunk):
        found = find_passages(info, [np.array(text) for text in texts], least=5)
    assert sum(map(len, found)) >= 8
    for text, own in zip(texts, found, strict=True):
        assert [(passage.begin, passage.end) for passage in own] == longest_runs(text, every, 5)


def test_a_passage_names_its_page(small_shards: Path, documents_in) -> None:
    info, row = read_shards(str(small_shards)), documents_in(small_shards)[7]
    document = TokenFiles(info, TRAIN).span(row["shard"], row["start"], row["length"])[1:]
    noise = np.full(4, 399)
    done: list[tuple[int, int]] = []
    [[passage], [], []] = find_passages(
        info,
        [np.concatenate((noise, document, noise)), noise, np.empty(0, np.int64)],
        progress=lambda *told: done.append(told),
    )
    expected = {name: row[name] for name in ("url", "warc_file", "warc_offset")}
    assert passage == Passage(4, 4 + len(document), **expected) and passage.tokens == len(document)
    assert [number for number, _ in done] == list(range(done[0][1]))


def test_hashes_tell_order_and_nought() -> None:
    rows = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 0], [2, 0, 0]])
    assert len({int(hashes(row, 3)[0]) for row in rows}) == len(rows)
    assert len(hashes(np.arange(2), 3)) == 0
