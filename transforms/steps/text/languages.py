"""Languages: their codes, scripts and names, and what FineWeb2 found out about each of them.

A language is called by its ISO 639-1 code where it has one ("pt"), else by its ISO 639-3 code ("yue"). Its FineWeb2
label is its ISO 639-3 code and the ISO 15924 code of its script ("por_Latn").

languages.tsv: a language a line. code3 is that of the language itself and not of a macro-language around it ("arb" for
Arabic, "cmn" for Chinese), as FineWeb2 and GlotLID have it; macro has codes by which other models call it; scripts are
those of FineWeb2's subsets, the usual one first. Codes and names are those of ISO 639-3, own names those of Unicode's
CLDR 47.
fineweb2.json: FineWeb2's published configurations, with their source, commit and licence.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from schemas.faults import BadInput

ROOM = Path(__file__).parent
# Those that the tests take through the whole path. All have FineWeb2's values but English, which has FineWeb's.
SUPPORTED = (
    *("en", "pt", "es", "fr", "de", "it", "nl", "pl", "ru", "uk", "el"),
    *("tr", "ar", "fa", "hi", "id", "vi", "zh", "ja", "ko", "th"),
)
# Languages that models confuse, as they are nearly one: their probabilities are added up. ISO 639-3's macro-languages
# Norwegian, Serbo-Croatian and Malay.
RELATIVES = (("nb", "nn"), ("hr", "bs", "sr", "sh"), ("ms", "id"))
NO_LANGUAGE = frozenset({"und", "zxx", "mis"})  # GlotLID's labels for noise and for writing that it doesn't know


class UnknownLanguage(BadInput):
    """A language that is not in the table; the message has the nearest one."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language.

    code: by which recipes, documents and folders name it
    code3: ISO 639-3
    scripts: ISO 15924, the usual one first
    macro: other ISO 639-3 codes by which models label it
    name: in English
    own_name: in itself; empty if it isn't known
    """

    code: str
    code3: str
    scripts: tuple[str, ...]
    macro: tuple[str, ...]
    name: str
    own_name: str

    @property
    def label(self) -> str:
        """FineWeb2's label in the usual script."""
        return f"{self.code3}_{self.scripts[0]}"

    @property
    def names(self) -> str:
        """Both names, such as "Portuguese (português)"."""
        return self.name if self.own_name in ("", self.name) else f"{self.name} ({self.own_name})"


@cache
def languages() -> dict[str, Language]:
    """All languages that the table knows, by their code."""
    rows = (line.split("\t") for line in (ROOM / "languages.tsv").read_text("utf-8").splitlines()[1:])
    known = (
        Language(code, code3, tuple(scripts.split(",")), tuple(filter(None, macro.split(","))), name, own_name)
        for code, code3, scripts, macro, name, own_name in rows
    )
    return {language.code: language for language in known}


@cache
def codes() -> dict[str, str]:
    """A language's code by each of its codes: ISO 639-1, ISO 639-3, and those of macro-languages around it."""
    return {
        code: language.code
        for language in languages().values()
        for code in (language.code, language.code3, *language.macro)
    }


def find_language(name: str) -> Language:
    """A language by its code, such as "pt", "por" or "por_Latn". Raises UnknownLanguage with the nearest."""
    code, _, script = name.strip().partition("_")
    language = languages().get(codes().get(code.lower(), ""))
    if language is not None and (not script or script in language.scripts):
        return language
    if language is not None:
        raise UnknownLanguage(f"{language.name} is not written in {script!r}; known: {', '.join(language.scripts)}")
    raise UnknownLanguage(f"no language is called {name!r}; {nearest(name, languages())}")


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest of the codes that are known, by code or by a language's name."""
    known = list(known)
    named = {each.lower(): code for code in known if code in languages() for each in names_of(code)}
    matches = difflib.get_close_matches(name.lower(), [*named, *known], n=1, cutoff=0.5)
    if not matches:
        return f"known: {', '.join(known[:24])}{', …' if len(known) > 24 else ''}"
    return f"did you mean {named.get(matches[0], matches[0])}?"


def names_of(code: str) -> tuple[str, ...]:
    language = languages()[code]
    return tuple(filter(None, (language.name, language.own_name)))


def name_of(label: str | None) -> str:
    """Names of a language for a report, by any of its codes or labels; empty if it isn't known."""
    known = languages().get(codes().get((label or "").partition("_")[0].lower(), ""))
    return known.names if known is not None else ""


def relatives_of(code: str) -> tuple[str, ...]:
    """The languages whose probabilities are added up with this one's, itself among them."""
    return next((group for group in RELATIVES if code in group), (code,))


# --- FineWeb2's values ------------------------------------------------------------------------------------------------


@cache
def fineweb2_file() -> dict[str, Any]:
    """fineweb2.json."""
    return json.loads((ROOM / "fineweb2.json").read_text("utf-8"))


def fineweb2_source(label: str = "") -> str:
    """Where a language's values are from."""
    held = fineweb2_file()
    name = "/".join(held["source"].rsplit("/", 2)[1:])
    return f"{name} at {held['commit'][:7]}, configs/{label or '<label>'}.yml"


def fineweb2_values(code: str) -> dict[str, Any] | None:
    """FineWeb2's published values for a language, by its own names; None if the table has none."""
    language = languages().get(code)
    return None if language is None else fineweb2_file()["languages"].get(language.label)


def has_values(code: str) -> bool:
    return fineweb2_values(code) is not None or code == "en"
