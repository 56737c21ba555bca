"""A recipe names its assets; a run needs their paths. Binding puts the paths in and says what the assets are."""

from __future__ import annotations

from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.assets import blocklist_identity, model_identity, resolve_blocklist, resolve_language_model
from transforms.steps.language import KeepLanguages
from transforms.steps.recipe import DocumentStep, PageStep, Recipe
from transforms.steps.urls import DropBlockedUrls

NO_BLOCKLIST = "none (--no-blocklist)"


@dataclass(frozen=True)
class BoundRecipe:
    """recipe: with paths for the workers. description: every step and setting by name, with no path of this machine.
    assets: what each asset is (name, date, sha256)."""

    recipe: Recipe
    description: dict[str, Any]
    assets: dict[str, Any]


def bind(recipe: Recipe, no_blocklist: bool = False) -> BoundRecipe:
    """Resolve a recipe's assets. Raises MissingAsset, whose message ends with the command that brings it."""
    if no_blocklist:
        recipe = replace(recipe, pages=tuple(step for step in recipe.pages if not isinstance(step, DropBlockedUrls)))
    assets: dict[str, Any] = {"blocklist": NO_BLOCKLIST if no_blocklist else None}
    pages: list[PageStep] = []
    for step in recipe.pages:
        if isinstance(step, DropBlockedUrls):
            path = resolve_blocklist(step.blocklist)
            assets["blocklist"] = blocklist_identity(path)
            step = replace(step, blocklist=str(path))
        pages.append(step)
    documents: list[DocumentStep] = []
    for step in recipe.documents:
        if isinstance(step, KeepLanguages):
            path = resolve_language_model(step.model)
            assets["language_model"] = model_identity(path)
            step = replace(step, model=str(path))
        documents.append(step)
    extract = recipe.extract
    if extract.gate is not None:
        path = resolve_language_model(extract.gate.model)
        assets["gate_model"] = model_identity(path)
        extract = replace(extract, gate=replace(extract.gate, model=str(path)))
    bound = replace(recipe, pages=tuple(pages), extract=extract, documents=tuple(documents))
    return BoundRecipe(bound, describe(recipe), assets)


def describe(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain data, steps by class name. Assets that were given as paths appear by file name."""
    return {
        "name": recipe.name,
        "max_stage_drop": recipe.max_stage_drop,
        "steps": [{"step": type(step).__name__, **plain(step)} for step in recipe.steps()],
    }


def plain(step: Any) -> dict[str, Any]:
    values = asdict(step) if is_dataclass(step) and not isinstance(step, type) else {}
    for name in ("blocklist", "model"):
        if isinstance(values.get(name), str):
            values[name] = Path(values[name]).name
    return values
