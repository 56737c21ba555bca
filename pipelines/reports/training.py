"""The report of a training: curves, bits per byte by slice, texts of the model as it learned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from pipelines.reports.formats import NOTHING, number
from pipelines.reports.records import Number
from pipelines.reports.render import render

SAMPLE_CHARS = 1200
SHOWN_SAMPLES = 12
SHOWN_FAULTS, SHOWN_DOCUMENTS = 10, 3
SHOWN_SLICES = 5  # with a curve of their own
WHOLE = "all"  # the slice that is all held-out text
HASH_CHARS = 16
CURVES = ("loss", "lr", "grad_norm", "tokens_per_s", "mfu", "waited_share")


class Totals(Struct, frozen=True):
    """Of all steps.

    tokens_per_s, mfu: medians; mfu is the share of the device's peak, None where nobody knows the peak.
    waited_share: of the time, what went by waiting for data.
    loss: of the last step that has a finite one, in nats per token.
    """

    steps: int
    tokens: int
    seconds: Number
    tokens_per_s: Number | None
    mfu: Number | None
    waited_share: Number | None
    loss: Number | None


class Point(Struct, frozen=True):
    """Means over some steps, up to `step`. What was not measured, or not finite, is None."""

    step: int
    loss: Number | None
    lr: Number | None
    grad_norm: Number | None
    tokens_per_s: Number | None
    mfu: Number | None
    waited_share: Number | None


class SliceLoss(Struct, frozen=True):
    """How well the model predicts a slice of held-out text.

    loss: nats per token.
    tokens: that were predicted.
    """

    bits_per_byte: Number | None
    loss: Number | None
    tokens: int


class PositionLoss(Struct, frozen=True):
    """The mean loss at the positions of the context from `start` to before `end`, in nats per token."""

    start: int = field(name="from")
    end: int = field(name="to")
    loss: Number | None
    tokens: int


class Evaluation(Struct, frozen=True):
    """Held-out text after so many steps."""

    step: int
    slices: dict[str, SliceLoss]
    by_position: tuple[PositionLoss, ...]


class TextSample(Struct, frozen=True):
    """What the model wrote after so many steps."""

    step: int
    prompt: str
    text: str


class FaultDocument(Struct, frozen=True):
    """A document of a row: its id in the corpus and its address."""

    doc_id: str | None
    url: str | None


class FaultRow(Struct, frozen=True):
    """A row of a batch, by its documents."""

    documents: tuple[FaultDocument, ...]


class Fault(Struct, frozen=True):
    """A step that went wrong.

    fault: what was wrong.
    loss: nats per token; None if it was not finite.
    rows: the worst of the batch.
    """

    step: int
    fault: str
    loss: Number | None
    rows: tuple[FaultRow, ...]

    @property
    def line(self) -> str:
        documents = [document for row in self.rows for document in row.documents][:SHOWN_DOCUMENTS]
        addresses = ", ".join(document.url or document.doc_id or NOTHING for document in documents)
        loss = "none" if self.loss is None else number(self.loss)
        return f"Step {self.step:,}: {self.fault}, loss {loss}; {addresses}"


class TrainingReport(Struct, frozen=True):
    """report.json of a training, as `trainer.run.finish.make_report` makes it, or as much of it as the page shows.

    settings: all that the numbers depend on, the model's and the schedule's in objects of their own.
    data: the shards' and the plan's hashes.
    flops_per_token: floating-point operations, forward and backward.
    curve: over the steps, thinned.
    """

    title: str
    settings: dict[str, Any]
    data: dict[str, str]
    parameters: int
    flops_per_token: Number
    backend: str
    device: str
    devices: int
    totals: Totals
    curve: tuple[Point, ...]
    evals: tuple[Evaluation, ...]
    samples: tuple[TextSample, ...]
    faults: tuple[Fault, ...]
    code_hash: str
    versions: dict[str, str]


def render_page(report: TrainingReport) -> str:
    """report.html."""
    last = report.evals[-1] if report.evals else None
    slices = {name: item for name, item in last.slices.items() if item.bits_per_byte is not None} if last else {}
    return render(
        "training.html",
        report=report,
        model=report.settings["model"],
        curves={name: curve_of(report, name) for name in CURVES},
        whole=last.slices.get(WHOLE) if last else None,
        slices=slices,
        slice_curves=[(name, slice_curve_of(report, name)) for name in list(slices)[:SHOWN_SLICES]],
        positions=[item for item in last.by_position if item.loss is not None] if last else [],
        samples=shown_samples(report.samples),
        faults=[fault.line for fault in report.faults[:SHOWN_FAULTS]],
        more_faults=max(len(report.faults) - SHOWN_FAULTS, 0),
        settings=list(settings_of(report)),
        SAMPLE_CHARS=SAMPLE_CHARS,
    )


def curve_of(report: TrainingReport, name: str) -> list[tuple[float, float]]:
    values = [(point.step, getattr(point, name)) for point in report.curve]
    return [(step, value) for step, value in values if value is not None]


def slice_curve_of(report: TrainingReport, name: str) -> list[tuple[float, float]]:
    """Bits per byte of a slice over the steps."""
    values = [(one.step, one.slices[name].bits_per_byte) for one in report.evals if name in one.slices]
    return [(step, value) for step, value in values if value is not None]


def shown_samples(samples: tuple[TextSample, ...]) -> list[TextSample]:
    """Texts as the model learned, the last ones first; all prompts of a step, but not every step."""
    steps = sorted({sample.step for sample in samples}, reverse=True)
    most = max(SHOWN_SAMPLES * len(steps) // max(len(samples), 1), 1)
    chosen = steps[:: -(-len(steps) // most)] if steps else []
    return [sample for step in chosen for sample in samples if sample.step == step]


def settings_of(report: TrainingReport) -> Iterator[tuple[str, Any]]:
    """(name, value) of all that the numbers depend on."""
    given = dict(report.settings)
    model, schedule = given.pop("model"), given.pop("schedule")
    for name, value in (*model.items(), *schedule.items(), *given.items()):
        yield name, str(value) if isinstance(value, bool) else value
    yield "backend", report.backend
    yield "FLOPs per token", report.flops_per_token
    for name, value in (*report.data.items(), ("code_hash", report.code_hash)):
        yield name, value[:HASH_CHARS]
