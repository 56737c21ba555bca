"""Pages with marked text as the model sees them: columns, labels, weights, and folds that share no host."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.blocks.hosts import domain_of, fold_of
from benchmarks.blocks.labels import labels, words
from benchmarks.curate.extraction_quality import gold_lines
from benchmarks.inputs import read_pages
from schemas.document import Page
from transforms.steps.extract.blocks.alike import Alike
from transforms.steps.extract.blocks.features import features
from transforms.steps.extract.blocks.layout import Layout
from transforms.steps.extract.blocks.main_text import page_of
from transforms.steps.extract.blocks.shape import Shape


@dataclass
class Example:
    """A page to train on.

    corpus: name of its folder.
    domain: the registered domain of its URL, as near as the URL tells.
    shape: its blocks and containers.
    alike: which of them are alike.
    names, columns: names of the columns, and blocks × columns.
    page: the blocks and containers themselves, and their texts.
    labels: of each block, the share of it that is text; NaN if nothing is known.
    tokens: of each block.
    full: whether people marked its whole text, not only snippets.
    """

    corpus: str
    domain: str
    shape: Shape
    alike: Alike
    names: list[str]
    columns: np.ndarray
    page: Layout
    labels: np.ndarray
    tokens: np.ndarray
    full: bool

    @property
    def fold(self) -> int:
        return fold_of(self.domain)


def marked(row: Mapping[str, Any]) -> bool:
    """Whether people said something of a page."""
    return bool((row["gold_kind"] == "full_text" and row["gold_text"]) or row["with"] or row["without"])


def marked_pages(corpus: Path) -> Iterator[tuple[Page, dict[str, Any]]]:
    rows = {(Path(row["warc_file"]).name, row["warc_offset"]): row for row in map(json.loads, gold_lines(corpus))}
    for page in read_pages(sorted(corpus.glob("*.warc.gz"))):
        row = rows.get((Path(page.warc_file).name, page.warc_offset))
        if row is not None and marked(row):
            yield page, row


def example(task: tuple[str, str, str, dict[str, Any]]) -> Example | None:
    """task: name of the corpus, URL, HTML, line of gold.jsonl. None for a page without a block of text."""
    corpus, url, html, row = task
    page = page_of(html)
    if not page.texts:
        return None
    shape = Shape.of(page)
    alike = Alike.of(shape)
    columns = features(page, shape, alike)
    return Example(
        corpus,
        domain_of(url),
        shape,
        alike,
        columns.names,
        columns.chosen(columns.names).T,
        page,
        np.array(labels(page.texts, row), np.float32),
        np.array([len(words(text)) for text in page.texts]),
        row["gold_kind"] == "full_text",
    )


def examples(corpora: Sequence[Path], processes: int) -> list[Example]:
    tasks = ((corpus.name, page.url, page.html, row) for corpus in corpora for page, row in marked_pages(corpus))
    with ProcessPoolExecutor(processes) as pool:
        return [made for made in pool.map(example, tasks, chunksize=20) if made is not None]


def weights(pages: Sequence[Example], power: float, corpora: Mapping[str, float]) -> np.ndarray:
    """A weight for each block, 1 on average, 0 where nothing is known.

    A page weighs 1 ÷ √(its domain's pages), half of it if only snippets are known, times its corpus' weight; among its
    blocks that is shared out by tokens ** power, as tokens are what is counted in the end.
    """
    of_domain = Counter((page.corpus, page.domain) for page in pages)
    parts = []
    for page in pages:
        shares = np.maximum(page.tokens, 1.0) ** power * ~np.isnan(page.labels)
        whole = corpora.get(page.corpus, 1.0) * (1 if page.full else 0.5) / of_domain[page.corpus, page.domain] ** 0.5
        parts.append(shares * (whole / max(shares.sum(), 1e-9)))
    together = np.concatenate(parts)
    return together * (len(together) / together.sum())
