"""Few-shot learning: how well a model does a task after some examples of it in its prompt.

As in GPT-3's evaluations (Brown et al., arXiv 2005.14165, section 2.4) a candidate's likelihood decides, here in bits
per byte, so that long and short answers compare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from schemas.faults import BadInput
from schemas.setting import setting
from schemas.shards.layout import TRAIN, VAL, ShardsInfo
from trainer.generate.generator import TextGenerator, load_generator
from trainer.model.decoder import Decoder
from trainer.probes.documents import DocumentTokens, shards_for
from trainer.probes.fewshot_tasks import ABOUT, Item, Material, Tokens, known_pairs
from trainer.run.checkpoints import run_of
from trainer.run.evaluation import token_bytes

WORD = re.compile(r"[^\W\d_]+")
SHORTEST, LONGEST = 3, 12  # characters of a word to copy or to put in turn
READ_TOKENS = 5_000_000  # of each split, at most, in which words are looked for
TIE = 1e-6  # bits per byte; a smaller difference is an error of rounding

Scored = Mapping[Tokens, tuple[np.ndarray, np.ndarray]]  # texts, and what `Decoder.score` says of them


@dataclass(frozen=True)
class FewShotSettings:
    """What is asked. Raises BadInput for numbers that make no task."""

    shots: tuple[int, ...] = setting((0, 1, 2, 4, 8, 16), "numbers of examples in a prompt", metavar="K")
    items: int = setting(64, "questions of a task, at most", metavar="N")
    candidates: int = setting(4, "answers to choose from, the right one among them", metavar="N")
    seed: int = setting(1, "draws the questions", metavar="N")

    def __post_init__(self) -> None:
        object.__setattr__(self, "shots", tuple(sorted(set(self.shots))))
        if min(self.shots, default=-1) < 0 or self.items < 2 or self.candidates < 2:
            raise BadInput("shots are 0 or more, items and candidates 2 or more")
        if self.seed < 0:
            raise BadInput(f"a seed is 0 or more, not {self.seed}")
        if self.candidates > self.items:
            raise BadInput(
                f"{self.candidates} candidates are answers of as many items; give --items {self.candidates} or more"
            )


@dataclass(frozen=True)
class FewShotPoint:
    """Means over the items of a task after so many examples, with their standard errors (…_se).

    bits_per_byte: of the right answer
    accuracy: how often it was the likeliest of the candidates; of equals, a share
    exact: how often greedy decoding would have given all of it
    """

    shots: int
    bits_per_byte: float
    accuracy: float
    exact: float
    bits_per_byte_se: float
    accuracy_se: float
    exact_se: float


@dataclass(frozen=True)
class FewShotTask:
    """A task's curve.

    about: what the task is
    items: its questions
    points: for each number of shots that the context has room for
    """

    about: str
    items: int
    points: tuple[FewShotPoint, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"points": [asdict(point) for point in self.points]}


@dataclass(frozen=True)
class FewShotCurves:
    """What `measure_few_shot` found.

    run, step: the model's folder, and the steps that it was trained
    shards: whose held-out text the tasks are made of
    tasks: by name, those for which there is enough text
    """

    run: str
    step: int
    shards: str
    settings: FewShotSettings
    tasks: Mapping[str, FewShotTask]

    @property
    def chance(self) -> float:
        """Accuracy of a blind choice."""
        return 1 / self.settings.candidates

    @property
    def left_out(self) -> list[str]:
        """Tasks for which there is too little text."""
        return [name for name in ABOUT if name not in self.tasks]

    def to_json(self) -> dict[str, Any]:
        settings = asdict(self.settings)
        return {
            **{"run": self.run, "step": self.step, "shards": self.shards},
            **settings,
            "shots": list(self.settings.shots),
            "chance": self.chance,
            "tasks": {name: task.to_json() for name, task in self.tasks.items()},
            "left_out": self.left_out,
        }


def measure_few_shot(
    run: str,
    shards: str,
    settings: FewShotSettings,
    backend: str | None = None,
    progress: Callable[[str], None] = lambda task: None,
) -> FewShotCurves:
    """Curves of all tasks over the number of examples.

    run: output of `bateia train`
    shards: of the run's tokenizer, with held-out text
    backend: by default the one that trained the run
    progress: is called with each task's name before it

    Raises BadInput if these can't be read or do not fit, or nothing is held out.
    """
    generator = load_generator(run, backend)
    info = shards_for(run, shards)
    bytes_V = token_bytes(str(Path(run_of(run)) / "tokenizer"), info.vocab_size)
    material = gather(generator, info, bytes_V, settings)
    tasks = measure_tasks(generator.decoder, generator.bos, material, settings.shots, bytes_V, progress)
    return FewShotCurves(run, generator.step, shards, settings, tasks)


def gather(generator: TextGenerator, shards: ShardsInfo, bytes_V: np.ndarray, settings: FewShotSettings) -> Material:
    """Words and tokens of held-out text. Raises BadInput if there is none."""
    held_out = first_tokens(shards, VAL)
    if not len(held_out):
        raise BadInput(f"{shards.folder} holds no held-out text; make the shards with --val-fraction above 0")
    held_words = words_of(generator, held_out)
    all_words = held_words | words_of(generator, first_tokens(shards, TRAIN))
    return Material(
        encode=generator.text.encode,
        words=sorted(word for word in held_words if SHORTEST <= len(word) <= LONGEST),
        tokens=held_out[bytes_V[held_out] > 0],
        pairs=known_pairs(all_words),
        context=generator.decoder.context,
        shots=settings.shots[-1],
        items=settings.items,
        candidates=settings.candidates,
        seed=settings.seed,
    )


def first_tokens(shards: ShardsInfo, split: str) -> np.ndarray:
    """Tokens of the split's first documents, one after the other, int64."""
    parts, read = [np.empty(0, np.int64)], 0
    for document in DocumentTokens(shards, split).all():
        parts.append(document.tokens)
        read += len(document.tokens)
        if read >= READ_TOKENS:
            break
    return np.concatenate(parts)


def words_of(generator: TextGenerator, tokens: np.ndarray) -> set[str]:
    return {word.lower() for word in WORD.findall(generator.text.decode(tokens.tolist()))}


def measure_tasks(
    decoder: Decoder,
    bos: int,
    material: Material,
    shots: Sequence[int],
    bytes_V: np.ndarray,
    progress: Callable[[str], None] = lambda task: None,
) -> dict[str, FewShotTask]:
    """By name, each task with a point for each number of shots that the context has room for."""
    tasks = {}
    for name, items in material.tasks().items():
        progress(name)
        tasks[name] = FewShotTask(ABOUT[name], len(items), measure(decoder, bos, items, shots, bytes_V))
    return tasks


def measure(
    decoder: Decoder, bos: int, items: Sequence[Item], shots: Sequence[int], bytes_V: np.ndarray
) -> tuple[FewShotPoint, ...]:
    """A point for each number of shots that the context has room for.

    All are read at once, as what an item's prompts have in common is then read once.
    """
    fit = [count for count in shots if max(map(len, readings(items, count))) <= decoder.context]
    texts = list(dict.fromkeys((bos, *text) for count in fit for text in readings(items, count)))
    scored = dict(zip(texts, decoder.score(texts), strict=True))
    points = []
    for count in fit:
        results_Ix3 = np.array([measure_item(scored, bos, item, count, bytes_V) for item in items], np.float64)
        errors = results_Ix3.std(axis=0, ddof=1) / np.sqrt(len(results_Ix3))
        points.append(FewShotPoint(count, *results_Ix3.mean(axis=0).tolist(), *errors.tolist()))
    return tuple(points)


def readings(items: Sequence[Item], shots: int) -> Iterator[Tokens]:
    """All that is to be read after BOS, the last token of which is predicted alone: prompts with each candidate."""
    for item in items:
        for candidate in (item.answer, *item.wrong):
            yield (*item.prompt(shots), *candidate)


def measure_item(scored: Scored, bos: int, item: Item, shots: int, bytes_V: np.ndarray) -> tuple[float, float, float]:
    """Of the right answer: bits per byte, whether it was chosen, whether it was the greedy one."""
    prompt = (bos, *item.prompt(shots))
    right, exact = score(scored, prompt, item.answer, bytes_V)
    costs = np.array([right, *(score(scored, prompt, wrong, bytes_V)[0] for wrong in item.wrong)])
    best = costs <= costs.min() + TIE
    return right, float(best[0]) / best.sum(), float(exact)


def score(scored: Scored, prompt: Tokens, candidate: Tokens, bytes_V: np.ndarray) -> tuple[float, bool]:
    """Bits per byte of a candidate, and whether each of its tokens is the likeliest one."""
    nats_T, greedy_T = (part[len(prompt) - 1 :] for part in scored[(*prompt, *candidate)])
    size = max(int(bytes_V[list(candidate)].sum()), 1)  # a tokenizer without bytes has unknown tokens of none
    return float(nats_T.sum(dtype=np.float64)) / np.log(2) / size, bool(greedy_T.all())
