"""The recipes that ship with Bateia, by name, and how a recipe is found."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from pipelines.recipes.as_is import AS_IS
from pipelines.recipes.fineweb import FINEWEB
from pipelines.recipes.fineweb2 import NAME as FINEWEB2
from pipelines.recipes.fineweb2 import fineweb2
from pipelines.recipes.fineweb_gated import FINEWEB_GATED
from pipelines.recipes.portuguese import PORTUGUESE
from pipelines.recipes.recipe import Recipe
from pipelines.recipes.tiny import TINY
from pipelines.recipes.web import NAME as WEB_NAME
from pipelines.recipes.web import WEB, web
from schemas.faults import BadInput
from transforms.lean_beam import load_beam
from transforms.steps.filters.languages import KeepLanguages

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in (WEB, FINEWEB, FINEWEB_GATED, fineweb2(), PORTUGUESE, AS_IS, TINY)
}
BY_LANGUAGE = {FINEWEB2: fineweb2, WEB_NAME: web}  # recipes that are made for languages


class UnknownRecipe(BadInput):
    """No recipe of that name; the message lists the known ones."""


def find_recipe(name: str, languages: tuple[str, ...] = (), language_model: str | None = None) -> Recipe:
    """Return a recipe by its name, or from a Python file as `path/to/file.py:NAME`.

    languages: of the recipe that is made for any; none for its own
    language_model: a fastText model in place of the recipe's
    Raises UnknownRecipe, and BadInput for a language that a recipe can't be made for.
    """
    recipe = _find(name)
    if languages:
        if name not in BY_LANGUAGE:
            known = " and ".join(BY_LANGUAGE)
            raise BadInput(f"recipe '{name}' has its own languages; --languages is for {known}")
        recipe = BY_LANGUAGE[name](*languages)
    return recipe if language_model is None else with_language_model(recipe, language_model)


def with_language_model(recipe: Recipe, model: str) -> Recipe:
    """The recipe with another model for its languages. Raises BadInput for a recipe that does not identify any."""
    steps = recipe.curate.documents
    if not any(isinstance(step, KeepLanguages) for step in steps):
        raise BadInput(f"recipe '{recipe.name}' identifies no language; --language-model means nothing to it")
    documents = tuple(replace(step, model=model) if isinstance(step, KeepLanguages) else step for step in steps)
    return replace(recipe, curate=replace(recipe.curate, documents=documents))


def _find(name: str) -> Recipe:
    if name in RECIPES:
        return RECIPES[name]
    path, separator, attribute = name.rpartition(":")
    if separator and path.endswith(".py"):
        return recipe_from_file(Path(path), attribute)
    raise UnknownRecipe(f"no recipe is called '{name}'; known: {', '.join(RECIPES)}, or path/to/file.py:NAME")


def recipe_from_file(path: Path, attribute: str) -> Recipe:
    """The recipe that a Python file defines under a name. The file is run.

    Raises UnknownRecipe if there is no such file, name, or if the name is of something else.
    """
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
