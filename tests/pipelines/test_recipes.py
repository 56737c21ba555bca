"""Recipes: those that ship, how one is found, and what a run needs of it."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.assets import MissingAsset
from pipelines.bind import bind
from pipelines.recipes import RECIPES, UnknownRecipe, find_recipe
from pipelines.recipes.fineweb import FINEWEB
from pipelines.recipes.tiny import TINY
from transforms.steps.extraction import ExtractText, LanguageGate
from transforms.steps.recipe import DocumentStep, PageStep

OWN = """
from dataclasses import dataclass, replace
from typing import ClassVar
from pipelines.recipes.tiny import TINY

@dataclass(frozen=True)
class Own:
    stage: ClassVar[str] = "own"
    measures: ClassVar[tuple[str, ...]] = ("one",)
    def setup(self): ...
    def checks(self, document): return ()
    def __call__(self, document): return document

MINE = replace(TINY, name="mine", documents=(*TINY.documents, Own()))
NUMBER = 3
"""


@pytest.mark.parametrize("name", ["fineweb", "tiny"])
def test_shipped_recipes_are_found_by_name(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe is RECIPES[name]
    assert recipe.name == name
    stages = ["read", "url", "extract", "language", "gopher_repetition", "gopher_quality", "c4", "fineweb"]
    assert [step.stage for step in recipe.steps()] == stages
    assert all(isinstance(step, PageStep) for step in recipe.pages)
    assert all(isinstance(step, DocumentStep) for step in recipe.documents)


def test_tiny_is_fineweb_in_five_languages() -> None:
    assert FINEWEB.documents[1:] == TINY.documents[1:]
    assert FINEWEB.extract == TINY.extract
    assert FINEWEB.documents[0] == replace(TINY.documents[0], languages=("en",))  # type: ignore[type-var]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_a_recipe_is_a_value(recipe: Any) -> None:
    assert pickle.loads(pickle.dumps(recipe)) == recipe  # noqa: S301
    assert len(set(recipe.measures)) == len(recipe.measures)
    for step in recipe.steps():
        assert hash(step) == hash(replace(step))
        with pytest.raises(FrozenInstanceError):
            step.threshold = 1


def test_a_recipe_is_found_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "my recipe.py"
    file.write_text(OWN)
    recipe = find_recipe(f"{file}:MINE")
    assert recipe.name == "mine"
    assert recipe.measures == (*TINY.measures, "one")


def test_a_files_own_step_travels_by_value(tmp_path: Path) -> None:
    """A worker has no such module; it gets the class itself."""
    file = tmp_path / "travels.py"
    file.write_text(OWN)
    recipe = find_recipe(f"{file}:MINE")
    from apache_beam.internal import pickler

    (tmp_path / "pickled").write_bytes(pickler.dumps(recipe))
    code = (
        "import sys; from apache_beam.internal import pickler\n"
        "print(pickler.loads(open(sys.argv[1], 'rb').read()).documents[-1].stage)"
    )
    told = subprocess.run([sys.executable, "-c", code, tmp_path / "pickled"], capture_output=True, text=True)
    assert told.stdout == "own\n", told.stderr


@pytest.mark.parametrize(
    "name, text, told",
    [
        ("finweb", None, "no recipe is called 'finweb'; known: " + ", ".join(RECIPES) + ", or path/to/file.py:NAME"),
        ("{file}", "", "known: fineweb, "),  # no :NAME
        ("{file}:MINE", None, "does not exist; check the path"),
        ("{file}:YOURS", OWN, "has no Recipe called 'YOURS'"),
        ("{file}:NUMBER", OWN, "has no Recipe called 'NUMBER'"),
        ("{file}:", OWN, "has no Recipe called ''"),
        ("{file}:MINE", "MINE = (", "does not run: SyntaxError: "),
        ("{file}:MINE", "import no_such_module", "does not run: ModuleNotFoundError: No module named 'no_such_module'"),
        ("{file}:MINE", "MINE = TINY", "does not run: NameError: name 'TINY' is not defined"),
        ("{file}:MINE", OWN + "replace(TINY, nam='x')", "does not run: TypeError: "),
        ("{file}:MINE", OWN + "TINY.documents[0].x", "does not run: AttributeError: "),
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


# --- Binding ----------------------------------------------------------------------------------------------------------


def test_binding_puts_paths_in_and_describes_without(tmp_path: Path) -> None:
    bound = bind(replace(TINY, extract=ExtractText(gate=LanguageGate(("en",)))))
    [urls] = bound.recipe.pages
    assert Path(vars(urls)["blocklist"]).is_dir()
    assert Path(vars(bound.recipe.documents[0])["model"]).is_file()
    assert bound.recipe.extract.gate is not None
    assert Path(bound.recipe.extract.gate.model).is_file()
    assert set(bound.assets) == {"blocklist", "language_model", "gate_model"}
    assert len(bound.assets["blocklist"]["sha256"]) == len(bound.assets["language_model"]["sha256"]) == 64
    text = json.dumps([bound.description, bound.assets])
    assert "/" not in text.replace("\\/", "")
    names = [step["step"] for step in bound.description["steps"]]
    assert names == [type(step).__name__ for step in TINY.steps()]


def test_a_given_models_folder_is_not_described(model_path: str, tmp_path: Path) -> None:
    copy = tmp_path / "my.ftz"
    copy.write_bytes(Path(model_path).read_bytes())
    language = replace(TINY.documents[0], model=str(copy))  # type: ignore[type-var]
    bound = bind(replace(TINY, documents=(language,)))
    assert bound.description["steps"][-1]["model"] == "my.ftz"
    assert str(tmp_path) not in json.dumps([bound.description, bound.assets])


def test_equal_recipes_are_described_equally_and_others_not() -> None:
    assert bind(TINY).description == bind(replace(TINY)).description
    assert bind(TINY).description != bind(replace(TINY, max_stage_drop=0.5)).description


def test_without_the_block_list_no_url_is_judged() -> None:
    bound = bind(FINEWEB, no_blocklist=True)
    assert bound.recipe.pages == ()
    assert bound.assets["blocklist"] == "none (--no-blocklist)"


def test_a_missing_block_list_is_told_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATEIA_ASSETS", str(tmp_path))
    with pytest.raises(MissingAsset, match=r"bateia assets fetch ut1$"):
        bind(FINEWEB)
