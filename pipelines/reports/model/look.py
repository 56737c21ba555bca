"""A model from the inside, as `bateia look` shows it: what one forward pass computes at every position.

A small model is in the page with its weights, as whole numbers of 24 bits with a scale for each row: three quarters of
what float32 takes. (Of a model that knows its text by heart 16 bits moved logits by .003, these by .00004.)
web/llama.js computes what is typed and goes on from it. Of a larger model the page has one recorded pass, in the form
that the script gives its own.
"""

from __future__ import annotations

import math
from base64 import b64encode

import numpy as np
from msgspec import Struct

from pipelines.reports.render import encode, render, script_hash
from pipelines.reports.tokens import Vocabulary

SCRIPTS = ("bpe.js", "shown.js", "llama.js", "look.js")  # as the page includes them
STRIP = 384  # cells of a strip, at most; as in llama.js
LIKELIEST = 5  # tokens of a row of the logit lens; as in llama.js
STEPS = 2**23 - 1  # of a weight's size, up to the largest of its row


class Shape(Struct, frozen=True):
    """The model's shape, as `trainer.model.config.ModelConfig` has it."""

    vocab_size: int
    context: int
    dim: int
    layers: int
    heads: int
    kv_heads: int
    hidden: int
    tied: bool
    rope_theta: float
    norm_eps: float


class ModelPart(Struct, frozen=True):
    """A part of the model that a token goes through.

    name: embedding, attention, mlp or head.
    count: how many of it there are.
    parameters, flops: of one, the latter for one token at the end of a full context.
    """

    name: str
    count: int
    parameters: int
    flops: int


class Position(Struct, frozen=True):
    """What a pass computed at a position.

    token: that stands there.
    embedding: its vector, as `strip` shortens it.
    lengths: of the residual stream: at first, then after attention and after the MLP of each layer.
    attention: of each layer and head, the weights of this position and all before it.
    hidden: of each layer, the MLP's activations, as `strip` shortens them.
    lens: (token, probability) of the likeliest if the model ended at first, or after each layer.
    logits: (token, logit) of the likeliest, the highest first.
    """

    token: int
    embedding: list[float]
    lengths: list[float]
    attention: list[list[list[float]]]
    hidden: list[list[float]]
    lens: list[list[tuple[int, float]]]
    logits: list[tuple[int, float]]


class LookReport(Struct, frozen=True):
    """A model, and the text that its page begins with.

    run: folder of the model, trained for `step` steps.
    bos: the token that every text begins with.
    stops: tokens that end one.
    weights: each packed by `packed`; None where only `recorded` is shown.
    recorded: one pass over the text, or over as much of it as `not_read` leaves.
    not_read: tokens of the text that the pass left out.
    """

    run: str
    step: int
    text: str
    shape: Shape
    parts: tuple[ModelPart, ...]
    bos: int
    stops: list[int]
    sizes: dict[str, tuple[int, int]]
    vocabulary: Vocabulary
    weights: dict[str, str] | None
    recorded: list[Position] | None = None
    not_read: int = 0


def packed(weight: np.ndarray) -> str:
    """Base64 of a float32 for each row, then of 24 bits for each weight: its multiple of that. Little-endian."""
    matrix = np.atleast_2d(weight).astype(np.float64)
    scales = (np.abs(matrix).max(axis=1, initial=0) / STEPS).astype(np.float32)
    whole = np.round(matrix / np.where(scales > 0, scales, 1).astype(np.float64)[:, None])
    bytes_Wx4 = np.clip(whole, -STEPS, STEPS).astype("<i4").reshape(-1, 1).view(np.uint8)
    return b64encode(scales.astype("<f4").tobytes() + bytes_Wx4[:, :3].tobytes()).decode()


def strip(values: np.ndarray) -> list[float]:
    """At most STRIP numbers: of neighbours that share a cell, the one that is furthest from 0."""
    together = math.ceil(len(values) / STRIP)
    cells = (values[start : start + together] for start in range(0, len(values), together))
    return [float(cell[np.abs(cell).argmax()]) for cell in cells]


def render_page(report: LookReport, versions: dict[str, str]) -> str:
    """A look inside as one HTML page, with the weights and the scripts that compute with them."""
    parts = {part.name: part for part in report.parts}
    shown = ("text", "shape", "bos", "stops", "sizes", "vocabulary", "weights", "recorded")
    whole = encode(report)
    return render(
        "look.html",
        report=report,
        versions=versions,
        part_of=parts,
        parameters=sum(part.count * part.parameters for part in report.parts),
        flops=sum(part.count * part.flops for part in report.parts),
        data={name: whole[name] for name in shown},
        scripts=SCRIPTS,
        script_sha256=script_hash(SCRIPTS),
    )
