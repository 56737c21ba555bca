"""Labels of language models: which language and script each means, and what a text is by a model.

lid.176 says "pt", GlotLID and OpenLID say "por_Latn"; both mean the language "pt" of languages.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import regex

from schemas.faults import BadInput
from transforms.steps.text.language_model import labels_of, probabilities
from transforms.steps.text.languages import NO_LANGUAGE, codes, languages, nearest, relatives_of

TOP_LABELS = 20  # whose probabilities count: what is left in the others is less than the model's own error
SCRIPT_CHARS = 10_000  # of a text, that tell its script
EDITIONS = {"als": "gsw"}  # lid.176 learned from Wikipedia's editions: als is Alemannic's


class Identified(NamedTuple):
    """What a text is.

    language: code of languages.py, or the model's own label for one that is not in it; None if it is none at all
    script: ISO 15924; empty if it isn't known
    score: probability of the language and its relatives, 0 to 1
    """

    language: str | None
    script: str
    score: float

    @property
    def label(self) -> str | None:
        """FineWeb2's label, such as "por_Latn"; None if it is no language, or one that isn't known."""
        known = languages().get(self.language or "")
        return f"{known.code3}_{self.script}" if known is not None and self.script else None


def read_label(label: str) -> tuple[str | None, str]:
    """(language, script) of a model's label; None for one that means noise, an empty script if it names none."""
    code, _, script = label.replace("-", "_").partition("_")
    if code in NO_LANGUAGE:
        return None, script
    code = code if script else EDITIONS.get(code, code)
    return codes().get(code.lower(), code), script


def identify(text: str, model: str, relatives: bool = True) -> Identified:
    """The language of a text: of the relatives with the highest sum of probabilities the most probable one.

    relatives: whether languages that are nearly one count together; else each is its only relative.
    """
    sums: dict[tuple[str, ...] | None, float] = {}
    first: dict[tuple[str, ...] | None, tuple[str | None, str]] = {}
    for label, score in probabilities(text, model, k=TOP_LABELS).items():
        language, script = read_label(label)
        group = None if language is None else (relatives_of(language) if relatives else (language,))
        sums[group] = sums.get(group, 0.0) + score
        first.setdefault(group, (language, script))
    if not sums:
        return Identified("und", "", 0.0)
    best = max(sums, key=sums.__getitem__)
    language, script = first[best]
    return Identified(language, script or script_of(text, language), min(sums[best], 1.0))


def script_of(text: str, language: str | None) -> str:
    """In which of its scripts a text of the language is: the one of most of its letters; empty if it isn't known."""
    known = languages().get(language or "")
    if known is None or len(known.scripts) == 1:
        return known.scripts[0] if known is not None else ""
    start = text[:SCRIPT_CHARS]
    return max(known.scripts, key=lambda script: len(_letters(script).findall(start)))


@cache
def _letters(script: str) -> regex.Pattern[str]:
    return regex.compile(rf"\p{{Script={script}}}")


@cache
def languages_of(model: str) -> frozenset[str]:
    """The languages that a model knows, by our codes."""
    return frozenset(language for label in labels_of(model) if (language := read_label(label)[0]) is not None)


def require_languages(wanted: Iterable[str], model: str) -> None:
    """Raise BadInput, with the nearest one, for a language that no label of the model means."""
    known = languages_of(model)
    for language in wanted:
        if language not in known:
            name = Path(model).name
            raise BadInput(
                f"the language model {name} has no label for {language!r}; {nearest(language, sorted(known))}"
            )
