"""The recipes that ship with Bateia, by name, and how a recipe is found."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from pipelines.recipes.as_is import AS_IS
from pipelines.recipes.fineweb import FINEWEB
from pipelines.recipes.fineweb_gated import FINEWEB_GATED
from pipelines.recipes.portuguese import PORTUGUESE
from pipelines.recipes.recipe import Recipe
from pipelines.recipes.tiny import TINY
from schemas.faults import BadInput
from transforms.lean_beam import load_beam

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (FINEWEB, FINEWEB_GATED, PORTUGUESE, AS_IS, TINY)}


class UnknownRecipe(BadInput):
    """No recipe of that name; the message lists the known ones."""


def find_recipe(name: str) -> Recipe:
    """Return a recipe by its name, or from a Python file as `path/to/file.py:NAME`. Raises UnknownRecipe."""
    if name in RECIPES:
        return RECIPES[name]
    path, separator, attribute = name.rpartition(":")
    if separator and path.endswith(".py"):
        return recipe_from_file(Path(path), attribute)
    raise UnknownRecipe(f"no recipe is called '{name}'; known: {', '.join(RECIPES)}, or path/to/file.py:NAME")


def recipe_from_file(path: Path, attribute: str) -> Recipe:
    if not path.is_file():
        raise UnknownRecipe(f"recipe file {path} does not exist; check the path")
    defined = vars(load_module(path))
    recipe = defined.get(attribute)
    if isinstance(recipe, Recipe):
        return recipe
    if attribute not in defined:
        names = ", ".join(name for name, value in defined.items() if isinstance(value, Recipe)) or "none"
        raise UnknownRecipe(f"{path} has no Recipe called '{attribute}'; recipes in it: {names}")
    raise UnknownRecipe(
        f"{path}: '{attribute}' is no Recipe but of type {type(recipe).__name__}; make one of a recipe that there is, "
        f"such as FINEWEB.vary(…, name='mine'), or with pipelines.recipes.recipe.Recipe(…)"
    )


def load_module(path: Path) -> ModuleType:
    """Run a recipe's file as a module. Its own steps reach the workers by value: they have no such file."""
    name = f"bateia_recipe_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the user's own code
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise UnknownRecipe(f"recipe file {path} does not run: {what}; correct it") from error
    load_beam()
    from apache_beam.internal.cloudpickle import cloudpickle

    cloudpickle.register_pickle_by_value(module)
    return module
