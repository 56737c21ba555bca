"""Telephone numbers: the library that Presidio asks says which are valid, form or words around say which are meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache, partial

from transforms.steps.pii import context, words
from transforms.steps.pii.entities import LIKELY, SURE, WEAK
from transforms.steps.pii.help_lines import is_help_line
from transforms.steps.pii.phone_forms import (
    ANY_REGION,
    CANDIDATE,
    CARRIER,
    KEYS,
    LOCAL_SHAPES,
    REGIONS,
    SEVERAL,
    SHAPES,
    VANITY,
    plain,
    special_forms,
)

MIN_DIGITS, MAX_DIGITS = 8, 15  # ITU-T E.164 allows 15
MIN_LOCAL_DIGITS = 7
MIN_ABROAD = 11  # with 00 as the prefix: 006-83-4889 is no call to Malaysia
UNSPACED_REACH = 16  # characters before a number in text without blanks

BRAZIL_ALWAYS = ("(", "0300", "0500", "0800", "0900")  # also where the library doesn't know the block

Scored = tuple[int, int, float]  # start, end, score


class PhoneFinder:
    """Loaded once a process.

    keep_help_lines: leave numbers of help_lines.py as they are
    """

    def __init__(self, keep_help_lines: bool = False) -> None:
        from phonenumbers import Leniency, PhoneNumberMatcher

        self._keep_help_lines = keep_help_lines
        self._matches = partial(PhoneNumberMatcher, leniency=Leniency.VALID)
        self.is_valid = lru_cache(10_000)(self._is_valid)  # 20 to 50 µs if asked anew

    def _is_valid(self, number: str, region: str) -> bool:
        least = len(number.strip("() ")) - 1
        return any(item.end - item.start >= least for item in self._matches(number, region))

    def find(self, window: str, language: str) -> Iterator[tuple[int, int, float]]:
        """(start, end, score) of numbers in a short text."""
        for start, end, score in self._all(window, language):
            if not (self._keep_help_lines and is_help_line(plain(window[start:end]))):
                yield start, end, score

    def _all(self, window: str, language: str) -> Iterator[Scored]:
        least = MIN_LOCAL_DIGITS if language in LOCAL_SHAPES else MIN_DIGITS
        for match in CANDIDATE.finditer(window):
            digits = sum(map(str.isdigit, match[0]))
            if digits < least:
                continue
            if digits > MAX_DIGITS:
                yield from self._several(window, *match.span(), language)
            elif score := self._score(window, *match.span(), language):
                yield *match.span(), score
        for form in special_forms(window, language):
            for match in form.finditer(window):
                enough = sum(map(str.isdigit, match[0])) >= least
                if enough and (score := self._score(window, *match.span(), language)):
                    yield *match.span(), score

    def _several(self, window: str, start: int, end: int, language: str) -> Iterator[Scored]:
        """Numbers in a row without more than blanks between: "(19) 3242-1234 (19) 3242-5678"."""
        for match in SEVERAL.get(language, SEVERAL[""]).finditer(window, start, end):
            if ("-" in match[0] or "(" in match[0]) and (score := self._score(window, *match.span(), language)):
                yield *match.span(), score

    def vanity(self, window: str) -> Iterator[Scored]:
        """(start, end, score) of toll-free numbers that spell a word, such as 1-800-FLOWERS."""
        for match in VANITY.finditer(window):
            dialled = match[0].upper().translate(KEYS)
            if not is_spelled_number(match[0]) or (
                not match[0].startswith(SURE_SPELLED) and not context.near(window, *match.span(), words.PHONE)
            ):
                continue
            if not (self._keep_help_lines and is_help_line(dialled)):
                yield *match.span(), LIKELY

    def _score(self, window: str, start: int, end: int, language: str) -> float:
        """How sure it is that window[start:end] is a telephone number; 0 if it is none."""
        number = plain(window[start:end]).replace(" - ", "-")
        number = _ENDS.sub("", number) if number.startswith("(") else number
        regions = REGIONS.get(language, ANY_REGION)
        if number.startswith(("+", "00", "(+")):
            return self._score_abroad(number, regions[0])
        if CARRIER.fullmatch(number):
            return SURE
        if is_nobodys(window, start, end, number):
            return 0.0
        unspaced = not window.isascii() and is_beside(window, start, words.UNSPACED_PHONE)
        has_word = unspaced or context.near(window, start, end, words.PHONE) or _LETTER.search(window[:start][-4:])
        has_word = bool(has_word)
        for region in regions:
            shaped = region in SHAPES and SHAPES[region].fullmatch(number) is not None
            if (
                shaped
                and (has_word or not is_range(number))
                and (self.is_valid(number, region) or (region == "BR" and number.startswith(BRAZIL_ALWAYS)))
            ):
                return SURE if has_word else LIKELY
            if has_word and self.is_valid(number, region):
                return WEAK
        return self._score_local(window, start, end, number, language) if language in LOCAL_SHAPES else 0.0

    @staticmethod
    def _score_local(window: str, start: int, end: int, number: str, language: str) -> float:
        """Of a number without an area's code, behind a word or behind another number: "(19) 3242-1234 ou 3242-5678"."""
        if not LOCAL_SHAPES[language].fullmatch(number):
            return 0.0
        if context.near(window, start, end, words.PHONE, max_after=0):
            return WEAK
        return WEAK if _AFTER_NUMBER.search(window[:start][-REACH_OF_LISTS:]) and "-" in number else 0.0

    def _score_abroad(self, number: str, region: str) -> float:
        """Of a number with its country: +55 …, 00 55 …, (+55) …"""
        if number.startswith("00") and sum(map(str.isdigit, number)) < MIN_ABROAD:
            return 0.0
        if number.startswith("(+"):
            number = number[1:].replace(")", "", 1)
        plus = number if number.startswith("+") else "+" + number[2:]
        if self.is_valid(plus, region):
            return SURE
        rest = number.lstrip("+0123456789 ")
        return LIKELY if any(shape.fullmatch(rest) for shape in SHAPES.values()) else 0.0


def is_spelled_number(text: str) -> bool:
    """Whether a toll-free prefix and what follows are meant as a number: "800 DOLLARS" and "1-800-more" are not.

    Seven keys are dialled; words of up to ten letters are advertised. Small letters stand only behind a hyphen.
    """
    code = re.match(r"(?:1[-. –])?\(?8\d\d\)?[-. –]{1,2}", text)
    assert code is not None  # by its expression
    rest = text[code.end() :]
    keys = [char for char in rest if char.isalnum()]
    letters = [char for char in keys if char.isalpha()]
    if not 7 <= len(keys) <= 10 or len(letters) < 3:
        return False
    if any(char.islower() for char in letters):
        return text.startswith("1-") and code[0].endswith("-")
    return text.startswith(("1", "(")) or code[0].endswith(("-", "–"))


def is_nobodys(window: str, start: int, end: int, number: str) -> bool:
    """Whether form or words say that a number is no telephone's: dates, orders, pages, sums."""
    if context.follows(window, start, words.NO_NUMBER) or is_date(number):
        return True
    if _FOURS.fullmatch(number) and context.follows(window, start, words.PAGES, 2):
        return True
    if not window.isascii() and is_beside(window, start, words.UNSPACED_NO_NUMBER):
        return True
    if window[:start].rstrip().endswith(CURRENCIES):
        return True
    return _THOUSANDS.fullmatch(number) is not None and not words.UNITS.isdisjoint(context.after(window, end, 2))


def is_beside(window: str, start: int, names: tuple[str, ...]) -> bool:
    """Whether a word of text without blanks stands shortly before window[start]."""
    piece = window[max(start - UNSPACED_REACH, 0) : start].rpartition("\n")[2]
    return any(name in piece for name in names)


def is_range(number: str) -> bool:
    """Whether it may be a range of pages or of numbers, as 4004-4012 is."""
    if not _FOURS.fullmatch(number):
        return False
    return 0 <= int(number[-4:]) - int(number[:4]) < WIDEST_RANGE


CURRENCIES = ("$", "€", "£", "EUR", "USD")
SURE_SPELLED = ("1", "(", "800")  # 877-AIRLINE may be a model
WIDEST_RANGE = 100  # pages
REACH_OF_LISTS = 60  # characters of a list of numbers
_ENDS = re.compile(r"(?:/\d{2,4})+$")  # (19) 3242-1234/1235
_LETTER = re.compile(r"(?<!\w)[TPMFtpmf]: ?$")  # T: 212 555 0143
_AFTER_NUMBER = re.compile(
    r"(?:\(0?\d{2}\) ?|(?<!\d)\d{2} )9?\d{4}-\d{4}(?: ?(?:[/,;|]|e|ou) ?9?\d{4}-\d{4})* ?(?:[/,;|]|e|ou) ?$"
)
_FOURS = re.compile(r"\d{4}[ .-]?\d{4}")
_THOUSANDS = re.compile(r"\d{1,3}(?: \d{3}){2}")
_DATE = re.compile(
    r"\d{1,2}[.\- ]\d{1,2}[.\- ]\d{2,4}|\d{4}[.\- ]\d{1,2}[.\- ]\d{1,2}|(?:\d\d[ -])?(?:1\d|20)\d\d ?- ?(?:1\d|20)\d\d"
)


def is_date(number: str) -> bool:
    """Whether a number is written as a date or as a pair of years is."""
    return _DATE.fullmatch(number) is not None
