"""Which blocks of a page are text: by arrays, or by compiled loops that come to the same in a sixth of the time."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from transforms.steps.extract.blocks.alike import Alike
from transforms.steps.extract.blocks.context import context
from transforms.steps.extract.blocks.features import Columns, features
from transforms.steps.extract.blocks.layout import Layout, lay_out
from transforms.steps.extract.blocks.model import Model, Trees, chances, choose
from transforms.steps.extract.blocks.shape import Shape
from transforms.steps.extract.blocks.source import read_source

try:
    from transforms.steps.extract.blocks.judge_c import Judge
except ImportError:  # not built: there was no compiler
    Judge = None


def verdicts(page: Layout, model: Model) -> np.ndarray:
    """Which blocks are text: a bool for each block of a page that has some."""
    return by_arrays(page, model) if Judge is None else compiled(model).verdicts(page)


def by_arrays(page: Layout, model: Model) -> np.ndarray:
    shape = Shape.of(page)
    alike = Alike.of(shape)
    columns = first_columns(page, model, shape, alike)
    first = model.first.chance(columns.chosen(model.first.columns))
    context(columns, shape, alike, first)
    second = model.second.chance(columns.chosen(model.second.columns))
    return with_code(page, choose(second, shape.words()))


def first_columns(page: Layout, model: Model, shape: Shape, alike: Alike) -> Columns:
    """What the first trees see."""
    columns = features(page, shape, alike)
    model.words.add(columns, page, shape)
    model.names.add(columns, shape)
    return columns


def with_code(page: Layout, kept: np.ndarray) -> np.ndarray:
    """With the code that follows a kept text: what explains it is text, so it is."""
    kept, before = kept.copy(), False
    for block, node in enumerate(page.nodes):
        if page.infos[node].name == "pre":
            kept[block] = before = kept[block] or before
        else:
            before = bool(kept[block])
    return kept


@cache
def compiled(model: Model) -> Any:  # a Judge, where one was built
    """The same by compiled loops. All pages have the columns that this one has."""
    assert Judge is not None
    page = lay_out(read_source("text"))
    shape = Shape.of(page)
    alike = Alike.of(shape)
    columns = first_columns(page, model, shape, alike)
    firsts = len(columns.names)
    context(columns, shape, alike, np.zeros(1, np.int64))
    first, second = (arguments(trees, columns.names) for trees in (model.first, model.second))
    return Judge(model.words, model.names, len(columns.names), firsts, first, second)


def arguments(trees: Trees, names: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, np.ndarray]:
    """Trees as the compiled loop takes them, which has all columns, of these names."""
    asked = np.array([names.index(name) for name in trees.columns], np.int32)[trees.asked.T.copy()]
    return asked, trees.thresholds.T.copy(), trees.leaves, trees.bias, chances().astype(np.int32)
