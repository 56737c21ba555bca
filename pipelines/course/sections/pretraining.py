"""Pretraining: a small Llama learns to predict the next token; its loss, its texts, one page as it reads it."""

from __future__ import annotations

import math
from pathlib import Path

from msgspec import Struct

from pipelines.analysis.journey import follow
from pipelines.course.pace import MODEL
from pipelines.course.page import Chart, Line, Open, Part, Passage, Table, Text
from pipelines.course.section import Section, Work
from pipelines.course.sections.crawl import NAME as CRAWL
from pipelines.course.training import how, run_training, write_shape
from pipelines.course.words import Words
from pipelines.reports import journey
from pipelines.reports.render import write_page
from pipelines.stages.train import plan_training
from schemas.storage import read_json
from trainer.generate.samples import SampleTexts
from trainer.model.config import parameters
from trainer.run.folder import EVALS, LOG, SAMPLES, read_lines
from trainer.run.job import versions
from trainer.settings import TrainRecipe

NAME = "pretraining"
EVALUATIONS = 6
PROMPT, SAMPLE_TOKENS = "The river", 40
POINTS = 100  # of a curve, at most


class Sample(Struct, frozen=True):
    step: int
    text: str


class Bits(Struct, frozen=True):
    """Bits per byte of a slice of the held-out text, before the first step and after the last."""

    name: str
    before: float | None
    after: float | None


class Numbers(Struct, frozen=True):
    """epochs: how often each token was seen; chance: nats of a model that holds all tokens equally likely."""

    parameters: int
    steps: int
    tokens: int
    epochs: float
    chance: float
    curve: tuple[tuple[float, float], ...]
    bits: tuple[Bits, ...]
    samples: tuple[Sample, ...]
    journey: str | None
    report: str


def measure(work: Work) -> Numbers:
    pace, shards = work.pace, work.of(CRAWL, "shards")
    shape = write_shape(work.folder / "shape.json", pace.shape)
    recipe = TrainRecipe(model=shape, steps=pace.base_steps, batch_size=pace.batch_size, seed=pace.seed)
    job = plan_training(shards, "main", recipe, **how(work, "model", pace.base_steps, EVALUATIONS))
    run = run_training(work, job, "training", (0.0, 0.95), hooks=(SampleTexts(job, SAMPLE_TOKENS, (PROMPT,)),))
    work.tell("following a page", 0.96)
    url = next((one["url"] for one in read_json(work.of(CRAWL, "numbers.json"))["journeys"]), None)
    if url is not None:
        report = follow(url, shards, run, work.backend)
        write_page(work.file("journey"), journey.render_page(report, versions()))
    evals = list(read_lines(Path(run) / EVALS))
    names = evals[-1]["slices"] if evals else {}
    seen = job.settings.tokens_per_step * pace.base_steps
    return Numbers(
        parameters=parameters(job.settings.model),
        steps=pace.base_steps,
        tokens=seen,
        epochs=pace.base_steps * pace.batch_size / job.plan.rows,
        chance=math.log(job.settings.model.vocab_size),
        curve=thinned([(one["step"], one["loss"]) for one in read_lines(Path(run) / LOG) if one["loss"] is not None]),
        bits=tuple(
            Bits(name, *(one["slices"][name]["bits_per_byte"] for one in (evals[0], evals[-1]))) for name in names
        ),
        samples=tuple(
            Sample(one["step"], one["text"]) for one in read_lines(Path(run) / SAMPLES) if one["prompt"] == PROMPT
        ),
        journey=work.page("journey") if url is not None else None,
        report=f"{NAME}/model/report.html",
    )


def thinned(points: list[tuple[int, float]]) -> tuple[tuple[float, float], ...]:
    """Means over equal runs of points, so many at most."""
    size = -(-len(points) // POINTS) or 1
    groups = [points[begin : begin + size] for begin in range(0, len(points), size)]
    return tuple((float(group[-1][0]), sum(value for _, value in group) / len(group)) for group in groups)


def tell(numbers: Numbers, words: Words) -> list[Part]:
    told = {name: getattr(numbers, name) for name in ("parameters", "steps", "tokens", "epochs", "chance")}
    lines = (
        Line(words(NAME, "loss"), numbers.curve),
        Line(words(NAME, "chance"), ((0.0, numbers.chance), (float(numbers.steps), numbers.chance))),
    )
    bits = tuple((one.name, words.shown(one.before), words.shown(one.after)) for one in numbers.bits)
    heads = tuple(words(NAME, name) for name in ("slice", "before", "after"))
    samples = [Passage(words(NAME, "at_step", step=one.step), PROMPT, one.text) for one in numbers.samples]
    read = [Open(numbers.journey, words(NAME, "journey"), words(NAME, "journey_about"))] if numbers.journey else []
    return [
        Part(
            words(NAME, "loss_title"),
            (
                Text(words(NAME, "learned", **told)),
                Chart(words(NAME, "loss_label"), words(NAME, "unit"), lines),
                Text(words(NAME, "bits")),
                Table(words(NAME, "bits_title"), heads, bits),
                Open(numbers.report, words(NAME, "report"), words(NAME, "report_about")),
                *read,
            ),
        ),
        Part(words(NAME, "samples_title"), (Text(words(NAME, "samples")), *samples)),
    ]


SECTION = Section(NAME, (CRAWL,), 8.0, (*MODEL, "base_steps", "seed"), Numbers, measure, tell, 0.2)
