"""Reinforcement by a reward that can be verified: a calculator is called because it pays; and its controls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from pipelines.course.page import Chart, Line, Open, Part, Passage, Table, Text
from pipelines.course.section import Section, Work
from pipelines.course.sections.pretraining import NAME as PRETRAINING
from pipelines.course.training import fine_tune, how, run_training
from pipelines.course.words import Words
from trainer.generate.generator import load_generator, make_decoder
from trainer.post.rl import RFT, SHUFFLED, RlRecipe, look_at_gate, plan_rl, tested
from trainer.post.rollouts import Player
from trainer.post.sft import Base, open_base
from trainer.post.tasks.arithmetic import MULTIPLY_3
from trainer.run.folder import REWARDS, TESTS, read_lines

NAME = "reinforcement"
ABLE, TUNED = "able", "tuned"  # the skill is learned, then the habit of answering at once
REINFORCED = "reinforced"
WAYS = {REINFORCED: None, SHUFFLED: SHUFFLED, RFT: RFT}  # runs, and their controls
SKILL, HABIT = 0.5, 0.12  # shares of the examples that call the calculator
RATE = 4e-3  # ours: as of a pretraining; a third of it for the habit
TOKENS = 48  # of an answer at most
SHOWN = 3


class Model(Struct, frozen=True):
    """Shares of held-out questions answered rightly: greedily and drawn. calls: share of drawn answers that call the
    calculator; direct: share of right ones among those that do not."""

    name: str
    greedy: float
    drawn: float
    calls: float
    direct: float | None


class Curve(Struct, frozen=True):
    """Mean reward and rate of calls of each step."""

    name: str
    reward: tuple[tuple[float, float], ...]
    calls: tuple[tuple[float, float], ...]


class Written(Struct, frozen=True):
    asked: str
    right: str
    text: str


class Numbers(Struct, frozen=True):
    """gate: what was against a reward before the first step; nothing was reinforced if there is something."""

    questions: int
    steps: int
    samples: int
    better_rate: float
    gap: float | None
    live_groups: float
    gate: tuple[str, ...]
    models: tuple[Model, ...]
    curves: tuple[Curve, ...]
    examples: tuple[Written, ...]


def measure(work: Work) -> Numbers:
    pace, base = work.pace, open_base(work.of(PRETRAINING, "model"))
    made = MULTIPLY_3.conversations(pace.examples, SKILL, pace.seed, tested=pace.questions)
    able = open_base(fine_tune(work, base, made, ABLE, pace.tool_steps, (0.0, 0.25), lr=RATE))
    mostly = MULTIPLY_3.conversations(pace.examples // 2, HABIT, pace.seed + 1, tested=pace.questions)
    tuned = open_base(fine_tune(work, able, mostly, TUNED, pace.habit_steps, (0.25, 0.3), lr=RATE / 3))
    recipe = recipe_of(work, None)
    decoder = make_decoder(work.backend, tuned.checkpoint.weights(), tuned.model)
    work.tell("looking at the gate", 0.31)
    gate = look_at_gate(tuned, recipe, decoder)
    player = Player(MULTIPLY_3, tuned.chat(), TOKENS)
    models, curves, last = [model_of(TUNED, tested(player, decoder, recipe))], [], None
    if not gate.faults or pace.anyway:
        for number, (name, control) in enumerate(WAYS.items()):
            shares = (0.33 + 0.21 * number, 0.54 + 0.21 * number)
            run = Path(reinforce(work, tuned, name, recipe_of(work, control), shares))
            models.append(model_of(name, list(read_lines(run / TESTS))[-1]))
            curves.append(curve_of(name, list(read_lines(run / REWARDS))))
            last = str(run) if name == REINFORCED else last
    shown = load_generator(last, work.backend).decoder if last else decoder
    answers = player.test(shown, SHOWN, 0)
    return Numbers(
        pace.questions,
        pace.rl_steps,
        pace.prompts * pace.samples,
        gate.better_rate,
        gate.gap,
        gate.live_groups,
        tuple(gate.faults),
        tuple(models),
        tuple(curves),
        tuple(
            Written(one.question.asked, one.question.answer, "".join(map(player.chat.text.name, one.writing.tokens)))
            for one in answers
        ),
    )


def recipe_of(work: Work, control: str | None) -> RlRecipe:
    pace = work.pace
    return RlRecipe(
        MULTIPLY_3.name,
        steps=pace.rl_steps,
        prompts=pace.prompts,
        samples=pace.samples,
        tokens=TOKENS,
        control=control,
        test_questions=pace.questions,
        seed=pace.seed,
    )


def reinforce(work: Work, tuned: Base, name: str, recipe: RlRecipe, shares: tuple[float, float]) -> str:
    job, answers = plan_rl(tuned, recipe, **how(work, name, recipe.steps))
    return run_training(work, job, name, shares, answers, (answers,))


def model_of(name: str, told: dict[str, Any]) -> Model:
    drawn = told["sampled"]
    return Model(name, told["greedy"]["reward"], drawn["reward"], drawn["better_rate"], drawn["right_direct"])


def curve_of(name: str, lines: list[dict[str, Any]]) -> Curve:
    points = {key: tuple((float(line["step"]), line[key]) for line in lines) for key in ("reward", "better_rate")}
    return Curve(name, points["reward"], points["better_rate"])


def tell(numbers: Numbers, words: Words) -> list[Part]:
    heads = tuple(words(NAME, name) for name in ("model", "greedy", "drawn", "calls", "direct"))
    rows = tuple(
        (words(NAME, one.name), *(words.share(value) for value in (one.greedy, one.drawn, one.calls, one.direct)))
        for one in numbers.models
    )
    told = {"questions": numbers.questions, "steps": numbers.steps, "samples": numbers.samples, "gap": numbers.gap}
    told |= {name: words.share(getattr(numbers, name)) for name in ("better_rate", "live_groups")}
    closed = (Text(words(NAME, "closed", faults="; ".join(numbers.gate))),) if numbers.gate else ()
    charts = []
    for kind in ("reward", "calls"):
        lines = tuple(
            Line(words(NAME, one.name), tuple((x, 100 * y) for x, y in getattr(one, kind))) for one in numbers.curves
        )
        charts += [Chart(words(NAME, f"{kind}_label"), words(NAME, "unit"), lines, from_zero=True)] if lines else []
    report = Open(f"{NAME}/{REINFORCED}/report.html", words(NAME, "report"), words(NAME, "report_about"))
    shown = [Passage(words(NAME, "example", right=one.right), f"{one.asked}\n", one.text) for one in numbers.examples]
    return [
        Part(
            words(NAME, "table_title"),
            (
                Text(words(NAME, "gate", **told)),
                *closed,
                Table(words(NAME, "table_title"), heads, rows),
                *charts,
                *((report,) if numbers.curves else ()),
                Text(words(NAME, "reading")),
            ),
        ),
        Part(words(NAME, "examples_title"), (Text(words(NAME, "examples")), *shown)),
    ]


SETTINGS = (
    "tool_steps",
    "habit_steps",
    "examples",
    "rl_steps",
    "prompts",
    "samples",
    "questions",
    "batch_size",
    "context",
    "anyway",
    "seed",
)
SECTION = Section(NAME, (PRETRAINING,), 9.0, SETTINGS, Numbers, measure, tell, 0.5)
