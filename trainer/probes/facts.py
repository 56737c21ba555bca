"""What a model knows of facts that were told it never, once or often: by sentences to complete, and by questions.

A fact counts as known if the greedy answer to its question is right and the right value's probability at least SURE.
Answers are judged as right, wrong or "I don't know" (`trainer.generate.chat.REFUSAL`), and always for the known and the
unknown beside each other: a model that refuses everything knows best what it does not know.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from trainer.generate.sampling import Sampling, generate_many
from trainer.generate.text import Text
from trainer.model.decoder import Decoder
from trainer.probes.told import TEST, Fact

SURE = 0.5
AT_ONCE = 256  # texts
ANSWER_TOKENS = 16
RIGHT, UNKNOWN, WRONG = "right", "idk", "wrong"


@dataclass(frozen=True)
class Asked:
    """What a model said to a question, or how it completed a sentence.

    verdict: RIGHT, UNKNOWN ("I don't know") or WRONG
    confidence: probability of the greedy answer up to its end
    right_p: probability of the right value
    text: what was written
    """

    verdict: str
    confidence: float
    right_p: float
    text: str

    @property
    def sure(self) -> bool:
        return self.verdict == RIGHT and self.right_p >= SURE


@dataclass(frozen=True)
class Probed:
    """A fact, completed and asked for.

    completed: for each of its completions; asked: by its question
    """

    fact: Fact
    completed: tuple[Asked, ...]
    asked: Asked

    @property
    def known(self) -> bool:
        """Whether it is right and sure when it is asked."""
        return self.asked.sure

    @property
    def recalled(self) -> bool:
        """Whether it is right and sure when a sentence is completed: by most of its wordings. That does not mean that
        a question finds it (arXiv 2309.14316)."""
        return 2 * sum(one.sure for one in self.completed) > len(self.completed)

    def to_json(self) -> dict[str, Any]:
        told = {"id": self.fact.id, "group": self.fact.group, "told": self.fact.exposures, "known": self.known}
        completed = [asdict(one) for one in self.completed]
        return {**told, "value": self.fact.value, "asked": asdict(self.asked), "completed": completed}


@dataclass(frozen=True)
class Prober:
    """A model to be asked.

    refusal: the token that says "I don't know"; None where there is none
    """

    decoder: Decoder
    text: Text
    bos: int
    refusal: int | None = None

    def probe(self, facts: Sequence[Fact], wordings: int = 3) -> list[Probed]:
        """wordings: completions of each fact that are tried, at most"""
        completions = [(fact, begin) for fact in facts for begin in fact.completions[:wordings]]
        questions = [(fact, f"{fact.question} {fact.answer}") for fact in facts]
        completed, asked = self._all([*completions, *questions]), iter(())
        asked = iter(completed[len(completions) :])
        grouped = iter(completed[: len(completions)])
        return [Probed(fact, tuple(next(grouped) for _ in fact.completions[:wordings]), next(asked)) for fact in facts]

    def _all(self, prompts: Sequence[tuple[Fact, str]]) -> list[Asked]:
        found: list[Asked] = []
        for begin in range(0, len(prompts), AT_ONCE):
            found += self._some(prompts[begin : begin + AT_ONCE])
        return found

    def _some(self, prompts: Sequence[tuple[Fact, str]]) -> list[Asked]:
        begun = [[self.bos, *self.text.encode(prompt)] for _, prompt in prompts]
        values = [self.text.encode(f" {fact.value}") for fact, _ in prompts]
        most = min(max(map(len, values)) + 2, ANSWER_TOKENS)
        stops = frozenset({self.bos})
        written = generate_many(self.decoder, begun, Sampling(most, temperature=0), stops, [0] * len(begun))
        scored = self.decoder.score([[*head, *value] for head, value in zip(begun, values, strict=True)])
        found = []
        for (fact, _), head, value, text, (nats_T, _) in zip(prompts, begun, values, written, scored, strict=True):
            refused = self.refusal is not None and self.refusal in text.tokens[: len(value)]
            answer = self.text.decode(text.tokens).strip()
            verdict = UNKNOWN if refused else RIGHT if begins_with(answer, fact.value) else WRONG
            right_p = math.exp(-float(nats_T[len(head) - 1 :].sum(dtype=np.float64)))
            confidence = math.exp(-sum(text.nats[: len(value)]))
            found.append(Asked(verdict, confidence, right_p, answer))
        return found


def begins_with(answer: str, value: str) -> bool:
    """As whole words."""
    return answer.startswith(value) and not answer[len(value) : len(value) + 1].isalnum()


# --- What came of it --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exposure:
    """Facts that were told about equally often.

    told: mean of the class, 0 only for facts that were never told
    recalled: share that is known when a sentence is completed
    known: share that is known when it is asked
    right, idk: shares of answers to questions
    confidence: mean, of answers to questions
    """

    told: int
    facts: int
    recalled: float
    known: float
    right: float
    idk: float
    confidence: float


@dataclass(frozen=True)
class Refusals:
    """What is said to questions, of facts that are known and of those that are not: shares of each."""

    known: int
    unknown: int
    known_right: float
    known_idk: float
    known_wrong: float
    unknown_right: float
    unknown_idk: float
    unknown_wrong: float


def by_exposure(probed: Sequence[Probed]) -> list[Exposure]:
    """In classes (`Fact.exposure_class`), whose mean is told."""
    classes: dict[int, list[Probed]] = {}
    for one in probed:
        classes.setdefault(one.fact.exposure_class, []).append(one)
    return [
        Exposure(
            round(float(np.mean([one.fact.exposures for one in some]))),
            len(some),
            float(np.mean([one.recalled for one in some])),
            float(np.mean([one.known for one in some])),
            float(np.mean([one.asked.verdict == RIGHT for one in some])),
            float(np.mean([one.asked.verdict == UNKNOWN for one in some])),
            float(np.mean([one.asked.confidence for one in some])),
        )
        for _, some in sorted(classes.items())
    ]


def refusals(probed: Sequence[Probed], known: Sequence[bool]) -> Refusals:
    """known: of each fact, by the model before it was taught to refuse"""
    verdicts = {True: [], False: []}
    for one, knew in zip(probed, known, strict=True):
        verdicts[bool(knew)].append(one.asked.verdict)

    def share(knew: bool, verdict: str) -> float:
        return verdicts[knew].count(verdict) / max(len(verdicts[knew]), 1)

    shares = [share(knew, verdict) for knew in (True, False) for verdict in (RIGHT, UNKNOWN, WRONG)]
    return Refusals(len(verdicts[True]), len(verdicts[False]), *shares)


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """Probability that a positive one has the higher score, ties half (Mann and Whitney); None without both kinds."""
    values, is_positive = np.asarray(scores, np.float64), np.asarray(positive, bool)
    above, below = values[is_positive], values[~is_positive]
    if not len(above) or not len(below):
        return None
    wins = (above[:, None] > below[None]).sum() + 0.5 * (above[:, None] == below[None]).sum()
    return float(wins / (len(above) * len(below)))


def tested(probed: Sequence[Probed]) -> list[Probed]:
    """Those that nothing but the test asks for."""
    return [one for one in probed if one.fact.group == TEST]
