"""What a task is: questions without end, each with what is right, and with worked answers to begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.shards.layout import TRAIN, VAL
from trainer.data.chat import ASSISTANT, USER, Conversation, Message
from trainer.post.makers.basics import is_held_out

DIRECT, BETTER = "direct", "better"  # ways to answer: at once; or with a tool, or step by step


@dataclass(frozen=True)
class Question:
    """One that a task asks.

    content: what is asked for, by whose hash it is held out or not
    asked: the user's message
    answer: what is right, as text
    direct, worked: the assistant's messages, at once and in the better way
    """

    content: str
    asked: str
    answer: str
    direct: tuple[Message, ...]
    worked: tuple[Message, ...]


@dataclass(frozen=True)
class Task:
    """Questions to train and to test by, disjoint by the hash of their content.

    name, about: for people
    make: one question, drawn
    tool: the name of the tool that the better way uses, or None if it thinks
    held_out: share of the contents that are tested
    """

    name: str
    about: str
    make: Callable[[np.random.Generator], Question]
    tool: str | None = None
    held_out: float = 0.2

    def draw(self, seed: int | Sequence[int], split: str = TRAIN) -> Iterator[Question]:
        """Questions of a split, the same for the same seed. They may repeat."""
        generator = np.random.Generator(np.random.PCG64(seed))
        while True:
            question = self.make(generator)
            if is_held_out(f"{self.name} {question.content}", self.held_out) == (split == VAL):
                yield question

    def reward(self, question: Question, answer: str, ended: bool) -> float:
        """1 for what is right, 0 for all else. ended: whether the model ended its message itself"""
        return float(ended and answer == question.answer)

    def conversations(self, count: int, worked: float, seed: int = 1, tested: int = 0) -> Iterator[Conversation]:
        """Worked examples, a share `worked` of them in the better way; then so many held-out questions."""
        generator = np.random.Generator(np.random.PCG64([seed, 1]))
        for split, number in ((TRAIN, count), (VAL, tested)):
            for at, question in zip(range(number), self.draw([seed, 0], split), strict=False):
                better = generator.random() < worked
                spoken = question.worked if better else question.direct
                yield Conversation(
                    f"{self.name}-{seed}-{split}-{at:06}",
                    (Message(USER, question.asked), *spoken),
                    split,
                    self.name,
                    question.answer,
                    {"kind": "template", "template": BETTER if better else DIRECT},
                )


def said(answer: str) -> tuple[Message, ...]:
    """An answer at once."""
    return (Message(ASSISTANT, answer),)
