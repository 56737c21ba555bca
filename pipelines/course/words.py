"""What the course says, in English and Portuguese: texts/en.toml and pt.toml, with the same keys and places to fill."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.course.page import Paper
from pipelines.reports.formats import share

TEXTS = Path(__file__).parent / "texts"
SIGNS = str.maketrans(",.", ".,")  # of numbers in Portuguese
NONE = "–"


class Shown(str):
    """A value as it is written. A place that names the word behind it in both numbers has it in the right one:
    `{steps:step|steps}` is "1 step" or "2 steps"."""

    value: object

    def __format__(self, names: str) -> str:
        one, _, many = names.partition("|")
        return f"{self} {one if self.value == 1 else many}" if names else str(self)


@dataclass(frozen=True)
class Words:
    """The texts of one language.

    texts: by section, then by name; a text, or a list of paragraphs.
    """

    language: str
    texts: dict[str, dict[str, Any]]

    def __call__(self, section: str, name: str, /, **values: object) -> str:
        """A text with its places filled; numbers are written as the language has them."""
        return self.texts[section][name].format(**{key: self._place(value) for key, value in values.items()})

    def all(self, section: str, name: str) -> tuple[str, ...]:
        return tuple(self.texts[section][name])

    def _place(self, value: object) -> Shown:
        shown = Shown(self.shown(value))
        shown.value = value
        return shown

    def shown(self, value: object) -> str:
        """Whole numbers with separators, others with three digits."""
        if value is None:
            return NONE
        if isinstance(value, bool) or not isinstance(value, int | float):
            return str(value)
        return self._signed(f"{value:,}" if isinstance(value, int) else f"{value:,.3f}")

    def brief(self, value: float) -> str:
        """With the digits that it has, and no more than six."""
        return self._signed(f"{value:g}")

    def share(self, value: float | None) -> str:
        """A share as a percentage, which says 0 or 100 only if it is that."""
        return NONE if value is None else self._signed(share(value, 1))

    def _signed(self, text: str) -> str:
        return text.translate(SIGNS) if self.language == "pt" else text


@cache
def words_of(language: str) -> Words:
    return Words(language, tomllib.loads((TEXTS / f"{language}.toml").read_text(encoding="utf-8")))


@cache
def papers() -> dict[str, Paper]:
    """By the names that the texts have for them."""
    told = tomllib.loads((TEXTS / "papers.toml").read_text(encoding="utf-8"))
    return {name: Paper(**paper) for name, paper in told.items()}
