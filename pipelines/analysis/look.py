"""A trained model made ready for a page that computes by itself; of one too large for that, a pass over a text."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from pipelines.reports.model.look import LIKELIEST, LookReport, ModelPart, Position, Shape, packed, strip
from pipelines.reports.tokens import vocabulary_of
from schemas.faults import BadInput
from trainer.generate.generator import TrainedModel, load_model
from trainer.generate.text import Text
from trainer.micro import Array, Layer, forward, rms_norm, softmax
from trainer.model.config import as_dict, parameters, parts, shapes
from trainer.run.checkpoints import run_of

MOST_PARAMETERS = 6_000_000  # of a model in a page, which is then of 24 MB; nano has 4,908,160 with 32,768 tokens
RECORDED_TOKENS = 48  # of a pass, at most: all heads' weights are as many numbers as its square
RECORDED_LOGITS = 100  # of a position
DIGITS = 5  # of a recorded number


def look_into(run: str, text: str, most_parameters: int = MOST_PARAMETERS) -> LookReport:
    """What the page of a run's newest checkpoint, or of RUN@STEP's, shows.

    most_parameters: of a model whose weights the page carries

    Raises BadInput if the run holds no checkpoint, its weights are not finite, its tokenizer is of a kind that the page
    can't encode by, or the text is no UTF-8.
    """
    model = load_model(run)
    folder = f"{run_of(run)}/tokenizer"
    vocabulary = vocabulary_of(folder)
    tokens = [model.bos, *Text(Path(folder)).encode(text)]
    if not all(np.isfinite(value).all() for value in model.weights.values()):
        raise BadInput(f"the weights of {run} are not finite; train it anew")
    in_page, named = parameters(model.config) <= most_parameters, shapes(model.config)
    read = tokens[: min(model.config.context, RECORDED_TOKENS)]
    return LookReport(
        run=run,
        step=model.step,
        text=text,
        shape=msgspec.convert(as_dict(model.config), Shape),
        parts=tuple(
            ModelPart(part.name, part.count, part.parameters, part.flops)
            for part in parts(model.config, model.config.context)
        ),
        bos=model.bos,
        stops=sorted(model.stops),
        sizes={name: (shape[0], shape[1]) if len(shape) == 2 else (1, shape[0]) for name, shape in named.items()},
        vocabulary=vocabulary,
        weights={name: packed(value) for name, value in model.weights.items()} if in_page else None,
        recorded=None if in_page else recorded(model, read),
        not_read=0 if in_page else len(tokens) - len(read),
    )


def recorded(model: TrainedModel, tokens: list[int]) -> list[Position]:
    """A pass over tokens, position by position."""
    table_VxD = model.weights["model.embed_tokens.weight"]
    _, layers, _ = forward(model.weights, model.config, np.array([tokens]))
    first_TxD = table_VxD[tokens]
    ends = [first_TxD, *(layer.out_BxTxD[0] for layer in layers)]
    logits = [logits_of(model, end_TxD) for end_TxD in ends]
    return [position(at, token, first_TxD, layers, logits) for at, token in enumerate(tokens)]


def logits_of(model: TrainedModel, stream_TxD: Array) -> Array:
    """logits_TxV that the model would give if it ended here."""
    head = "model.embed_tokens.weight" if model.config.tied else "lm_head.weight"
    normed_1xTxD, _ = rms_norm(stream_TxD[None], model.weights["model.norm.weight"], model.config.norm_eps)
    return normed_1xTxD[0] @ model.weights[head].T


def position(at: int, token: int, first_TxD: Array, layers: list[Layer], logits: list[Array]) -> Position:
    """logits: of the stream at first and after each layer, (T, V) each."""
    streams = [first_TxD[at]]
    for layer in layers:
        streams += [layer.between_BxTxD[0, at], layer.out_BxTxD[0, at]]
    return Position(
        token=token,
        embedding=rounded(strip(first_TxD[at])),
        lengths=rounded([float(np.linalg.norm(stream)) for stream in streams]),
        attention=[[rounded(row.tolist()) for row in layer.attention_BxNxTxT[0, :, at, : at + 1]] for layer in layers],
        hidden=[rounded(strip(layer.hidden_BxTxF[0, at])) for layer in layers],
        lens=[highest(softmax(logits_TxV[at].astype(np.float64)), LIKELIEST) for logits_TxV in logits],
        logits=highest(logits[-1][at], RECORDED_LOGITS),
    )


def highest(values_V: Array, count: int) -> list[tuple[int, float]]:
    order = np.argsort(-values_V, kind="stable")[:count]
    return list(zip(order.tolist(), rounded(values_V[order].tolist()), strict=True))


def rounded(values: list[float]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]
