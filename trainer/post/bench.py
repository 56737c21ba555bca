"""Benchmarks over runs: what each answers to the same questions, as scores that the arena reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from schemas.faults import BadInput
from schemas.setting import setting
from schemas.shards.layout import VAL, read_shards
from trainer.data.chat import Conversation, read_conversations
from trainer.generate.chat import ChatFormat
from trainer.generate.generator import TextGenerator
from trainer.generate.sampling import Sampling
from trainer.post.answers import Score, questions_of, score_conversations
from trainer.post.contamination import pages_with
from trainer.post.rollouts import Player
from trainer.post.tasks.find import find_task
from trainer.probes.cloze import Cloze, choose, cloze_questions

CLOZE = "cloze"


@dataclass(frozen=True)
class BenchSettings:
    """What is asked, and how often."""

    tasks: tuple[str, ...] = setting((), "tasks with verified answers", metavar="NAME")
    questions: int = setting(128, "held-out questions of a task", metavar="N")
    cloze: int = setting(
        0, "held-out pages of the shards whose sentences are to be ended by one of four words", metavar="N"
    )
    seeds: int = setting(1, "drawings of each answer; the first one takes the likeliest tokens", metavar="N")
    tokens: int = setting(48, "of an answer at most", metavar="N")


def measure_bench(
    generator: TextGenerator,
    conversations: str | None,
    settings: BenchSettings,
    shards: str | None = None,
    progress: Callable[[str], None] = lambda what: None,
) -> list[dict[str, Any]]:
    """A line of scores.jsonl for each question and seed; cloze questions are asked once, as nothing is drawn.

    conversations: a file; its held-out conversations that say what is right are asked
    shards: the training's, in which the questions are looked for: `seen` is then a page's URL, or None
    """
    held = [one for one in read_conversations(conversations) if one.split == VAL] if conversations else []
    # Cloze questions need none of a chat's tokens, which older tokenizers and others' lack.
    chat = ChatFormat(generator.text, generator.bos) if held or settings.tasks else None
    ended = cloze_of(generator, settings, shards)
    found: list[dict[str, Any]] = []
    for seed in range(settings.seeds):
        drawing = Sampling(settings.tokens, temperature=1.0 if seed else 0.0, top_k=0, top_p=1.0, seed=seed)
        if held and chat:
            progress(f"{Path(conversations or '').name}, seed {seed}")
            found += [score.to_json() for score in score_conversations(generator.decoder, chat, held, drawing)]
        if ended and not seed:  # nothing is drawn
            progress(CLOZE)
            found += [score.to_json() for score in score_cloze(generator, ended)]
        if chat:
            for name in settings.tasks:
                progress(f"{name}, seed {seed}")
                found += [score.to_json() for score in score_task(generator, chat, name, settings, seed)]
    return found if shards is None else with_pages(found, generator, asked_of(held, settings, ended), shards)


def score_task(
    generator: TextGenerator, chat: ChatFormat, name: str, settings: BenchSettings, seed: int
) -> list[Score]:
    """A task's held-out questions answered once: greedily with seed 0, else drawn at temperature 1."""
    player = Player(find_task(name), chat, settings.tokens)
    questions = list(islice(player.task.draw([0, 2], VAL), settings.questions))
    seeds = [(seed, 3, row) for row in range(len(questions))]
    rollouts = player.answer(generator.decoder, questions, seeds, 1.0 if seed else 0.0)
    return [
        Score(
            name,
            f"{name}-{number}",
            seed,
            rollout.reward == 1,
            rollout.writing.ended,
            None,
            len(rollout.writing.tokens),
            chat.answer(rollout.writing.tokens),
        )
        for number, rollout in enumerate(rollouts)
    ]


def cloze_of(generator: TextGenerator, settings: BenchSettings, shards: str | None) -> list[Cloze]:
    """Raises BadInput without shards, or if too few of their held-out pages have a sentence for it."""
    if not settings.cloze:
        return []
    if shards is None:
        raise BadInput("--cloze asks of held-out pages; give --shards")
    found = cloze_questions(read_shards(shards), generator.text, settings.cloze)
    if not found:
        raise BadInput(f"{shards} holds out too few pages with sentences to end; leave --cloze out")
    return found


def score_cloze(generator: TextGenerator, questions: Sequence[Cloze]) -> list[Score]:
    chosen = choose(generator.decoder, generator.text, generator.bos, questions)
    return [
        Score(CLOZE, f"{CLOZE}-{number}", 0, one.right, None, None, 0, one.word) for number, one in enumerate(chosen)
    ]


def asked_of(
    held: Sequence[Conversation], settings: BenchSettings, ended: Sequence[Cloze]
) -> dict[tuple[str, str], str]:
    """Questions by task and item, as text; of a cloze question the sentence with the right word."""
    asked = {(one.task or "", one.id): messages[-1].content for one, messages in questions_of(held)}
    asked |= {(CLOZE, f"{CLOZE}-{number}"): one.sentence for number, one in enumerate(ended)}
    for name in settings.tasks:
        questions = islice(find_task(name).draw([0, 2], VAL), settings.questions)
        asked |= {(name, f"{name}-{number}"): question.asked for number, question in enumerate(questions)}
    return asked


def with_pages(
    scores: Sequence[dict[str, Any]], generator: TextGenerator, asked: dict[tuple[str, str], str], shards: str
) -> list[dict[str, Any]]:
    texts = [generator.text.encode(text) for text in asked.values()]
    pages = dict(zip(asked, pages_with(read_shards(shards), texts), strict=True))
    return [score | {"seen": pages.get((score["task"], score["item"]))} for score in scores]
