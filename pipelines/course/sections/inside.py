"""A look inside: the model's parts, what each layer would say, and a page that computes the next token by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import Struct

from pipelines.analysis.look import logits_of, look_into
from pipelines.course.page import Open, Part, Table, Text
from pipelines.course.section import Section, Work
from pipelines.course.sections.pretraining import NAME as PRETRAINING
from pipelines.course.words import Words
from pipelines.reports.model.look import render_page
from pipelines.reports.render import write_page
from trainer.generate.generator import load_model
from trainer.generate.text import Text as Tokenized
from trainer.micro import forward, softmax
from trainer.model.config import parts
from trainer.run.job import versions

NAME = "inside"
PROMPT = "The river carries"
LIKELIEST = 3


class Box(Struct, frozen=True):
    """A kind of part of the model. flops: of a token."""

    name: str
    count: int
    parameters: int
    flops: int


class Layer(Struct, frozen=True):
    """What the model would say after so many layers, if it ended there: tokens with their probabilities."""

    layers: int
    says: tuple[tuple[str, float], ...]


class Numbers(Struct, frozen=True):
    prompt: str
    boxes: tuple[Box, ...]
    lens: tuple[Layer, ...]
    file: str


def measure(work: Work) -> Numbers:
    run = work.of(PRETRAINING, "model")
    write_page(work.file("look"), render_page(look_into(run, PROMPT), versions()))
    model, text = load_model(run), Tokenized(Path(run) / "tokenizer")
    tokens = [model.bos, *text.encode(PROMPT)][-model.config.context :]
    _, layers, _ = forward(model.weights, model.config, np.array([tokens]))
    first = model.weights["model.embed_tokens.weight"][tokens]
    lens = []
    for number, end in enumerate([first, *(layer.out_BxTxD[0] for layer in layers)]):
        shares = softmax(logits_of(model, end)[-1].astype(np.float64))
        best = np.argsort(-shares, kind="stable")[:LIKELIEST].tolist()
        lens.append(Layer(number, tuple((text.name(token), float(shares[token])) for token in best)))
    boxes = (Box(one.name, one.count, one.parameters, one.flops) for one in parts(model.config, model.config.context))
    return Numbers(PROMPT, tuple(boxes), tuple(lens), work.page("look"))


def tell(numbers: Numbers, words: Words) -> list[Part]:
    heads = tuple(words(NAME, name) for name in ("part", "count", "parameters", "flops"))
    rows = tuple((one.name, *map(words.shown, (one.count, one.parameters, one.flops))) for one in numbers.boxes)
    lens = tuple(
        (words(NAME, "after", layers=one.layers), ", ".join(f"{token} {words.share(p)}" for token, p in one.says))
        for one in numbers.lens
    )
    return [
        Part(
            words(NAME, "page_title"),
            (Text(words(NAME, "page")), Open(numbers.file, words(NAME, "open"), words(NAME, "open_about"))),
        ),
        Part(
            words(NAME, "lens_title"),
            (
                Text(words(NAME, "lens", prompt=numbers.prompt)),
                Table(words(NAME, "lens_title"), (words(NAME, "layer"), words(NAME, "says")), lens, in_words=True),
            ),
        ),
        Part(
            words(NAME, "parts_title"),
            (Text(words(NAME, "parts")), Table(words(NAME, "parts_title"), heads, rows)),
        ),
    ]


SECTION = Section(NAME, (PRETRAINING,), 0.2, (), Numbers, measure, tell, 0.01)
