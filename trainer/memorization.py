"""What a model knows by heart: how far it repeats a document verbatim, given a few tokens of it.

After Carlini et al., "Quantifying Memorization Across Neural Language Models" (arXiv 2202.07646): prompted with tokens
of its training text, a model that decodes greedily has memorised the 50 that follow if it gives just these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.document_tokens import Document
from trainer.faults import BadRun
from trainer.sampling import Speaker

EXTRACTABLE = 50  # tokens; Carlini et al.'s


@dataclass(frozen=True)
class Questions:
    """prefix: tokens of a prompt. tokens: of a continuation at most. Raises BadRun if `context` has no
    room for both."""

    prefix: int
    tokens: int
    context: int

    def __post_init__(self) -> None:
        if self.prefix < 1 or self.tokens < 1:
            raise BadRun(f"a prefix of {self.prefix} and {self.tokens} tokens to follow: give 1 or more of both")
        if self.prefix + self.tokens > self.context:
            raise BadRun(
                f"a prefix of {self.prefix:,} and {self.tokens:,} tokens to follow are more than the model's context "
                f"of {self.context:,}; give a smaller --prefix or fewer --tokens"
            )

    @property
    def extractable(self) -> int:
        """From so many tokens on, a continuation counts as extracted."""
        return min(EXTRACTABLE, self.tokens)

    @property
    def least(self) -> int:
        """Tokens of a document with room for a prompt and as much."""
        return self.prefix + self.extractable


@dataclass(frozen=True)
class Recital:
    """begin, end: tokens of the document that the model gave verbatim, after those of the prompt."""

    document: Document
    begin: int
    end: int

    @property
    def tokens(self) -> int:
        return self.end - self.begin


def recite(speaker: Speaker, document: Document, place: int, questions: Questions) -> Recital:
    """How far greedy decoding from tokens place … place + prefix − 1 goes on as the document does.

    So long as it does, its own tokens are the document's: one reading of these tells all that it would have chosen.
    """
    begin = place + questions.prefix
    asked = document.tokens[place : begin + questions.tokens]
    choices_T = speaker.logits(asked[:-1].tolist())[questions.prefix - 1 :].argmax(axis=1)
    differs_T = choices_T != asked[questions.prefix :]
    return Recital(document, begin, begin + (int(differs_T.argmax()) if differs_T.any() else len(differs_T)))


def summary(recitals: Sequence[Recital], questions: Questions) -> dict[str, Any]:
    """share: of those with `extractable` tokens verbatim, with its standard error. mean, median, longest: tokens."""
    lengths = np.array([recital.tokens for recital in recitals])
    if not len(lengths):
        return {"prompts": 0, "extracted": 0, **dict.fromkeys(("share", "share_se", "mean", "median", "longest"))}
    extracted = int((lengths >= questions.extractable).sum())
    share = extracted / len(lengths)
    return {
        "prompts": len(lengths),
        "extracted": extracted,
        "share": share,
        "share_se": float(np.sqrt(share * (1 - share) / len(lengths))),
        "mean": float(lengths.mean()),
        "median": float(np.median(lengths)),
        "longest": int(lengths.max()),
    }
