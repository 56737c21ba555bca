"""A base model as `bateia base` shows it: a simulator of the pages that it was trained on.

It dreams documents, recites some, invents the rest in their style, continues where one expects an answer, and takes up
what its prompt shows.
"""

from __future__ import annotations

from msgspec import Struct

from pipelines.reports.model.fewshot import FewShotReport
from pipelines.reports.model.memorization import PROMPTS, MemorizationReport
from pipelines.reports.render import render
from schemas.wording import plural

TEXT_CHARS = 4000
URL_CHARS = 2000
SHOWN_PASSAGES = 5  # of those that the measurement of memorization found


class Source(Struct, frozen=True):
    """A page that has some of a text's tokens verbatim.

    tokens: how many, one after the other.
    url, warc_file, warc_offset: of the page.
    """

    tokens: int
    url: str | None
    warc_file: str | None
    warc_offset: int | None


class Piece(Struct, frozen=True):
    """A part of a text. source: where it stands verbatim; None for what is not known to stand anywhere."""

    text: str
    source: Source | None


class Written(Struct, frozen=True):
    """A text that the model wrote.

    prompt: what it continues; empty for one from its beginning.
    seed, temperature: it was drawn with.
    tokens: how many.
    ended: by itself, as documents end, and not for its length.
    """

    prompt: str
    seed: int
    temperature: float
    pieces: tuple[Piece, ...]
    tokens: int
    ended: bool

    @property
    def sources(self) -> list[Source]:
        return [piece.source for piece in self.pieces if piece.source is not None]


class Continuation(Struct, frozen=True):
    """How a held-out page goes on, and how the model does.

    prompt: the page's own words.
    page: what the page says next.
    written: what the model says; drawn greedily.
    same: tokens from the beginning in which both agree.
    """

    url: str | None
    prompt: str
    page: str
    written: Written
    same: int


class BaseReport(Struct, frozen=True):
    """What `bateia base` shows.

    run: folder of the model, trained for `step` steps.
    least: tokens of a passage that counts as recited.
    dreams: documents from their beginning.
    dreamt_share: of the dreams' tokens, how many are recited; held_out_share: of tokens of held-out pages, the same,
    which is how much any text of this kind shares with the training text. None where there is no such text.
    temperatures: one prompt, continued at each.
    asked: what follows a question.
    continued: held-out pages.
    memorization: how far prompts of training text are continued verbatim; None where no document is long enough.
    few_shot: how well a task is done after examples; None where the text has too little for any.
    """

    run: str
    step: int
    least: int
    dreams: tuple[Written, ...]
    dreamt_share: float | None
    held_out_share: float | None
    temperatures: tuple[Written, ...]
    asked: Written
    continued: tuple[Continuation, ...]
    memorization: MemorizationReport | None
    few_shot: FewShotReport | None


def render_page(report: BaseReport, versions: dict[str, str]) -> str:
    """A base model's page as HTML. versions: of Bateia and its libraries, for the foot."""
    tasks = report.few_shot.tasks if report.few_shot else {}
    return render(
        "base.html",
        report=report,
        versions=versions,
        accuracy=[
            (name, [(point.shots, 100 * point.accuracy) for point in task.points]) for name, task in tasks.items()
        ],
        shots_name=lambda shots: plural(round(shots), "shot"),
        PROMPTS=PROMPTS,
        TEXT_CHARS=TEXT_CHARS,
        URL_CHARS=URL_CHARS,
        SHOWN_PASSAGES=SHOWN_PASSAGES,
    )
