"""Answers that are looked up where the model is not sure of them: active retrieval, as FLARE (arXiv 2305.06983).

A draft is written without tools. Where a token of it is less probable than asked for, the draft ends before it, and the
model goes on with a call, whose argument it writes itself, as it does the answer to what the tool says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainer.generate.chat import ChatFormat
from trainer.generate.sampling import Sampling, Writing, generate_many
from trainer.model.decoder import Decoder
from trainer.post.tools.tool import Tool, answering


@dataclass(frozen=True)
class Answer:
    """tokens: all that was written, tools' results and the last end included; sure: least probability of a draft's
    token; ended: whether the model ended it itself"""

    tokens: list[int]
    sure: float
    ended: bool


def answer_carefully(
    decoder: Decoder,
    chat: ChatFormat,
    prompts: Sequence[Sequence[int]],
    tools: Mapping[str, Tool],
    tokens: int,
    least: float,
) -> list[Answer]:
    """Greedy answers, searched where a draft's least probable token is less probable than `least`: a search's price, 0
    being none at any price, and more than 1 always."""
    stops, sampling = frozenset({chat.end}), Sampling(tokens, temperature=0)
    drafts = generate_many(decoder, prompts, sampling, stops, [0] * len(prompts))
    answers = [Answer(draft.tokens, surest(draft), draft.ended) for draft in drafts]
    unsure = [row for row, answer in enumerate(answers) if answer.sure < least]
    if not unsure:
        return answers
    begun = [[*before_doubt(drafts[row]), chat.call] for row in unsure]
    force = answering(chat, tools)
    longer = generate_many(
        decoder,
        [[*prompts[row], *head] for row, head in zip(unsure, begun, strict=True)],
        sampling,
        stops,
        [0] * len(unsure),
        lambda row, written: force(row, [*begun[row], *written]),
    )
    for row, head, text in zip(unsure, begun, longer, strict=True):
        answers[row] = Answer([*head, *text.tokens], answers[row].sure, text.ended)
    return answers


def surest(draft: Writing) -> float:
    return math.exp(-max(draft.nats))


def before_doubt(draft: Writing) -> list[int]:
    return draft.tokens[: draft.nats.index(max(draft.nats))]
