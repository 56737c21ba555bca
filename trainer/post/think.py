"""How much a model gains by tokens to think: accuracy by the number that it is allowed before its answer is forced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from schemas.faults import BadInput
from schemas.shards.layout import VAL
from trainer.data.chat import USER, Message
from trainer.generate.chat import ChatFormat
from trainer.generate.sampling import Force, Sampling, generate_many
from trainer.model.decoder import Decoder
from trainer.post.tasks.task import Task

CONFIDENCE = 1.96  # of a normal distribution, for 95 %


@dataclass(frozen=True)
class Budget:
    """Answers after so many tokens of thinking; None for no thinking at all.

    right: share, low, high: its Wilson interval of 95 %
    """

    tokens: int | None
    questions: int
    right: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def measure_budgets(
    decoder: Decoder,
    chat: ChatFormat,
    task: Task,
    budgets: Sequence[int | None],
    questions: int = 200,
    seed: int = 1,
    answer_tokens: int = 16,
) -> list[Budget]:
    """Greedy accuracy on held-out questions for each budget.

    budgets: tokens between <|think|>, which is forced, and <|/think|>, which is forced when they are used up; None lets
        the model answer at once, with <|think|> never read

    Raises BadInput for a task that is not thought about.
    """
    if task.tool is not None:
        raise BadInput(f"task {task.name} uses a tool and no thinking; give sum_list")
    asked = list(islice(task.draw([seed, 2], VAL), questions))
    prompts = [chat.prompt([Message(USER, question.asked)]) for question in asked]
    found = []
    for budget in budgets:
        begun = prompts if budget is None else [[*prompt, chat.think] for prompt in prompts]
        most = answer_tokens + (0 if budget is None else budget + 1)
        force = None if budget is None else limited(chat, budget)
        if budget == 0:
            begun, force = [[*prompt, chat.thought] for prompt in begun], None
        sampling = Sampling(most, temperature=0)
        texts = generate_many(decoder, begun, sampling, frozenset({chat.end}), [0] * len(begun), force)
        right = sum(chat.answer(text.tokens) == question.answer for question, text in zip(asked, texts, strict=True))
        found.append(Budget(budget, questions, right / questions, *wilson(right, questions)))
    return found


def limited(chat: ChatFormat, budget: int) -> Force:
    """Ends thinking after so many tokens, unless it ended before."""

    def force(row: int, tokens: list[int]) -> list[int]:
        return [chat.thought] if len(tokens) == budget and chat.thought not in tokens else []

    return force


def wilson(right: int, of: int) -> tuple[float, float]:
    """Interval of a share (Wilson 1927), which stays within 0 and 1."""
    if not of:
        return 0.0, 1.0
    share, square = right / of, CONFIDENCE**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    width = CONFIDENCE / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of**2))
    return middle - width, middle + width
