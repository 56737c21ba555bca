"""Answers that a model writes to a task's questions, what they earn, and the batch that is made of them.

All is a pure function of weights, settings and step: questions are drawn by (seed, step), and the tokens of each row by
(seed, step, row), so that a run that was killed writes the same again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from schemas.shards.layout import TRAIN, VAL
from trainer.data.batches import Batch
from trainer.data.chat import USER, Message
from trainer.generate.chat import ChatFormat
from trainer.generate.sampling import Force, Sampling, Writing, generate_many
from trainer.model.decoder import Decoder
from trainer.post.tasks.task import Question, Task
from trainer.post.tools.calculator import CALCULATOR
from trainer.post.tools.tool import answering

TOOLS = {CALCULATOR.name: CALCULATOR}


@dataclass(frozen=True)
class Rollout:
    """An answer.

    prompt: tokens of the question
    writing: what was written
    reward: what it earned
    better: whether it called a tool or thought, as the task's better way does
    """

    question: Question
    prompt: list[int]
    writing: Writing
    reward: float
    better: bool

    @property
    def sampled_nats(self) -> list[float]:
        return [nats for nats, sampled in zip(self.writing.nats, self.writing.sampled, strict=True) if sampled]


@dataclass(frozen=True)
class Player:
    """A model that answers a task's questions.

    tokens: of an answer at most, what a tool says included
    """

    task: Task
    chat: ChatFormat
    tokens: int

    def answer(
        self, decoder: Decoder, questions: Sequence[Question], seeds: Sequence[Sequence[int]], temperature: float = 1.0
    ) -> list[Rollout]:
        """One answer to each question, drawn by its seed."""
        prompts = [self.chat.prompt([Message(USER, question.asked)]) for question in questions]
        sampling = Sampling(self.tokens, temperature=temperature, top_k=0, top_p=1.0)
        stops, force = frozenset({self.chat.end}), self._force()
        texts = generate_many(decoder, prompts, sampling, stops, list(seeds), force)
        return [
            self._judged(question, prompt, text)
            for question, prompt, text in zip(questions, prompts, texts, strict=True)
        ]

    def _force(self) -> Force | None:
        return answering(self.chat, TOOLS) if self.task.tool is not None else None

    def _judged(self, question: Question, prompt: list[int], text: Writing) -> Rollout:
        sign = self.chat.call if self.task.tool is not None else self.chat.think
        return Rollout(
            question,
            prompt,
            text,
            self.task.reward(question, self.chat.answer(text.tokens), text.ended),
            sign in text.tokens,
        )

    def group(
        self, decoder: Decoder, prompts: int, samples: int, seed: Sequence[int], temperature: float = 1.0
    ) -> list[list[Rollout]]:
        """`samples` answers to each of `prompts` questions to train on."""
        questions = list(islice(self.task.draw([*seed, 0], TRAIN), prompts))
        repeated = [question for question in questions for _ in range(samples)]
        seeds = [(*seed, 1, row) for row in range(len(repeated))]
        flat = self.answer(decoder, repeated, seeds, temperature)
        return [flat[begin : begin + samples] for begin in range(0, len(flat), samples)]

    def test(self, decoder: Decoder, questions: int, seed: int, temperature: float = 0.0) -> list[Rollout]:
        """Answers to held-out questions, the same ones each time."""
        asked = list(islice(self.task.draw([seed, 2], VAL), questions))
        return self.answer(decoder, asked, [(seed, 3, row) for row in range(questions)], temperature)


def batch_of(rollouts: Sequence[Rollout], weights: Sequence[float], length: int) -> Batch:
    """A batch whose rows are these answers; each token that was drawn weighs what its answer does, all others nothing.

    length: T; what is longer is cut
    """
    shape = (len(rollouts), length + 1)
    tokens_BxS, segments_BxS = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    weights_BxS = np.zeros(shape, np.float32)
    for row, (rollout, weight) in enumerate(zip(rollouts, weights, strict=True)):
        whole = [*rollout.prompt, *rollout.writing.tokens][: length + 1]
        drawn = [*[False] * len(rollout.prompt), *rollout.writing.sampled][: length + 1]
        tokens_BxS[row, : len(whole)] = whole
        segments_BxS[row, : len(whole)] = 1
        weights_BxS[row, : len(whole)] = np.where(drawn, weight, 0.0)
    positions_BxT = np.tile(np.arange(length, dtype=np.int32), (len(rollouts), 1))
    parts = (tokens_BxS[:, :-1], tokens_BxS[:, 1:], weights_BxS[:, 1:], segments_BxS[:, :-1], positions_BxT)
    return Batch(*(np.ascontiguousarray(part) for part in parts))


def advantages(groups: Sequence[Sequence[float]]) -> list[float]:
    """Of each answer: its reward less the mean of its group's, without division by their deviation (Dr. GRPO, arXiv
    2503.20783). A group whose rewards are all equal has 0 and teaches nothing."""
    return [reward - float(np.mean(group)) for group in groups for reward in group]


def dead_share(groups: Sequence[Sequence[float]]) -> float:
    """Share of the groups whose rewards are all equal."""
    return float(np.mean([len(set(group)) == 1 for group in groups]))


def mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None
