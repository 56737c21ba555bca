"""Personal data in a text: found by pattern, replaced by placeholders or by reserved example values.

Presidio's recognisers are called directly, without its NLP pipeline (18 ms a document), and only on the few characters
around a candidate that a cheap expression finds; a text without '@' and digits is not looked at twice. Whether a weak
pattern counts depends on the words around it (pii_context.py), as in Presidio, whose own comparison of lemmas needs a
language model. Validity is checked where a number has check digits.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

from schemas.setting import setting
from transforms.steps.pii.recognisers import EXAMPLES, TYPES, Found, Recognisers
from transforms.steps.step import Step

MAX_ROUNDS = 8  # one or two are enough but for a line of many numbers after one word that tells what they are
ENDLESS = 4_000  # characters of a window that is worth looking at in parts
AROUND = 120  # characters beside a candidate that recognisers and context see

# A run of digits and of what stands between the digits of numbers; longer runs are seen piece by piece, with overlap.
_DIGITS = re.compile(r"\d[\d.()/\-– \u00a0+]{5,60}")
_SEVEN_DIGITS = re.compile(r"(?:\D*\d){7}")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")  # IPv6
_SLASHED = re.compile(r"/[0-9A-Z]{4}-\d\d")  # CNPJ with letters
_BARE_CNPJ = re.compile(r"(?<!\w)[0-9A-Z]{12}\d\d(?!\w)")
_AT = re.compile(r"(?<=[\w!#$%&'*+/=?^`{|}~-])@(?=\w)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


Span = Found  # a find by places in the text given


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """spans: sorted, none over another, of the text before."""

    text: str
    spans: tuple[Span, ...]


class Replaced(NamedTuple):
    """places: where each replacement stands in the text."""

    text: str
    places: list[tuple[int, int]]


@dataclass(frozen=True)
class ScrubPii(Step):
    """Replaces personal data that has a form. Equal fields and text give equal output; scrubbing twice changes nothing.

    E-mail and public IP addresses are what FineWeb replaces; the other types are Presidio's or follow its interface.
    """

    stage: ClassVar[str] = "pii"

    types: tuple[str, ...] = setting(TYPES, "what is looked for", "FineWeb: e-mail, IP; Presidio's names")
    style: str = setting("placeholder", "placeholder (<EMAIL_ADDRESS>) or example (email@example.com)", "our choice")
    names_model: str | None = setting(None, "spaCy model that finds names of persons", "our choice")

    def __post_init__(self) -> None:
        if unknown := set(self.types) - set(TYPES):
            raise ValueError(f"no personal data is called {', '.join(sorted(unknown))}; known: {', '.join(TYPES)}")
        if self.style not in ("placeholder", "example"):
            raise ValueError(f"ScrubPii has no style '{self.style}'; known: placeholder, example")

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        """Load the recognisers. Raises ValueError if the model for names is absent."""
        _ = self._recognisers

    @cached_property
    def _recognisers(self) -> Recognisers:
        return Recognisers(self.types, self.names_model)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_recognisers"}

    def find(self, text: str, language: str | None = "en") -> tuple[Span, ...]:
        """Personal data in a text, in order, none over another.

        A replacement can bring a word nearer to a number that it tells about, so the text is looked at again with its
        finds replaced, until nothing more is found or MAX_ROUNDS is reached. Only what stands around the last round's
        finds can differ, so only that is looked at.
        """
        return tuple(self._find(text, language)[0])

    def _find(self, text: str, language: str | None) -> tuple[list[Found], str | None]:
        """What find() returns, and the text without it if it was made by the way."""
        found = new = apart(set(self._found(text, language, names=self.names_model is not None)))
        for _ in range(MAX_ROUNDS if found else 0):
            shown = self._replaced(text, found)
            known = set(new)
            changed = [place for place, item in zip(shown.places, found, strict=True) if item in known]
            more = apart(set(self._found(shown.text, language, changed=changed)))
            if not more:
                return found, shown.text
            before = set(found)
            found = joined(found, shown.places, more)
            new = [item for item in found if item not in before]
        return found, None

    def __call__(self, text: str, document_id: str, language: str | None = "en") -> Scrubbed:
        found, shown = self._find(text, language)
        if not found:
            return Scrubbed(text, ())
        return Scrubbed(self._replaced(text, found).text if shown is None else shown, tuple(found))

    def replacement(self, kind: str, value: str) -> str:
        if self.style == "placeholder":
            return f"<{kind}>"
        return EXAMPLES["IPV6" if kind == "IP_ADDRESS" and ":" in value else kind]

    def _replaced(self, text: str, spans: Sequence[Found]) -> Replaced:
        pieces, places, at, length = [], [], 0, 0
        for span in spans:
            new = self.replacement(span.type, text[span.start : span.end])
            pieces += [text[at : span.start], new]
            start = length + span.start - at
            at, length = span.end, start + len(new)
            places.append((start, length))
        return Replaced("".join([*pieces, text[at:]]), places)

    def _found(
        self, text: str, language: str | None, names: bool = False, changed: list[tuple[int, int]] | None = None
    ) -> Iterator[Found]:
        """changed: the places around which to look, in order; None for everywhere."""
        for family, places in self._candidates(text):
            seen = windows(places, len(text))
            for start, end in seen if changed is None else touched(seen, changed):
                for item in self._recognisers.find(family, text, start, end, language or ""):
                    if changed is None or among(changed, item.start - ENDLESS // 4, item.end + ENDLESS // 4):
                        yield item  # far from where an endless window was cut, so no half of a number
        if names:
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
        if "cnpj" in (lower := text.lower()):
            yield "slashed", [match.span() for match in _BARE_CNPJ.finditer(text)]
        if "-" in text and "pix" in lower:
            yield "pix", [match.span() for match in _UUID.finditer(text)]


def worth(run: str) -> bool:
    """Whether a run of digits and marks can hold a number that we look for."""
    return run.count(".") >= 3 or _SEVEN_DIGITS.match(run) is not None


def windows(
    places: Iterable[tuple[int, int]], length: int, first: int = 0, around: int = AROUND
) -> Iterator[tuple[int, int]]:
    """Places with some text around, from `first` to `length`, those that touch as one, so no stretch is read twice."""
    held: tuple[int, int] | None = None
    for start, end in places:
        start, end = max(start - around, first), min(end + around, length)
        if held is not None and start <= held[1]:
            held = (held[0], end)
            continue
        if held is not None:
            yield held
        held = (start, end)
    if held is not None:
        yield held


def touched(seen: Iterable[tuple[int, int]], changed: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The windows in which something changed; of an endless one the parts around what did."""
    for start, end in seen:
        inside = among(changed, start, end)
        if end - start > ENDLESS:
            yield from windows(inside, end, start, ENDLESS // 2)
        elif inside:
            yield start, end


def among(places: list[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Those of places, which are in order and apart, that touch a stretch."""
    first = bisect_left(places, start, key=lambda place: place[1])
    return places[first : bisect_right(places, end, lo=first, key=lambda place: place[0])]


def apart(found: set[Found]) -> list[Found]:
    """Of spans over each other the surest stays, then the longest, then the first by place and type."""
    ordered = sorted(found)
    if all(item.end <= after.start for item, after in pairwise(ordered)):
        return ordered
    chosen: list[Found] = []
    taken = bytearray(max((item.end for item in found), default=0))  # a byte a character: time is linear in the finds
    for item in sorted(found, key=lambda item: (-item.score, item.start - item.end, item.start, item.type)):
        if taken.find(1, item.start, item.end) < 0:
            chosen.append(item)
            taken[item.start : item.end] = b"\1" * (item.end - item.start)
    return sorted(chosen, key=lambda item: item.start)


def joined(found: list[Found], places: list[tuple[int, int]], more: list[Found]) -> list[Found]:
    """Finds with further ones of the text in which they were replaced, all by places in the text before.

    A further find that reaches into a replacement takes all that the replacement stands for.
    """
    starts, ends = [start for start, _ in places], [end for _, end in places]
    shifts = [0, *(item.end - end for item, end in zip(found, ends, strict=True))]
    moved, taken = [], set()
    for item in more:
        first, last = bisect_right(ends, item.start), bisect_left(starts, item.end)  # replacements that it reaches
        start, end = item.start + shifts[first], item.end + shifts[last]
        if first < last:
            taken.update(range(first, last))
            start = found[first].start if starts[first] <= item.start else start
            end = found[last - 1].end if item.end <= ends[last - 1] else end
        moved.append(item._replace(start=start, end=end))
    kept = [item for index, item in enumerate(found) if index not in taken]
    return apart({*kept, *moved})  # two may have reached into the same replacement
