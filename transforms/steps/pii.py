"""Personal data in a text: found by pattern, replaced by placeholders or by reserved example values.

Presidio's recognisers are called directly, without its NLP pipeline (18 ms a document), and only on the few characters
around a candidate that a cheap expression finds; a text without '@' and digits is not looked at twice. Whether a weak
pattern counts depends on the words around it (pii_context.py), as in Presidio, whose own comparison of lemmas needs a
language model. Validity is checked where a number has check digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from transforms.steps.pii_recognisers import EXAMPLES, TYPES, Found, Recognisers

AROUND = 120  # characters beside a candidate that recognisers and context see

# A run of digits and of what stands between the digits of numbers; longer runs are seen piece by piece, with overlap.
_DIGITS = re.compile(r"\d[\d.()/\-– \u00a0+]{5,60}")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")  # IPv6
_SLASHED = re.compile(r"/[0-9A-Z]{4}-\d\d")  # CNPJ with letters
_AT = re.compile(r"(?<=[\w!#$%&'*+/=?^`{|}~-])@(?=\w)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """start, end: characters of the text given. type: Presidio's name of the entity. score: 0 to 1."""

    start: int
    end: int
    type: str
    score: float


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """spans: sorted, none over another, of the text before."""

    text: str
    spans: tuple[Span, ...]


def _setting(value: Any, about: str, source: str = "") -> Any:
    return field(default=value, metadata={"about": about, "source": source})


@dataclass(frozen=True)
class ScrubPii:
    """Replaces personal data that has a form. Equal fields and text give equal output; scrubbing twice changes nothing.

    E-mail and public IP addresses are what FineWeb replaces; the other types are Presidio's or follow its interface.
    """

    stage: ClassVar[str] = "pii"

    types: tuple[str, ...] = _setting(TYPES, "what is looked for", "FineWeb: e-mail, IP; Presidio's names")
    style: str = _setting("placeholder", "placeholder (<EMAIL_ADDRESS>) or example (email@example.com)", "our choice")
    names_model: str | None = _setting(None, "spaCy model that finds names of persons", "our choice")

    def __post_init__(self) -> None:
        if unknown := set(self.types) - set(TYPES):
            raise ValueError(f"no personal data is called {', '.join(sorted(unknown))}; known: {', '.join(TYPES)}")
        if self.style not in ("placeholder", "example"):
            raise ValueError(f"ScrubPii has no style '{self.style}'; known: placeholder, example")

    def setup(self) -> None:
        """Load the recognisers. Raises ValueError if the model for names is absent."""
        _ = self._recognisers

    @cached_property
    def _recognisers(self) -> Recognisers:
        return Recognisers(self.types, self.names_model)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_recognisers"}

    def find(self, text: str, language: str | None = "en") -> tuple[Span, ...]:
        """Personal data in a text, in order, none over another."""
        found = set(self._found(text, language))
        return tuple(Span(item.start, item.end, item.type, item.score) for item in apart(found))

    def __call__(self, text: str, document_id: str, language: str | None = "en") -> Scrubbed:
        spans = self.find(text, language)
        if not spans:
            return Scrubbed(text, ())
        pieces, at = [], 0
        for span in spans:
            pieces += [text[at : span.start], self.replacement(span.type, text[span.start : span.end])]
            at = span.end
        return Scrubbed("".join([*pieces, text[at:]]), spans)

    def replacement(self, kind: str, value: str) -> str:
        if self.style == "placeholder":
            return f"<{kind}>"
        return EXAMPLES["IPV6" if kind == "IP_ADDRESS" and ":" in value else kind]

    def _found(self, text: str, language: str | None) -> Iterator[Found]:
        for family, places in self._candidates(text):
            for start, end in windows(places, len(text)):
                yield from self._recognisers.find(family, text, start, end, language or "")
        if self.names_model is not None:
            yield from self._recognisers.names(text)

    def _candidates(self, text: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
        if "@" in text:
            yield "at", [match.span() for match in _AT.finditer(text)]
        if numbers := [match.span() for match in _DIGITS.finditer(text) if worth(match[0])]:
            yield "digits", numbers
        if ":" in text:
            yield "colons", [match.span() for match in _COLONS.finditer(text)]
        if "/" in text:
            yield "slashed", [match.span() for match in _SLASHED.finditer(text)]
        if "-" in text and "pix" in text.lower():
            yield "pix", [match.span() for match in _UUID.finditer(text)]


def worth(run: str) -> bool:
    """Whether a run of digits and marks can hold a number that we look for."""
    return run.count(".") >= 3 or sum(map(str.isdigit, run)) >= 7


def windows(places: Iterable[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """Candidates with some text around, those that touch as one, so that no stretch is read twice."""
    held: tuple[int, int] | None = None
    for start, end in places:
        start, end = max(start - AROUND, 0), min(end + AROUND, length)
        if held is not None and start <= held[1]:
            held = (held[0], end)
            continue
        if held is not None:
            yield held
        held = (start, end)
    if held is not None:
        yield held


def apart(found: set[Found]) -> list[Found]:
    """Of spans over each other the surest stays, then the longest, then the first by place and type."""
    chosen: list[Found] = []
    taken: list[tuple[int, int]] = []
    for item in sorted(found, key=lambda item: (-item.score, item.start - item.end, item.start, item.type)):
        if all(item.end <= start or item.start >= end for start, end in taken):
            chosen.append(item)
            taken.append((item.start, item.end))
    return sorted(chosen, key=lambda item: item.start)
