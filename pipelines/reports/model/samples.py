"""Texts that a model wrote, as `bateia sample --run --html` shows them."""

from __future__ import annotations

from msgspec import Struct

from pipelines.reports.render import render

SAMPLE_CHARS = 20_000


class Sample(Struct, frozen=True):
    """A text that the model wrote.

    seed, temperature: it was drawn with.
    tokens: how many.
    ended: by itself, as documents end, and not for its length.
    """

    seed: int
    temperature: float
    text: str
    tokens: int
    ended: bool


class SamplesReport(Struct, frozen=True):
    """Texts that a model wrote.

    run: folder of the model, trained for `step` steps.
    prompt: what each text continues; empty for texts from their beginning.
    """

    run: str
    step: int
    prompt: str
    samples: tuple[Sample, ...]


def render_page(report: SamplesReport, versions: dict[str, str]) -> str:
    return render("samples.html", report=report, versions=versions, SAMPLE_CHARS=SAMPLE_CHARS)
