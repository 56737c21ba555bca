"""The page of `bateia arena`: ratings with their intervals, the shares of right answers that they hide, and which
questions stand in the training text."""

from __future__ import annotations

from msgspec import Struct

from pipelines.reports.records import Number
from pipelines.reports.render import render

MARGIN = 0.08  # of a scale, on either side
URL_CHARS = 2000
SHOWN_SEEN = 20  # questions of a task


class Rated(Struct, frozen=True):
    """A model.

    low, high: of the interval of 95 %.
    accuracy: share of right answers; None where people voted.
    battles: in which it took part.
    """

    model: str
    rating: Number
    low: Number
    high: Number
    accuracy: Number | None
    battles: int


class Share(Struct, frozen=True):
    """A model's share of right answers to a task."""

    model: str
    right: Number


class Task(Struct, frozen=True):
    """What was asked.

    right: of each model, in one order for all tasks.
    looked: whether the questions were looked for in the training text.
    seen: questions that stand there, each with a page's URL.
    """

    task: str
    questions: int
    right: tuple[Share, ...]
    looked: bool
    seen: dict[str, str]


class ArenaReport(Struct, frozen=True):
    """A table of models, the best first.

    baseline: the model whose rating is 1000; None for the mean of all.
    voted: whether people said who wins.
    tasks: none where people voted.
    """

    baseline: str | None
    voted: bool
    ratings: tuple[Rated, ...]
    tasks: tuple[Task, ...]


def render_page(report: ArenaReport, versions: dict[str, str]) -> str:
    low, high = min(one.low for one in report.ratings), max(one.high for one in report.ratings)
    margin = MARGIN * max(high - low, 1)
    return render(
        "arena.html",
        report=report,
        versions=versions,
        start=low - margin,
        end=high + margin,
        URL_CHARS=URL_CHARS,
        SHOWN_SEEN=SHOWN_SEEN,
    )
