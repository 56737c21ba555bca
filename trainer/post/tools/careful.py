"""Answers that are looked up where the model is not sure of them: active retrieval, as FLARE (arXiv 2305.06983).

A draft is written without tools. Where a token of it is less probable than asked for, the draft ends before it, and the
model goes on with a call, whose argument it writes itself, as it does the answer to what the tool says. How sure it is
may also be asked for as running text, as pages have questions and answers: there its probabilities were learned. And
it may be asked for in other wordings, as what is known is known in all of them (Elazar et al., arXiv 2102.01017).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trainer.data.chat import Message
from trainer.generate.chat import ChatFormat
from trainer.generate.sampling import Sampling, generate_many
from trainer.model.decoder import Decoder
from trainer.post.tools.tool import Tool, answering

ENDS = (".", "!", "?")  # of a sentence


@dataclass(frozen=True)
class Answer:
    """What was answered to a question.

    text: without calls
    draft: what it was before it was looked up; the same where it was not
    sure: the least probability of a token of the draft
    query: what a tool was called with, None where none was, an empty text for a malformed call
    """

    text: str
    draft: str
    sure: float
    query: str | None = None


@dataclass(frozen=True)
class Draft:
    """before: its text up to the token that is the least sure"""

    text: str
    sure: float
    before: str


def answer_carefully(
    decoder: Decoder,
    chat: ChatFormat,
    talks: Sequence[Sequence[Message]],
    tools: Mapping[str, Tool],
    tokens: int,
    least: float,
    plain: bool = False,
    wordings: Sequence[Sequence[str]] = (),
) -> list[Answer]:
    """Greedy answers, looked up where a draft's least probable token is less probable than `least`: the price of a
    search, 0 being none at any price, and more than 1 always.

    talks: each ends with the message that is answered
    plain: whether the answer at once, and how sure it is, are of one sentence of running text that follows that message
        alone; a call comes even then where a chat's draft is the least sure
    wordings: of each talk, as of `in_other_words`
    """
    drafts = write_drafts(decoder, chat, talks, tokens, plain)
    if wordings:
        drafts = in_other_words(decoder, chat, drafts, wordings)
    beginnings = write_drafts(decoder, chat, talks, tokens) if plain else drafts
    answers = [Answer(draft.text, draft.text, draft.sure) for draft in drafts]
    unsure = [row for row, draft in enumerate(drafts) if draft.sure < least]
    if not unsure:
        return answers
    begun = [[*chat.text.encode(beginnings[row].before), chat.call] for row in unsure]
    prompts = [chat.prompt(talks[row]) for row in unsure]
    force = answering(chat, tools)
    looked_up = generate_many(
        decoder,
        [[*prompt, *head] for prompt, head in zip(prompts, begun, strict=True)],
        Sampling(tokens, temperature=0),
        frozenset({chat.end}),
        [0] * len(unsure),
        lambda row, written: force(row, [*begun[row], *written]),
        keep=1,
    )
    for row, head, text in zip(unsure, begun, looked_up, strict=True):
        whole = [*head, *text.tokens]
        answers[row] = replace(answers[row], text=chat.answer(whole) if text.ended else "", query=query_of(chat, whole))
    return answers


def write_drafts(
    decoder: Decoder, chat: ChatFormat, talks: Sequence[Sequence[Message]], tokens: int, plain: bool = False
) -> list[Draft]:
    prompts = [chat.plain(talk[-1:]).tokens if plain else chat.prompt(talk) for talk in talks]
    stops = frozenset({chat.bos if plain else chat.end})
    drafts = []
    for text in generate_many(decoder, prompts, Sampling(tokens, temperature=0), stops, [0] * len(prompts), keep=1):
        length = sentence(chat, text.tokens) if plain else len(text.tokens)
        nats = text.nats[:length]
        own, before = text.tokens[:length], text.tokens[: nats.index(max(nats))]
        drafts.append(Draft(chat.answer(own), math.exp(-max(nats)), chat.text.decode(before).strip()))
    return drafts


def in_other_words(
    decoder: Decoder, chat: ChatFormat, drafts: Sequence[Draft], wordings: Sequence[Sequence[str]]
) -> list[Draft]:
    """Drafts, as sure as the geometric mean of what they were and of the same said in other wordings, all of which
    together count as much.

    wordings: of each draft beginnings of sentences in running text, its own first; what it says behind that one is
        scored behind the others. A draft that does not begin so is as sure as it was
    """
    texts: list[list[int]] = []
    behind: list[tuple[int, int]] = []  # of each text: its draft, tokens of its beginning
    for row, (draft, (own, *others)) in enumerate(zip(drafts, wordings, strict=True)):
        if said := draft.text.removeprefix(own) if draft.text.startswith(own) else "":
            for begin in others:
                head = [chat.bos, *chat.text.encode(begin)]
                texts.append([*head, *chat.text.encode(said)])
                behind.append((row, len(head)))
    nats: dict[int, list[float]] = {}
    for (row, length), (nats_T, _) in zip(behind, decoder.score(texts) if texts else (), strict=True):
        nats.setdefault(row, []).append(float(nats_T[length - 1 :].sum()))
    return [
        replace(draft, sure=math.sqrt(draft.sure * math.exp(-sum(nats[row]) / len(nats[row]))))
        if row in nats
        else draft
        for row, draft in enumerate(drafts)
    ]


def sentence(chat: ChatFormat, tokens: Sequence[int]) -> int:
    """Length of the first one."""
    for length in range(1, len(tokens) + 1):
        if chat.text.decode(list(tokens[:length])).rstrip().endswith(ENDS):
            return length
    return len(tokens)


def query_of(chat: ChatFormat, tokens: Sequence[int]) -> str | None:
    """What the first message calls a tool with; as `Answer.query`."""
    first = list(tokens[: tokens.index(chat.end)] if chat.end in tokens else tokens)
    return (chat.called(first) or ("", ""))[1] if chat.call in first else None
