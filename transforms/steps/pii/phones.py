"""Telephone numbers: the library that Presidio asks says which are valid, form or words around say which are meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache, partial

from transforms.steps.pii import context, words
from transforms.steps.pii.entities import LIKELY, SURE, WEAK

REGIONS = {"pt": ("BR", "PT"), "en": ("US", "GB"), "es": ("ES", "MX"), "fr": ("FR",), "de": ("DE",)}
ANY_REGION = ("US", "GB", "BR")
MIN_DIGITS, MAX_DIGITS = 8, 15  # ITU-T E.164 allows 15
MIN_ABROAD = 11  # with 00 as the prefix: 006-83-4889 is no call to Malaysia

_MARK = r"[ .\-–\u00a0]"
_CANDIDATE = re.compile(
    rf"(?<![\w@#$€£%.,/+=-])(?<!\d:)(?:\+|00(?=[1-9]))?(?:\(0?\d{{1,4}}\){_MARK}{{0,2}})?\d{{1,14}}"
    rf"(?:(?:{_MARK}{{0,2}}\(0?\d{{1,4}}\){_MARK}{{0,2}}|{_MARK}{{1,2}})\d{{1,11}}){{0,5}}(?![\w%]|[.,:/–-]\d)"
)
# Ways of writing that hardly anything but a telephone number has.
_SHAPES = {
    "US": re.compile(r"(?:1[ .-])?(?:\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}-\d{3}-\d{4}|\d{3}\.\d{3}\.\d{4})"),
    "GB": re.compile(r"\(0\d{2,4}\) ?\d{3,4} ?\d{3,4}|0\d{2,4} \d{3,4} \d{3,4}|07\d{3} ?\d{6}|0\d{4} \d{6}"),
    "BR": re.compile(r"\(0?\d{2}\) ?(?:9[ .]?)?\d{4}[ .-]?\d{4}|0?\d{2} (?:9 ?)?\d{4}-\d{4}|0[38]00[ -]\d{3}[ -]\d{4}"),
    "PT": re.compile(r"[29]\d{2} \d{3} \d{3}"),
    "ES": re.compile(r"[6789]\d{2} \d{3} \d{3}"),
    "FR": re.compile(r"0\d(?:[ .]\d{2}){4}"),
    "DE": re.compile(r"\(?0\d{2,4}\)?[ /-]\d{5,8}"),
}


class PhoneFinder:
    """Loaded once a process."""

    def __init__(self) -> None:
        from phonenumbers import Leniency, PhoneNumberMatcher

        self._matches = partial(PhoneNumberMatcher, leniency=Leniency.VALID)
        self.is_valid = lru_cache(10_000)(self._is_valid)  # 20 to 50 µs if asked anew

    def _is_valid(self, number: str, region: str) -> bool:
        least = len(number.strip("() ")) - 1
        return any(item.end - item.start >= least for item in self._matches(number, region))

    def find(self, window: str, language: str) -> Iterator[tuple[int, int, float]]:
        """(start, end, score) of numbers in a short text."""
        for match in _CANDIDATE.finditer(window):
            number = match[0]
            digits = sum(map(str.isdigit, number))
            if MIN_DIGITS <= digits <= MAX_DIGITS and (
                score := self._score(window, match.start(), match.end(), language)
            ):
                yield match.start(), match.end(), score

    def _score(self, window: str, start: int, end: int, language: str) -> float:
        number = window[start:end]
        regions = REGIONS.get(language, ANY_REGION)
        if number.startswith("00") and sum(map(str.isdigit, number)) < MIN_ABROAD:
            return 0.0
        if number.startswith(("+", "00")):
            plus = number if number.startswith("+") else "+" + number[2:]
            return SURE if self.is_valid(plus, regions[0]) else self._shaped(number.lstrip("+0123456789 ")) * LIKELY
        if context.follows(window, start, words.NO_NUMBER) or is_date(number):
            return 0.0
        has_word = context.near(window, start, end, words.PHONE)
        for region in regions:
            shaped = _SHAPES[region].fullmatch(number) if region in _SHAPES else None
            if shaped and (self.is_valid(number, region) or (region == "BR" and number.startswith("("))):
                return SURE if has_word else LIKELY
            if has_word and self.is_valid(number, region):
                return WEAK
        return 0.0

    @staticmethod
    def _shaped(rest: str) -> bool:
        """Whether a number of an unassigned area code has the shape of one all the same."""
        return any(shape.fullmatch(rest) for shape in _SHAPES.values())


_DATE = re.compile(r"\d{1,2}[.\- ]\d{1,2}[.\- ]\d{2,4}|\d{4}[.\- ]\d{1,2}[.\- ]\d{1,2}|\d{4} ?[-–] ?\d{4}")


def is_date(number: str) -> bool:
    return _DATE.fullmatch(number) is not None
