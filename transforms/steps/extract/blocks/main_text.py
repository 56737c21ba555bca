"""From a page's HTML to its main text: the steps of this room in their order."""

from __future__ import annotations

import numpy as np

from transforms.steps.extract.blocks.alike import Alike
from transforms.steps.extract.blocks.context import context
from transforms.steps.extract.blocks.features import features
from transforms.steps.extract.blocks.layout import Layout
from transforms.steps.extract.blocks.model import Model, choose, load_model
from transforms.steps.extract.blocks.render import Format, render
from transforms.steps.extract.blocks.shape import Shape
from transforms.steps.extract.blocks.source import read_source

try:
    from transforms.steps.extract.blocks.layout_c import lay_out
except ImportError:  # not built: there was no compiler
    from transforms.steps.extract.blocks.layout import lay_out

# A page with less text than this that scripts write has its text in <noscript>, if that holds ten times as much. Forums
# of one kind are such pages: 22 of the 113 forum pages of WCXB's development split hold nothing else.
SCRIPTED = 400  # characters


def main_text(html: str, form: Format = "text") -> str:
    """The main text of a page, empty if it has none.

    html: the decoded page. Time is linear in its length; no page is refused, whatever it holds.
    """
    page = page_of(html)
    return render(page, verdicts(page, load_model()), form) if page.texts else ""


def page_of(html: str) -> Layout:
    page = lay_out(read_source(html))
    size = sum(map(len, page.texts))
    if size < SCRIPTED and "<noscript" in html:
        without_scripts = lay_out(read_source(html, noscript=True))
        if sum(map(len, without_scripts.texts)) >= max(10 * size, SCRIPTED):
            return without_scripts
    return page


def verdicts(page: Layout, model: Model) -> np.ndarray:
    """Which blocks are text: a bool for each block of a page that has some."""
    shape = Shape.of(page)
    alike = Alike.of(shape)
    columns = features(page, shape, alike)
    model.words.add(columns, page, shape)
    model.names.add(columns, shape)
    first = model.first.chance(columns.chosen(model.first.columns))
    context(columns, shape, alike, first)
    second = model.second.chance(columns.chosen(model.second.columns))
    return with_code(page, choose(second, shape.words()))


def with_code(page: Layout, kept: np.ndarray) -> np.ndarray:
    """With the code that follows a kept text: what explains it is text, so it is."""
    kept, before = kept.copy(), False
    for block, node in enumerate(page.nodes):
        if page.infos[node].name == "pre":
            kept[block] = before = kept[block] or before
        else:
            before = bool(kept[block])
    return kept
