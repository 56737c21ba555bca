"""Binding a recipe: the paths of its assets are put into its steps, and recorded is what each asset is.

Workers may be other machines, with their assets elsewhere. So what travels to them names an asset, and they look for
it themselves and hold its sum against the driver's.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.assets.registry import MissingAsset, identity, known_assets, resolve, store
from pipelines.recipes.recipe import Recipe
from transforms.steps.recipe import CurateRecipe
from transforms.steps.step import BLOCK_LIST, AnyStep, AssetRef, Step, without_paths
from transforms.steps.text.words import require_installed

NO_BLOCKLIST = "none (--no-blocklist)"


@dataclass(frozen=True)
class BoundRecipe:
    """A recipe that can be run on this machine.

    recipe: with paths of this machine
    travelling: what is done to pages, for workers: with names of assets, and paths of those that have none
    find: puts a worker's paths into it
    description: every step and setting of `curate` by name, with no path of this machine
    assets: what each asset is (name, date, sha256), by its role
    """

    recipe: Recipe
    travelling: CurateRecipe
    find: FindAssets
    description: dict[str, Any]
    assets: dict[str, Any]


@dataclass(frozen=True)
class FindAssets:
    """Puts the paths that assets have on this machine into a recipe's steps.

    sums: sha256 of each, by kind and name, as the driver has it.
    """

    sums: dict[tuple[str, str], str]

    def __call__(self, recipe: CurateRecipe) -> CurateRecipe:
        """Raises MissingAsset for one that is not here, or has other bytes than the driver's."""
        return recipe.changed(self._bound)

    def _bound(self, step: AnyStep, /) -> AnyStep:
        paths = {}
        for asset in step.assets():
            path = resolve(asset)
            if (there := identity(asset, path)["sha256"]) != (asked := self.sums[asset.kind, asset.name]):
                raise MissingAsset(
                    f"{asset.kind} {asset.name} of this worker ({path}) is not the driver's: its sha256 begins with "
                    f"{there[:12]}, the driver's with {asked[:12]}; bring the same one to all machines"
                )
            paths[asset.role] = str(path)
        return step.bound(paths)


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
    names: dict[tuple[str, str], str] = {}
    sums: dict[tuple[str, str], str] = {}

    def bound(step: AnyStep, /) -> AnyStep:
        paths = {}
        for asset in step.assets():
            path = resolve_or_say_how(asset)
            paths[asset.role] = str(path)
            record(assets, asset.role, what := identity(asset, path))
            names[asset.kind, asset.name] = name = name_for_workers(asset, path)
            sums[asset.kind, name] = what["sha256"]
        ready = step.bound(paths)
        ready.validate()
        return ready

    def named(step: AnyStep, /) -> AnyStep:
        return step.bound({asset.role: names[asset.kind, asset.name] for asset in step.assets()})

    if recipe.curate.counts_words:
        require_installed(recipe.curate.languages)
    curate, travelling = recipe.curate.changed(bound), recipe.curate.changed(named)
    return BoundRecipe(replace(recipe, curate=curate), travelling, FindAssets(sums), describe(recipe), assets)


def name_for_workers(asset: AssetRef, path: Path) -> str:
    """By what other machines find an asset: its name, or where it has none its path, absolute."""
    has_name = asset.name in known_assets() or (asset.kind == BLOCK_LIST and path == store() / asset.name)
    return asset.name if has_name else str(path)


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
