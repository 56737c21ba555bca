"""Memorized text, as `bateia memorize` measures it: how far a model goes on verbatim in documents."""

from __future__ import annotations

from msgspec import Struct

from pipelines.reports.records import Number
from pipelines.reports.render import render

# Where prompts were taken from.
PROMPTS = {"rows": "trained on, from a row's start", "trained": "trained on, from anywhere", "held_out": "held out"}
PASSAGE_CHARS, URL_CHARS = 4000, 2000
SHOWN_PASSAGES = 20


class Extraction(Struct, frozen=True):
    """How far prompts of one kind were continued verbatim.

    extracted: prompts that count as extracted.
    share: of all prompts, with its standard error share_se.
    mean, median, longest: tokens that came verbatim. All are None where there was no prompt.
    """

    prompts: int
    extracted: int
    share: Number | None
    share_se: Number | None
    mean: Number | None
    median: Number | None
    longest: int | None


class MemorizedPassage(Struct, frozen=True):
    """What came verbatim after a prompt.

    url, warc_file, warc_offset: of the document.
    begin: the passage's first token in the document.
    tokens, bytes: of the passage.
    """

    asked: str
    url: str | None
    warc_file: str | None
    warc_offset: int | None
    begin: int
    tokens: int
    bytes: int
    prompt: str
    text: str


class MemorizationReport(Struct, frozen=True):
    """What `bateia memorize` measures.

    run: folder of the model, trained for `step` steps.
    prefix: tokens of a prompt.
    tokens: of a continuation, at most.
    extractable: tokens that must come verbatim for a prompt to count as extracted.
    asked: by the kinds of PROMPTS.
    longest: the longest passages, the longest first.
    """

    run: str
    step: int
    prefix: int
    tokens: int
    extractable: int
    asked: dict[str, Extraction]
    longest: tuple[MemorizedPassage, ...]


def render_page(report: MemorizationReport, versions: dict[str, str]) -> str:
    return render(
        "memorization.html",
        report=report,
        versions=versions,
        most=max(report.asked.values(), key=lambda extraction: extraction.share or 0),
        longest=max(extraction.longest or 0 for extraction in report.asked.values()),
        PROMPTS=PROMPTS,
        PASSAGE_CHARS=PASSAGE_CHARS,
        URL_CHARS=URL_CHARS,
        SHOWN_PASSAGES=SHOWN_PASSAGES,
    )
