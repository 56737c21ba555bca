"""From a page's HTML to its main text: the steps of this room in their order."""

from __future__ import annotations

import numpy as np

from transforms.steps.extract.blocks.context import context
from transforms.steps.extract.blocks.features import features
from transforms.steps.extract.blocks.layout import Layout, lay_out
from transforms.steps.extract.blocks.model import Model, choose, load_model
from transforms.steps.extract.blocks.render import Format, render
from transforms.steps.extract.blocks.shape import Shape
from transforms.steps.extract.blocks.source import read_source


def main_text(html: str, form: Format = "text") -> str:
    """The main text of a page, empty if it has none.

    html: the decoded page. Time is linear in its length; no page is refused, whatever it holds.
    """
    page = lay_out(read_source(html))
    return render(page, verdicts(page, load_model()), form) if page.texts else ""


def verdicts(page: Layout, model: Model) -> np.ndarray:
    """Which blocks are text: a bool for each block of a page that has some."""
    shape = Shape.of(page)
    columns = features(page, shape)
    first = model.first.chance(columns.chosen(model.first.columns))
    context(columns, shape, first)
    second = model.second.chance(columns.chosen(model.second.columns))
    return choose(second, shape.words())
