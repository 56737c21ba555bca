"""Models need tokens to think: sums of a list, right by how many tokens of thinking are allowed."""

from __future__ import annotations

from msgspec import Struct

from pipelines.course.page import Chart, Line, Part, Passage, Table, Text
from pipelines.course.section import Section, Work
from pipelines.course.sections.pretraining import NAME as PRETRAINING
from pipelines.course.training import fine_tune
from pipelines.course.words import Words
from trainer.generate.chat import ChatFormat
from trainer.generate.generator import load_generator
from trainer.post.rollouts import Player
from trainer.post.sft import open_base
from trainer.post.tasks.arithmetic import CLOCK, SUM_LIST
from trainer.post.think import measure_budgets

NAME = "thinking"
TUNED = "tuned"
WORKED = 0.6  # share of the examples that are worked step by step
BUDGETS = (0, 2, 4, 8, 12, 16, 24, 32)  # tokens
ANSWER_TOKENS = 56
RATE = 4e-3  # ours: a skill is learned anew here, so as high as a pretraining's


class Budget(Struct, frozen=True):
    """tokens: None for an answer at once; low, high: Wilson's interval of 95 %."""

    tokens: int | None
    right: float
    low: float
    high: float


class Written(Struct, frozen=True):
    asked: str
    right: str
    text: str


class Numbers(Struct, frozen=True):
    """chance: of guessing right; thinks: share of the greedy answers that think, right_thinking: of these right."""

    questions: int
    chance: float
    thinks: float
    right_thinking: float | None
    budgets: tuple[Budget, ...]
    examples: tuple[Written, ...]


def measure(work: Work) -> Numbers:
    pace, base = work.pace, open_base(work.of(PRETRAINING, "model"))
    made = SUM_LIST.conversations(pace.examples, WORKED, pace.seed, tested=pace.questions)
    run = fine_tune(work, base, made, TUNED, pace.think_steps, (0.0, 0.9), lr=RATE)
    work.tell("measuring", 0.92)
    generator = load_generator(run, work.backend)
    chat = ChatFormat(generator.text, generator.bos)
    found = measure_budgets(generator.decoder, chat, SUM_LIST, [None, *BUDGETS], pace.questions, pace.seed)
    answers = Player(SUM_LIST, chat, ANSWER_TOKENS).test(generator.decoder, pace.questions, 0)
    thought = [one for one in answers if one.better]
    shown = [*thought[:2], *[one for one in answers if not one.better][:1]]
    return Numbers(
        pace.questions,
        1 / CLOCK,
        len(thought) / len(answers),
        sum(one.reward for one in thought) / len(thought) if thought else None,
        tuple(Budget(one.tokens, one.right, one.low, one.high) for one in found),
        tuple(
            Written(one.question.asked, one.question.answer, "".join(map(chat.text.name, one.writing.tokens)))
            for one in shown
        ),
    )


def tell(numbers: Numbers, words: Words) -> list[Part]:
    by_tokens = [one for one in numbers.budgets if one.tokens is not None]
    curve = tuple((float(one.tokens or 0), 100 * one.right) for one in by_tokens)
    chance = tuple((x, 100 * numbers.chance) for x, _ in curve)
    lines = (Line(words(NAME, "right"), curve), Line(words(NAME, "chance"), chance))
    rows = tuple(
        (
            words(NAME, "at_once") if one.tokens is None else words.shown(one.tokens),
            words.share(one.right),
            words(NAME, "interval", low=words.share(one.low), high=words.share(one.high)),
        )
        for one in numbers.budgets
    )
    heads = tuple(words(NAME, name) for name in ("budget", "right", "interval_title"))
    told = {"questions": numbers.questions, "thinks": words.share(numbers.thinks)} | {
        name: words.share(getattr(numbers, name)) for name in ("chance", "right_thinking")
    }
    shown = [Passage(words(NAME, "example", right=one.right), f"{one.asked}\n", one.text) for one in numbers.examples]
    return [
        Part(
            words(NAME, "budget_title"),
            (
                Text(words(NAME, "budgets", **told)),
                Chart(words(NAME, "label"), words(NAME, "unit"), lines, from_zero=True),
                Table(words(NAME, "budget_title"), heads, rows),
                Text(words(NAME, "reading")),
            ),
        ),
        Part(words(NAME, "examples_title"), (Text(words(NAME, "examples")), *shown)),
    ]


SETTINGS = ("think_steps", "examples", "questions", "batch_size", "context", "seed")
SECTION = Section(NAME, (PRETRAINING,), 5.5, SETTINGS, Numbers, measure, tell, 0.15)
