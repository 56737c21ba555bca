"""Binding a recipe: the paths of its assets are put into its steps, and recorded is what each asset is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.assets.registry import MissingAsset, identity, known_assets, resolve
from pipelines.recipes.recipe import Recipe
from transforms.steps.step import BLOCK_LIST, AnyStep, AssetRef, Step, without_paths
from transforms.steps.text.words import require_installed

NO_BLOCKLIST = "none (--no-blocklist)"


@dataclass(frozen=True)
class BoundRecipe:
    """A recipe that can be run on this machine.

    recipe: with paths for the workers
    description: every step and setting of `curate` by name, with no path of this machine
    assets: what each asset is (name, date, sha256), by its role
    """

    recipe: Recipe
    description: dict[str, Any]
    assets: dict[str, Any]


def bind(recipe: Recipe, no_blocklist: bool = False) -> BoundRecipe:
    """Resolve the assets of a recipe's steps. Raises MissingAsset, whose message ends with the command that brings it,
    and BadInput for settings that an asset rules out, such as a language that the model doesn't have, and for a
    language whose word splitter is not installed.

    no_blocklist: leave out the steps on pages that need a block list.
    """
    if no_blocklist:
        pages = tuple(step for step in recipe.curate.pages if not needs_blocklist(step))
        recipe = replace(recipe, curate=replace(recipe.curate, pages=pages))
    assets: dict[str, Any] = {"blocklist": NO_BLOCKLIST if no_blocklist else None}

    def bound(step: AnyStep, /) -> AnyStep:
        paths = {}
        for asset in step.assets():
            path = resolve_or_say_how(asset)
            paths[asset.role] = str(path)
            record(assets, asset.role, identity(asset, path))
        ready = step.bound(paths)
        ready.validate()
        return ready

    if recipe.curate.counts_words:
        require_installed(recipe.curate.languages)
    curate = recipe.curate.changed(bound)
    return BoundRecipe(replace(recipe, curate=curate), describe(recipe), assets)


def resolve_or_say_how(asset: AssetRef) -> Path:
    """Path of an asset. Raises MissingAsset, which says of a block list the three ways on."""
    try:
        return resolve(asset)
    except MissingAsset as fault:
        if asset.kind != BLOCK_LIST or asset.name not in known_assets():
            raise
        ways = "with --from FILE where you have its file, or run without it: --no-blocklist"
        raise MissingAsset(f"{fault}, {ways}") from fault


def needs_blocklist(step: Step) -> bool:
    return any(asset.kind == BLOCK_LIST for asset in step.assets())


def record(assets: dict[str, Any], role: str, what: dict[str, Any]) -> None:
    """Under the role, or the role and a number if another step's asset has it."""
    name, number = role, 1
    while assets.get(name) not in (None, what):
        number += 1
        name = f"{role}_{number}"
    assets[name] = what


def describe(recipe: Recipe) -> dict[str, Any]:
    """What `bateia curate` does, as plain data, steps by class name."""
    return {
        "name": recipe.name,
        "max_stage_drop": recipe.curate.max_stage_drop,
        "steps": [described(step) for step in recipe.curate.steps()],
    }


def described(step: Step) -> dict[str, Any]:
    """A step's class name and settings; assets that were given as paths appear by file name."""
    published = without_paths(step)
    settings = asdict(published) if is_dataclass(published) else {}
    return {"step": type(step).__name__, **settings}
