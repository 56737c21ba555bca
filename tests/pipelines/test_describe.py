"""`bateia show`: every step and setting of a recipe, with what it means."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import ClassVar

import pytest

from pipelines.bind import bind
from pipelines.describe import settings_of, settings_of_step, show, show_value
from pipelines.recipes import RECIPES
from pipelines.recipes.tiny import TINY
from transforms.steps.extraction import ExtractText, LanguageGate

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("name", RECIPES)
def test_every_step_and_setting_is_shown(bateia: Call, name: str) -> None:
    ended = bateia("show", name)
    assert (ended.returncode, ended.stderr) == (0, "")
    recipe = RECIPES[name]
    assert ended.stdout.startswith(f"{name}: {recipe.about}")
    places = [ended.stdout.index(f"{n}. {type(step).__name__} (") for n, step in enumerate(recipe.steps(), 1)]
    assert places == sorted(places)
    for row in settings_of(recipe):
        assert f"{row['name']} " in ended.stdout
        assert row["about"] in ended.stdout
    assert "95%" in ended.stdout


@pytest.mark.parametrize("name", RECIPES)
def test_every_setting_says_what_it_means(name: str) -> None:
    """Most say too where their value is from: a threshold without a source is a guess."""
    rows = settings_of(RECIPES[name])
    assert [row for row in rows if not row["about"]] == []
    assert sum(bool(row["source"]) for row in rows) > 0.7 * len(rows)


@pytest.mark.parametrize("step", list(TINY.steps()), ids=lambda step: type(step).__name__)
def test_every_field_has_a_row(step: object) -> None:
    names = [row["name"] for row in settings_of_step(step)]
    assert names == [field.name for field in fields(step)]  # type: ignore[arg-type]


def test_settings_within_settings_have_their_path() -> None:
    rows = list(settings_of_step(ExtractText(gate=LanguageGate(("en", "pt")))))
    values = {row["name"]: row["value"] for row in rows}
    assert values["gate.languages"] == "en, pt"
    assert "gate" not in values


def test_no_path_of_this_machine_is_shown(tmp_path: Path) -> None:
    text = show(bind(TINY).recipe)
    assert "lid.176.ftz" in text
    assert str(Path.home()) not in text
    assert "/lid.176" not in text


@pytest.mark.parametrize(
    "value, shown",
    [
        (None, "off"),
        (True, "yes"),
        (False, "no"),
        ((), "none"),
        (("en", 0.5), "en, 0.5"),
        ((("en", 0.5), ("pt", 1)), "en, 0.5, pt, 1"),
        (0.65, "0.65"),
        (0, "0"),
    ],
)
def test_values_read_well(value: object, shown: str) -> None:
    assert show_value(value) == shown


@dataclass(frozen=True)
class Bare:
    """Does nothing.

    At length.
    """

    stage: ClassVar[str] = "bare"
    measures: ClassVar[tuple[str, ...]] = ()
    least: int = field(default=3, metadata={"about": "fewest", "source": "a paper"})
    plain: str = "x"

    def setup(self) -> None: ...

    def checks(self, document: object) -> tuple[()]:
        return ()

    def __call__(self, document: object) -> object:
        return document


def test_a_step_of_ones_own_is_shown_with_what_it_tells() -> None:
    lines = show(replace(TINY, documents=(Bare(),))).splitlines()  # type: ignore[arg-type]
    at = lines.index("4. Bare (bare): Does nothing.")
    assert lines[at + 1 : at + 3] == ["     least  3  fewest  [a paper]", "     plain  x"]
