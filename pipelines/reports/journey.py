"""The journey of one page, as `bateia journey` tells it: from its record to the loss of each of its tokens."""

from __future__ import annotations

from itertools import accumulate

from msgspec import Struct

from pipelines.reports.model.surprisal import DRAWN_TOKENS, NAME_CHARS, SurprisalReport, band_names
from pipelines.reports.render import render
from pipelines.reports.verdicts import LIMITS

HTML_CHARS, TEXT_CHARS, URL_CHARS = 3000, 6000, 2000
SHOWN_LINES, LINE_CHARS = 40, 200  # of what a step takes out
SHOWN_TOKENS = 600  # of a document that no model has read


class Dial(Struct, frozen=True):
    """What a rule measured. keep: the comparison with the threshold that must hold."""

    rule: str
    value: float
    keep: str
    threshold: float
    passed: bool


class Stop(Struct, frozen=True):
    """A step on the page's way.

    dropped: why it goes no further there; None where it passes.
    about: what the step made of it.
    removed: lines that the step takes out of the text.
    """

    stage: str
    dropped: str | None
    about: str
    dials: tuple[Dial, ...]
    removed: tuple[str, ...]


class Record(Struct, frozen=True):
    """The page's response, and what the ledger says became of it.

    fate: kept, dropped or unreadable; why: by which rule, None if kept.
    """

    url: str
    warc_file: str
    warc_offset: int
    bytes: int
    status: int | None
    content_type: str | None
    fate: str
    why: str | None


class Neighbour(Struct, frozen=True):
    """The document that is most like the page.

    similarity: Jaccard's, of their runs of `shingle` words: 1 for the same set.
    is_survivor: whether the page was removed as its copy.
    """

    url: str | None
    similarity: float
    is_survivor: bool
    text: str


class Copies(Struct, frozen=True):
    """What deduplication made of the page.

    fate: in words.
    compared: documents of its language that it was compared with; compared_all: whether these are all.
    nearest: None where no other shares a run of words.
    """

    fate: str
    shingle: int
    compared: int
    compared_all: bool
    nearest: Neighbour | None


class Tokens(Struct, frozen=True):
    """The page's document in the shards.

    split: train, or val for held-out text.
    shard, start, length: where its tokens lie.
    names: of the first of them.
    """

    split: str
    shard: int
    start: int
    length: int
    names: list[str]


class PlanRows(Struct, frozen=True):
    """Rows of a plan that hold tokens of the page.

    rows: in short, such as "3, 7-9"; steps: of the training that see them, in its first pass; None without a run.
    passes: how often the whole training saw them.
    """

    plan: str
    rows: str
    count: int
    steps: str | None
    passes: float | None


class JourneyReport(Struct, frozen=True):
    """A page's way. What it did not reach, or what is no longer there, is None.

    notes: what could not be followed, and why.
    stops: through the recipe, as it is today.
    html: the record's body as text, its beginning; html_chars: all of it.
    text: in the corpus.
    """

    url: str
    notes: tuple[str, ...]
    record: Record | None
    recipe: str | None
    html: str | None
    html_chars: int
    stops: tuple[Stop, ...]
    extracted: str | None
    text: str | None
    copies: Copies | None
    tokens: Tokens | None
    plans: tuple[PlanRows, ...]
    surprisal: SurprisalReport | None

    @property
    def reached(self) -> str:
        """How far it came, in words."""
        if self.plans:
            return "training rows"
        if self.tokens:
            return "held-out text" if self.tokens.split == "val" else "token shards"
        if self.text:
            return "the corpus"
        return "the documents" if self.record and self.record.fate == "kept" else "the ledger"


def render_page(report: JourneyReport, versions: dict[str, str]) -> str:
    """One page's journey as HTML. versions: of Bateia and its libraries, for the foot."""
    surprisal = report.surprisal
    parts = surprisal.parts if surprisal else ()
    ends = accumulate(len(part.tokens) for part in parts)
    return render(
        "journey.html",
        report=report,
        versions=versions,
        surprisal=surprisal,
        drawn=[part for part, end in zip(parts, ends, strict=True) if end <= DRAWN_TOKENS],
        bands=band_names(),
        LIMITS=LIMITS,
        HTML_CHARS=HTML_CHARS,
        TEXT_CHARS=TEXT_CHARS,
        URL_CHARS=URL_CHARS,
        LINE_CHARS=LINE_CHARS,
        NAME_CHARS=NAME_CHARS,
        SHOWN_TOKENS=SHOWN_TOKENS,
    )
