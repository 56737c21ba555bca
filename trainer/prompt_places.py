"""Where in documents to ask what a model knows by heart: anywhere, all along, or where rows of its training begin.

A small model that saw its rows many times may know them from their first token on and little of it anywhere else, so it
is asked both ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from schemas.shards import PlanInfo
from schemas.storage import join
from trainer.document_tokens import Document, DocumentTokens
from trainer.memorization import Questions
from trainer.plan_rows import read_spans

Place = tuple[Document, int]  # the token of the document that a prompt begins with


def anywhere(documents: Iterable[Document], questions: Questions, seed: int) -> list[Place]:
    """One of each document, drawn from those that leave room for the whole continuation, or else its beginning."""
    generator = np.random.Generator(np.random.PCG64(seed))
    needed = questions.prefix + questions.tokens
    return [(document, int(generator.integers(max(len(document.tokens) - needed, 0) + 1))) for document in documents]


def all_along(document: Document, questions: Questions) -> list[Place]:
    """Each token behind the first prefix is asked for once."""
    return [(document, at) for at in range(0, len(document.tokens) - questions.prefix, questions.tokens)]


def at_rows(plan: PlanInfo, documents: DocumentTokens, questions: Questions, count: int, seed: int) -> list[Place]:
    """Up to `count` beginnings of training rows, drawn from those with room for a prompt and what counts."""
    generator, found = np.random.Generator(np.random.PCG64(seed)), []
    spans_Rx3 = first_spans(plan)
    for row in generator.permutation(len(spans_Rx3)).tolist():
        shard, start, length = spans_Rx3[row].tolist()
        if length >= questions.least and (document := documents.holding(shard, start)) is not None:
            found += within(document, start, length, questions.least)
        if len(found) == count:
            break
    return found


def at_rows_of(document: Document, plan: PlanInfo, questions: Questions) -> list[Place]:
    """All beginnings of training rows in a document, if a prompt and a token have room there."""
    spans_Rx3 = first_spans(plan)
    end = document.start + len(document.tokens)
    own_R = (spans_Rx3[:, 0] == document.shard) & (spans_Rx3[:, 1] >= document.start) & (spans_Rx3[:, 1] < end)
    return [
        place
        for _, start, length in spans_Rx3[own_R].tolist()
        for place in within(document, start, length, questions.prefix + 1)
    ]


def within(document: Document, start: int, length: int, least: int) -> Iterator[Place]:
    """The place, with a document that ends where the row's span does; nothing if that leaves fewer tokens."""
    place = start - document.start
    held = document.tokens[: place + length]
    if len(held) - place >= least:
        yield replace(document, tokens=held), place


def first_spans(plan: PlanInfo) -> np.ndarray:
    """Shard, start and length of each training row's first span, int64 of shape (R, 3)."""
    tables = (read_spans(join(plan.folder, name), first, rows) for name, first, rows in plan.parts)
    firsts = [np.stack([t.shard, t.start, t.length], axis=1)[t.bounds[:-1]] for t in tables]
    return np.concatenate([np.empty((0, 3), np.int64), *firsts]).astype(np.int64)
