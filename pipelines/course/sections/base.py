"""The base model: a simulator of the pages that it was trained on, which continues and does not answer."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from pipelines.analysis.base import BaseSettings, show_base
from pipelines.course.page import Open, Part, Passage, Table, Text
from pipelines.course.section import Section, Work
from pipelines.course.sections.crawl import NAME as CRAWL
from pipelines.course.sections.pretraining import NAME as PRETRAINING
from pipelines.course.words import Words
from pipelines.reports.model.base import Written, render_page
from pipelines.reports.render import write_page
from trainer.run.job import versions

NAME = "base"
STAGES_OF_PAGE = 12  # lines of progress that making it tells, about


class Said(Struct, frozen=True):
    """A text of the model. recited: its tokens that stand in training pages."""

    prompt: str
    text: str
    temperature: float
    tokens: int
    recited: int


class Shots(Struct, frozen=True):
    """Accuracy at a task by examples in the prompt."""

    task: str
    shots: tuple[int, ...]
    accuracy: tuple[float, ...]


class Numbers(Struct, frozen=True):
    dreamt_share: float | None
    held_out_share: float | None
    dream: Said
    temperatures: tuple[Said, ...]
    asked: Said
    few_shot: tuple[Shots, ...]
    chance: float | None
    file: str


def measure(work: Work) -> Numbers:
    pace, told = work.pace, 0

    def progress(what: str) -> None:
        nonlocal told
        told += 1
        work.tell(what, min(told / STAGES_OF_PAGE, 0.95))

    settings = BaseSettings(dreams=pace.dreams, tokens=pace.tokens, items=pace.items, seed=pace.seed)
    run, shards = work.of(PRETRAINING, "model"), work.of(CRAWL, "shards")
    report = show_base(run, shards, settings, work.backend, progress)
    write_page(work.file("simulator"), render_page(report, versions()))
    few = report.few_shot
    return Numbers(
        dreamt_share=report.dreamt_share,
        held_out_share=report.held_out_share,
        dream=said(report.dreams[0]),
        temperatures=tuple(map(said, report.temperatures)),
        asked=said(report.asked),
        few_shot=tuple(
            Shots(
                name,
                tuple(point.shots for point in task.points),
                tuple(float(point.accuracy) for point in task.points),
            )
            for name, task in (few.tasks.items() if few else ())
        ),
        chance=float(few.chance) if few else None,
        file=work.page("simulator"),
    )


def said(written: Written) -> Said:
    text = "".join(piece.text for piece in written.pieces)
    recited = sum(source.tokens for source in written.sources)
    return Said(written.prompt, text, float(written.temperature), written.tokens, recited)


def tell(numbers: Numbers, words: Words) -> list[Part]:
    shares = {name: words.share(getattr(numbers, name)) for name in ("dreamt_share", "held_out_share")}
    shots = max((one.shots for one in numbers.few_shot), key=len, default=())  # a longer task has room for fewer
    heads = (words(NAME, "task"), *(words(NAME, "shots", shots=count) for count in shots))
    rows = tuple((one.task, *accuracies(one, shots, words)) for one in numbers.few_shot)
    in_context = (Text(words(NAME, "shown", chance=words.share(numbers.chance))),)
    return [
        Part(
            words(NAME, "dream_title"),
            (
                Text(words(NAME, "dreams", **shares)),
                passage(numbers.dream, words),
                Open(numbers.file, words(NAME, "page"), words(NAME, "page_about")),
            ),
        ),
        Part(words(NAME, "question_title"), (Text(words(NAME, "question")), passage(numbers.asked, words))),
        Part(
            words(NAME, "temperature_title"),
            (Text(words(NAME, "temperature")), *(passage(one, words) for one in numbers.temperatures)),
        ),
        Part(
            words(NAME, "context_title"),
            (*in_context, Table(words(NAME, "context_title"), heads, rows))
            if rows
            else (Text(words(NAME, "no_task")),),
        ),
    ]


def accuracies(task: Shots, shots: Sequence[int], words: Words) -> list[str]:
    """For each of these numbers of shots, also where the context had no room for so many."""
    known = dict(zip(task.shots, task.accuracy, strict=True))
    return [words.share(known.get(count)) for count in shots]


def passage(one: Said, words: Words) -> Passage:
    values = {"temperature": words.brief(one.temperature), "tokens": one.tokens, "recited": one.recited}
    return Passage(words(NAME, "about", **values), one.prompt, one.text)


SETTINGS = ("dreams", "tokens", "items", "seed")
SECTION = Section(NAME, (CRAWL, PRETRAINING), 1.5, SETTINGS, Numbers, measure, tell, 0.3)
