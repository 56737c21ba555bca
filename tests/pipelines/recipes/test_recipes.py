"""Recipes: those that ship, and how one is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.recipes import RECIPES, UnknownRecipe, find_recipe
from pipelines.recipes.tiny import TINY
from transforms.steps.step import DocumentStep, PageStep

OWN = """
from dataclasses import dataclass, replace
from typing import ClassVar
from pipelines.recipes.tiny import TINY
from transforms.steps.step import DocumentStep

@dataclass(frozen=True)
class Own(DocumentStep):
    stage: ClassVar[str] = "own"
    measures: ClassVar[tuple[str, ...]] = ("one",)
    def checks(self, document): return ()
    def __call__(self, document): return document

PART = replace(TINY.curate, documents=(*TINY.curate.documents, Own()))
MINE = TINY.vary(PART, name="mine")
NUMBER = 3
"""


@pytest.mark.parametrize("name", ["fineweb", "tiny"])
def test_shipped_recipes_are_found_by_name(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe is RECIPES[name]
    assert recipe.name == name
    stages = ["read", "url", "extract", "language", "gopher_repetition", "gopher_quality", "c4", "fineweb"]
    assert [step.stage for step in recipe.curate.steps()] == stages
    assert all(isinstance(step, PageStep) for step in recipe.curate.pages)
    assert all(isinstance(step, DocumentStep) for step in recipe.curate.documents)


def test_a_recipe_is_found_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "my recipe.py"
    file.write_text(OWN)
    recipe = find_recipe(f"{file}:MINE")
    assert recipe.name == "mine"
    assert recipe.curate.measures == (*TINY.curate.measures, "one")


@pytest.mark.slow
def test_a_files_own_step_travels_by_value(tmp_path: Path) -> None:
    """A worker has no such module; it gets the class itself."""
    file = tmp_path / "travels.py"
    file.write_text(OWN)
    recipe = find_recipe(f"{file}:MINE")
    from apache_beam.internal import pickler

    (tmp_path / "pickled").write_bytes(pickler.dumps(recipe))
    code = (
        "import sys; from apache_beam.internal import pickler\n"
        "print(pickler.loads(open(sys.argv[1], 'rb').read()).curate.documents[-1].stage)"
    )
    told = subprocess.run([sys.executable, "-c", code, tmp_path / "pickled"], capture_output=True, text=True)
    assert told.stdout == "own\n", told.stderr


@pytest.mark.parametrize(
    "name, text, told",
    [
        ("finweb", None, "no recipe is called 'finweb'; known: " + ", ".join(RECIPES) + ", or path/to/file.py:NAME"),
        ("{file}", "", "known: web, fineweb, "),  # no :NAME
        ("{file}:MINE", None, "does not exist; check the path"),
        ("{file}:YOURS", OWN, "has no Recipe called 'YOURS'; recipes in it: TINY, MINE"),
        (
            "{file}:X",
            "X = 3",
            "'X' is no Recipe but of type int; make one of a recipe that there is, such as FINEWEB.vary(",
        ),
        ("{file}:NUMBER", OWN, "'NUMBER' is no Recipe but of type int; make one of"),
        (
            "{file}:PART",
            OWN,
            "'PART' is no Recipe but of type CurateRecipe; make one of a recipe that there is, such as ",
        ),
        ("{file}:Own", OWN, "'Own' is no Recipe but of type "),
        ("{file}:YOURS", "", "has no Recipe called 'YOURS'; recipes in it: none"),
        ("{file}:", OWN, "has no Recipe called ''"),
        ("{file}:MINE", "MINE = (", "does not run: SyntaxError: "),
        ("{file}:MINE", "import no_such_module", "does not run: ModuleNotFoundError: No module named 'no_such_module'"),
        ("{file}:MINE", "MINE = TINY", "does not run: NameError: name 'TINY' is not defined"),
        ("{file}:MINE", OWN + "replace(TINY, nam='x')", "does not run: TypeError: "),
        ("{file}:MINE", OWN + "TINY.curate.documents[0].x", "does not run: AttributeError: "),
        (
            "{file}:MINE",
            OWN + "TINY.vary(Own(), name='x')",
            "does not run: BadInput: recipe 'tiny' has no place for Own; ",
        ),
        ("{file}:MINE", OWN + "{}['x']", "does not run: KeyError: 'x'"),
        ("{file}:MINE", OWN + "open('/no/such/file')", "does not run: FileNotFoundError: "),
        ("{file}:MINE", OWN + "assert NUMBER == 4, NUMBER", "does not run: AssertionError: 3; correct it"),
        ("{file}:MINE", OWN + "raise ValueError('two\\nlines')", "does not run: ValueError: two lines"),
    ],
)
def test_what_is_no_recipe_is_told(tmp_path: Path, name: str, text: str | None, told: str) -> None:
    file = tmp_path / "mine.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UnknownRecipe) as raised:
        find_recipe(name.format(file=file))
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
