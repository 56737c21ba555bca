"""The step that transforms/steps/README.md shows: it runs as it is printed there."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from schemas.document import Document
from schemas.setting import setting
from schemas.verdict import Check, Drop
from support.paths import ROOT
from transforms.steps.curator import Curator
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.recipe import CurateRecipe
from transforms.steps.step import AssetRef, DocumentStep, judge

README = ROOT / "transforms/steps/README.md"
DOCUMENT = Document("", "id", "dump", "url", "date", "file", 0, "en", 0.9)


@cache
def read_list(path: str) -> frozenset[str]:
    return frozenset(Path(path).read_text().split())


@pytest.fixture
def step(tmp_path: Path) -> Any:
    """The printed step, with the path of a list of two words in place of its asset's name."""
    [code] = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names: dict[str, Any] = {
        **{"dataclass": dataclass, "replace": replace, "ClassVar": ClassVar, "setting": setting, "Check": Check},
        **{"AssetRef": AssetRef, "DocumentStep": DocumentStep, "judge": judge, "read_list": read_list},
    }
    exec(code, names)
    (tmp_path / "list").write_text("mud\nsand\n")
    unbound = names["DropListedWords"]()
    assert unbound.assets() == (AssetRef("words", "word list", "words.txt"),)
    return unbound.bound({"words": str(tmp_path / "list")})


@pytest.mark.parametrize(
    ("text", "value", "kept"),
    [
        ("gold " * 49 + "sand", 0.02, True),
        ("gold " * 48 + "Sand", 1 / 49, False),
        ("gold", 0.0, True),
        ("", 0.0, True),
    ],
)
def test_the_printed_step_judges_in_a_recipe(step: Any, text: str, value: float, kept: bool) -> None:
    assert isinstance(step, DocumentStep)
    recipe = CurateRecipe(pages=(), extract=ExtractText(), documents=(step,))
    with Curator(recipe) as curator:
        verdict = curator.judge(replace(DOCUMENT, text=text))
    if kept:
        assert isinstance(verdict, Document)
        assert verdict.quality == {"listed_words": value}
    else:
        assert verdict == Drop("listed_words", "listed_words", value, 0.02, language="en", language_score=0.9)


def test_every_room_is_in_the_table() -> None:
    rooms = {path.parent.name for path in README.parent.glob("*/__init__.py")}
    assert set(re.findall(r"^\| (\w+)/ \|", README.read_text(), re.MULTILINE)) == rooms
