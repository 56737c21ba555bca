"""Ratings of models that answered the same questions: Bradley–Terry with ties, intervals by bootstrap over questions.

A model's strength p makes it win against another's q with probability p / (p + q); ratings are 400 · log₁₀ p, as chess
has them. Strengths are found by minorisation–maximisation (Hunter 2004, Annals of Statistics 32), a tie being half a
win each. Every model also plays half a game, half won, against one of mean strength, so that one that always wins has a
finite rating. All pairs answer the same questions, so their battles are not independent: questions are resampled.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from schemas.faults import BadInput

PSEUDO_GAMES = 0.5  # against a model of mean strength
SCALE = 400 / np.log(10)
CENTRE = 1000
ITERATIONS, CLOSE = 2000, 1e-10
INTERVAL = (2.5, 97.5)  # percentiles


@dataclass(frozen=True)
class Rating:
    """A model in the table.

    rating: the baseline's is 1000
    low, high: of the bootstrap, 95 %
    accuracy: share of right answers, None where people voted
    battles: in which it took part
    """

    model: str
    rating: float
    low: float
    high: float
    accuracy: float | None
    battles: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def rate(
    wins_QxPxP: np.ndarray,
    models: Sequence[str],
    baseline: str | None = None,
    accuracies: Mapping[str, float] | None = None,
    rounds: int = 200,
    seed: int = 1,
) -> list[Rating]:
    """A table, the best first.

    wins_QxPxP: of each question, wins of a model (row) over another (column), a tie being half a win in both
    baseline: the model whose rating is 1000; None for the mean of all

    Raises BadInput for a baseline that did not play, or fewer than two models.
    """
    if len(models) < 2:
        raise BadInput(f"{len(models)} model is compared with none; give scores of two or more")
    if baseline is not None and baseline not in models:
        raise BadInput(f"the baseline '{baseline}' did not play; there are {', '.join(models)}")
    at = models.index(baseline) if baseline is not None else None
    found_P = ratings(wins_QxPxP.sum(0), at)
    generator = np.random.Generator(np.random.PCG64(seed))
    questions = len(wins_QxPxP)
    drawn_RxP = np.stack(
        [ratings(np.tensordot(sample, wins_QxPxP, 1), at) for sample in resampled(generator, questions, rounds)]
    )
    low_P, high_P = np.percentile(drawn_RxP, INTERVAL, axis=0)
    played_P = (wins_QxPxP + wins_QxPxP.transpose(0, 2, 1)).sum((0, 2))
    table = [
        Rating(
            model,
            float(found_P[number]),
            float(low_P[number]),
            float(high_P[number]),
            (accuracies or {}).get(model),
            round(played_P[number]),
        )
        for number, model in enumerate(models)
    ]
    return sorted(table, key=lambda one: (-one.rating, one.model))


def resampled(generator: np.random.Generator, questions: int, rounds: int) -> Iterable[np.ndarray]:
    """How often each question is drawn, float64 of shape (Q,), again and again."""
    for _ in range(rounds):
        yield np.bincount(generator.integers(questions, size=questions), minlength=questions).astype(np.float64)


def ratings(wins_PxP: np.ndarray, baseline: int | None = None) -> np.ndarray:
    """Of each model, float64 of shape (P,)."""
    logs_P = SCALE * np.log(strengths(wins_PxP))
    return logs_P - (logs_P.mean() if baseline is None else logs_P[baseline]) + CENTRE


def strengths(wins_PxP: np.ndarray, pseudo: float = PSEUDO_GAMES) -> np.ndarray:
    """p of each model, with a geometric mean of 1."""
    games_PxP = wins_PxP + wins_PxP.T
    won_P = wins_PxP.sum(1) + pseudo / 2
    p_P = np.ones(len(wins_PxP))
    for _ in range(ITERATIONS):
        before_P = p_P
        met_P = (games_PxP / (p_P[:, None] + p_P[None])).sum(1) + pseudo / (p_P + 1)
        p_P = won_P / met_P
        p_P = p_P / np.exp(np.log(p_P).mean())
        if np.abs(np.log(p_P / before_P)).max() < CLOSE:
            break
    return p_P


@dataclass(frozen=True)
class Asked:
    """A task in the arena.

    questions: that all models answered
    right: share of right answers by model
    looked: whether the questions were looked for in the training text
    seen: questions that stand there, each with a page's URL
    """

    task: str
    questions: int
    right: dict[str, float]
    looked: bool
    seen: dict[str, str]


# --- What was played --------------------------------------------------------------------------------------------------


def read_scores(paths: Sequence[str]) -> tuple[list[str], np.ndarray, dict[str, float]]:
    """Models (named as their files), wins_QxPxP, and accuracies. Questions are those that all have answered.

    Raises BadInput, naming the file, for what are no scores, or if no question is common.
    """
    right: dict[str, dict[tuple[str, str, int], bool]] = {}
    for path in paths:
        name = Path(path).stem
        if name in right:
            raise BadInput(f"{path}: another file is called {name} too; rename one, as models are named by their files")
        right[name] = dict(scores_of(path))
    common = sorted(set.intersection(*(set(own) for own in right.values()))) if right else []
    if not common:
        raise BadInput(
            f"{', '.join(paths)}: no question is answered in all of them; ask the same ones with `bateia bench`"
        )
    names = list(right)
    right_QxP = np.array([[right[name][question] for name in names] for question in common], np.float64)
    accuracies = dict(zip(names, right_QxP.mean(0).tolist(), strict=True))
    return names, wins_of(right_QxP), accuracies


def read_tasks(paths: Sequence[str]) -> list[Asked]:
    """What was asked, by task, of the questions that all have answered; `seen` as any of the files tells it."""
    told = {Path(path).stem: {key_of(line): line for line in lines_of(path)} for path in paths}
    common = sorted(set.intersection(*(set(lines) for lines in told.values())))
    found = []
    for task in dict.fromkeys(task for task, _, _ in common):
        own = [key for key in common if key[0] == task]
        lines = [lines[key] for lines in told.values() for key in own]
        right = {name: sum(bool(lines[key]["right"]) for key in own) / len(own) for name, lines in told.items()}
        seen = {str(line["item"]): str(line["seen"]) for line in lines if line.get("seen") is not None}
        found.append(Asked(task, len(own), right, any("seen" in line for line in lines), seen))
    return found


def key_of(line: dict[str, Any]) -> tuple[str, str, int]:
    return line["task"], line["item"], line["seed"]


def scores_of(path: str) -> Iterable[tuple[tuple[str, str, int], bool]]:
    for line in lines_of(path):
        yield key_of(line), bool(line["right"])


def lines_of(path: str) -> list[dict[str, Any]]:
    """Raises BadInput, naming the file, for what are no scores."""
    try:
        lines = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
        for line in lines:
            hash((*key_of(line), line["right"]))
        return lines
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} holds no scores ({error}); give what `bateia bench` wrote") from error


def wins_of(right_QxP: np.ndarray) -> np.ndarray:
    """wins_QxPxP of every pair at every question: who is right beats who is not, and all else is a tie."""
    wins_QxPxP = 0.5 + 0.5 * (right_QxP[:, :, None] - right_QxP[:, None])
    return wins_QxPxP * (1 - np.eye(right_QxP.shape[1]))


def read_votes(path: str) -> tuple[list[str], np.ndarray]:
    """Models and wins_QxPxP of votes.jsonl, a question being a prompt. Raises BadInput for what are no votes."""
    try:
        votes = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
        models = sorted({vote[side] for vote in votes for side in ("a", "b")})
        prompts = {prompt: at for at, prompt in enumerate(sorted({vote["prompt"] for vote in votes}))}
        wins_QxPxP = np.zeros((len(prompts), len(models), len(models)))
        for vote in votes:
            a, b = models.index(vote["a"]), models.index(vote["b"])
            share = {"a": 1.0, "b": 0.0, "tie": 0.5}[vote["winner"]]
            wins_QxPxP[prompts[vote["prompt"]], a, b] += share
            wins_QxPxP[prompts[vote["prompt"]], b, a] += 1 - share
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} holds no votes ({error}); give what `bateia arena vote` wrote") from error
    return models, wins_QxPxP
