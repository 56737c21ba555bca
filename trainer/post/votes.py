"""Blind votes: two models answer a prompt, in a drawn order and without their names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trainer.data.chat import USER, Message
from trainer.generate.chat import ChatFormat
from trainer.generate.generator import TextGenerator
from trainer.generate.sampling import Sampling, generate
from trainer.generate.text import harmless

TIES, LEAVE = ("t", "tie", "="), ("q", "quit", "")


@dataclass(frozen=True)
class Pair:
    """Two answers to a prompt, harmless to a terminal; a and b are the models that gave the left and right one."""

    prompt: str
    a: str
    b: str
    left: str
    right: str


class Ballot:
    """Models by name. Which two answer a prompt, and in which order, follows from the prompt and the seed."""

    def __init__(self, models: Mapping[str, TextGenerator], sampling: Sampling) -> None:
        self._models, self._sampling = models, sampling

    def ask(self, prompt: str) -> Pair:
        digest = hashlib.sha256(f"{self._sampling.seed} {prompt}".encode("utf-8", "surrogateescape")).digest()
        seed = int.from_bytes(digest[:8], "little")
        order = np.random.Generator(np.random.PCG64(seed)).permutation(len(self._models))[:2].tolist()
        a, b = (list(self._models)[number] for number in order)
        return Pair(prompt, a, b, self._answer(a, prompt), self._answer(b, prompt))

    def _answer(self, name: str, prompt: str) -> str:
        """By a chat if the model was trained on conversations; else it continues the prompt."""
        model = self._models[name]
        if model.text.number("<|end|>") not in model.stops:
            return harmless(model.write(prompt, self._sampling).text)
        chat = ChatFormat(model.text, model.bos)
        begun = chat.prompt([Message(USER, prompt)])
        tokens = list(generate(model.decoder, begun, replace(self._sampling), model.stops))
        return harmless(chat.answer(tokens))

    @staticmethod
    def vote(pair: Pair, said: str) -> dict[str, Any] | None:
        """A line of votes.jsonl by what a person typed, None if it ends the votes. What is no vote is a tie's."""
        said = said.strip().lower()
        if said in LEAVE:
            return None
        winner = said if said in ("a", "b") else "tie"
        return {"prompt": pair.prompt, "a": pair.a, "b": pair.b, "winner": winner}
