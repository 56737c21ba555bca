"""Bateia from Python: datasets as Arrow, batches as numpy arrays, a page through a recipe; and the command's start."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = str(Path(__file__).parents[1])

# Our packages have plain names. They are imported here, from here: a `schemas.py` beside a user's script is another's.
sys.path.insert(0, ROOT)
for _name in ("schemas", "transforms", "pipelines", "trainer", "deploy"):
    _file = str(importlib.import_module(_name).__file__)
    if not _file.startswith(ROOT):
        raise ImportError(f"{_file} was imported as '{_name}', which is a package of Bateia's; import bateia first")
sys.path.remove(ROOT)

if TYPE_CHECKING:
    import pyarrow.dataset as ds

    from pipelines.recipes.recipe import Recipe
    from schemas.document import Document
    from schemas.verdict import Drop
    from trainer.data.batches import Batch

__all__ = ["Recipe", "batches", "documents", "ledger", "torch_dataset", "try_page"]


def documents(folder: str) -> ds.Dataset:
    """Documents of a finished output of `bateia curate` or `bateia dedup`. Raises BadInput."""
    return importlib.import_module("schemas.manifest").open_dataset(folder, "data/")


def ledger(folder: str) -> ds.Dataset:
    """The fate of every page that a finished `bateia curate` read. Raises BadInput."""
    return importlib.import_module("schemas.manifest").open_dataset(folder, "ledger/")


def batches(shards: str, plan: str = "main", batch_size: int = 16, first_step: int = 0) -> Iterator[Batch]:
    """Batches of one pass over a plan, from a step on: int32 arrays of shape (batch_size, context). Raises BadInput.

    The same as `bateia train` sees. Rows at the end that fill no batch are left out.
    """
    from trainer.data.batches import read_batches

    return read_batches(shards, plan, batch_size, first_step)


def torch_dataset(shards: str, plan: str = "main", batch_size: int = 16) -> Any:
    """The same as a torch.utils.data.IterableDataset of dicts of tensors: x, y, mask, segment_ids, positions."""
    from trainer.data.torch_dataset import PlanDataset

    return PlanDataset(shards, plan, batch_size)


def try_page(html: str | bytes, recipe: str | Recipe = "fineweb", url: str = "http://localhost/") -> Document | Drop:
    """One page's fate: the document it becomes, or the stage and reason by which it goes no further. Raises BadInput.

    recipe: its name, `path/to/file.py:NAME`, or itself; taken without its URL block list.
    """
    from pipelines.analysis.trial import curate_html

    return curate_html(html, recipe, url)


def __getattr__(name: str) -> Any:
    if name == "Recipe":
        return importlib.import_module("pipelines.recipes.recipe").Recipe
    raise AttributeError(f"module 'bateia' has no attribute '{name}'")


def main() -> int:
    """The command `bateia`."""
    return importlib.import_module("pipelines.__main__").main()
