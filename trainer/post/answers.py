"""A model's answers to conversations, written side by side, and how many of them are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from trainer.data.chat import ASSISTANT, Conversation, Message
from trainer.generate.chat import ChatFormat
from trainer.generate.sampling import Force, Sampling, generate_many
from trainer.model.decoder import Decoder
from trainer.post.makers.basics import FORMATS

AT_ONCE = 128  # conversations


@dataclass(frozen=True)
class Score:
    """What became of one question, as a line of scores.jsonl tells it.

    task, item: the question
    seed: of the drawing
    right: whether the answer is the expected one
    stopped: whether the model ended its message; None where it only chose
    in_format: whether the answer looks like one to this task; None where nothing tells
    tokens: that it wrote
    answer: its text
    """

    task: str
    item: str
    seed: int
    right: bool
    stopped: bool | None
    in_format: bool | None
    tokens: int
    answer: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def questions_of(conversations: Sequence[Conversation]) -> Iterator[tuple[Conversation, tuple[Message, ...]]]:
    """Conversations that say what is right, with the messages up to the assistant's first."""
    for conversation in conversations:
        if conversation.answer is not None:
            first = next(at for at, message in enumerate(conversation.messages) if message.role == ASSISTANT)
            yield conversation, conversation.messages[:first]


def score_conversations(
    decoder: Decoder,
    chat: ChatFormat,
    conversations: Sequence[Conversation],
    sampling: Sampling,
    force: Force | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Score]:
    """One answer to each conversation that says what is right, in their order."""
    asked = list(questions_of(conversations))
    scores: list[Score] = []
    for begin in range(0, len(asked), AT_ONCE):
        progress(begin, len(asked))
        some = asked[begin : begin + AT_ONCE]
        prompts = [chat.prompt(messages) for _, messages in some]
        seeds = [(sampling.seed, begin + number) for number in range(len(some))]
        texts = generate_many(decoder, prompts, sampling, frozenset({chat.end}), seeds, force)
        for (conversation, _), text in zip(some, texts, strict=True):
            answer = chat.answer(text.tokens)
            shape = FORMATS.get(conversation.task or "")
            scores.append(
                Score(
                    conversation.task or "",
                    conversation.id,
                    sampling.seed,
                    answer == conversation.answer,
                    text.ended,
                    None if shape is None else shape.fullmatch(answer) is not None,
                    len(text.tokens),
                    answer,
                )
            )
    return scores


def seeds_of(sampling: Sampling, count: int) -> list[Sampling]:
    return [replace(sampling, seed=sampling.seed + number) for number in range(count)]


def rates(scores: Sequence[Score]) -> Mapping[str, dict[str, float]]:
    """By task, and `all`: how many questions, and shares that are right, stopped, and in format."""
    by_task: dict[str, list[Score]] = {"all": list(scores)}
    for score in scores:
        by_task.setdefault(score.task, []).append(score)
    return {task: rate(some) for task, some in by_task.items() if some}


def rate(scores: Sequence[Score]) -> dict[str, float]:
    told = [score.in_format for score in scores if score.in_format is not None]
    return {
        "items": len(scores),
        "right": sum(score.right for score in scores) / len(scores),
        "stopped": sum(score.stopped is True for score in scores) / len(scores),
        **({"in_format": sum(told) / len(told)} if told else {}),
        "tokens": sum(score.tokens for score in scores) / len(scores),
    }
