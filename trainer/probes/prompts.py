"""Prompts that ask a model for its training text: from anywhere in documents, all along one, or where rows begin.

A small model that saw its rows many times may know them from their first token on and little of it anywhere else, so it
is asked both ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from schemas.faults import BadInput
from schemas.setting import setting
from schemas.shards.layout import PlanInfo
from schemas.shards.plans import train_rows
from trainer.probes.documents import Document, DocumentTokens

EXTRACTABLE = 50  # tokens; Carlini et al. (arXiv 2202.07646), section 3


@dataclass(frozen=True)
class ExtractionSettings:
    """How a model is asked for text that it may have memorized. Raises BadInput for numbers that can't be."""

    prefix: int = setting(32, "tokens of a prompt", metavar="N")
    tokens: int = setting(64, "tokens of a continuation, at most", metavar="N")
    documents: int = setting(100, "documents to prompt from, of each split", metavar="N")
    url: str | None = setting(
        None, "prompt all along this page instead", none="documents that the seed draws", metavar="URL"
    )
    seed: int = setting(1, "draws documents, and positions in them", metavar="N")

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise BadInput(f"a seed is 0 or more, not {self.seed}")
        if self.prefix < 1 or self.tokens < 1:
            raise BadInput(f"a prefix of {self.prefix} and {self.tokens} tokens to follow: give 1 or more of both")

    def check_context(self, context: int) -> None:
        """Raises BadInput if a model's context has no room for a prompt and its continuation."""
        if self.prefix + self.tokens > context:
            raise BadInput(
                f"a prefix of {self.prefix:,} and {self.tokens:,} tokens to follow are more than the model's context "
                f"of {context:,}; give a smaller --prefix or fewer --tokens"
            )

    @property
    def extractable(self) -> int:
        """Tokens from which on a verbatim continuation counts as extracted."""
        return min(EXTRACTABLE, self.tokens)

    @property
    def least_tokens(self) -> int:
        """Of a document that has room for a prompt and a continuation that counts as extracted."""
        return self.prefix + self.extractable


class Prompt(NamedTuple):
    """A prompt of a document's own tokens.

    position: of its first token in the document
    """

    document: Document
    position: int


def anywhere(documents: Iterable[Document], settings: ExtractionSettings) -> list[Prompt]:
    """One of each document, at a drawn position with room for the whole continuation, or else at its beginning."""
    generator = np.random.Generator(np.random.PCG64(settings.seed))
    needed = settings.prefix + settings.tokens
    return [
        Prompt(document, int(generator.integers(max(len(document.tokens) - needed, 0) + 1))) for document in documents
    ]


def all_along(document: Document, settings: ExtractionSettings) -> list[Prompt]:
    """Prompts one after the other, so that each token behind the first prefix is asked for once."""
    last = len(document.tokens) - settings.prefix
    return [Prompt(document, position) for position in range(0, last, settings.tokens)]


def at_rows(plan: PlanInfo, documents: DocumentTokens, settings: ExtractionSettings) -> list[Prompt]:
    """Up to `settings.documents` beginnings of training rows, drawn from those with room for what counts."""
    generator, prompts = np.random.Generator(np.random.PCG64(settings.seed)), []
    spans_Rx3 = first_spans(plan)
    for row in generator.permutation(len(spans_Rx3)).tolist():
        shard, start, length = spans_Rx3[row].tolist()
        if length >= settings.least_tokens and (document := documents.holding(shard, start)) is not None:
            prompts += within(document, start, length, settings.least_tokens)
        if len(prompts) == settings.documents:
            break
    return prompts


def at_rows_of(document: Document, plan: PlanInfo, settings: ExtractionSettings) -> list[Prompt]:
    """All beginnings of training rows in a document, where a prompt and a token have room."""
    spans_Rx3 = first_spans(plan)
    end = document.start + len(document.tokens)
    own_R = (spans_Rx3[:, 0] == document.shard) & (spans_Rx3[:, 1] >= document.start) & (spans_Rx3[:, 1] < end)
    return [
        prompt
        for _, start, length in spans_Rx3[own_R].tolist()
        for prompt in within(document, start, length, settings.prefix + 1)
    ]


def within(document: Document, start: int, length: int, least: int) -> Iterator[Prompt]:
    """A prompt at a span of the shard's tokens, with a document that ends where the span does.

    Nothing if that leaves fewer than `least` tokens.
    """
    position = start - document.start
    tokens = document.tokens[: position + length]
    if len(tokens) - position >= least:
        yield Prompt(replace(document, tokens=tokens), position)


def first_spans(plan: PlanInfo) -> np.ndarray:
    """Shard, start and length of each training row's first span, int64 of shape (R, 3)."""
    return np.concatenate([np.empty((0, 3), np.int64), *train_rows(plan).first_spans()])
