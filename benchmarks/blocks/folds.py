"""Extraction by `blocks` with models that have seen no page of a page's host."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from benchmarks.blocks.hosts import FOLDS, domain_of, fold_of
from schemas.document import Page
from transforms.steps.extract.blocks.judge import verdicts
from transforms.steps.extract.blocks.main_text import page_of
from transforms.steps.extract.blocks.model import Model
from transforms.steps.extract.blocks.render import Format, render


def by_folds(folder: Path, form: Format = "text") -> Callable[[Page], str]:
    """A function from a page to its text, as benchmarks.blocks.train's --folds wrote the models."""
    models = [Model.of(json.loads((folder / f"{fold}.json").read_text("utf-8"))) for fold in range(FOLDS)]

    def main_text(page: Page) -> str:
        layout = page_of(page.html)
        if not layout.texts:
            return ""
        return render(layout, verdicts(layout, models[fold_of(domain_of(page.url))]), form)

    return main_text
