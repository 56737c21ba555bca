"""Which words stand around a number.

Distances count words and leave out those with digits, '@' or '<': so a value and the placeholder put in its place are
equally near, and scrubbing a text again sees the same words.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import accumulate, islice

from transforms.steps.pii.words import CITIES, STATES, STREET

BEFORE, AFTER = 6, 3  # words
REACH = 120  # characters

_WORD = re.compile(r"[^\W\d_]+")
# Abbreviations with dots are words too: C.E.P.
_COUNTED = re.compile(r"(?<![\w@<.])(?:(?:[^\W\d_]\.){2,5}[^\W\d_]?|[^\W\d_]+(?:['’-][^\W\d_]+)*)(?![\w@>])")


def _counted(word: str) -> str:
    """A word as the lists of words have it: "cep" for "C.E.P."."""
    return word.lower().replace(".", "")


def before(text: str, start: int, max_words: int = BEFORE) -> list[str]:
    """The last words before text[start], lower case, nearest last. They are of one line."""
    piece = text[max(start - REACH, 0) : start].rpartition("\n")[2]
    return [_counted(word) for word in _COUNTED.findall(piece)[-max_words:]]


def after(text: str, end: int, max_words: int = AFTER) -> list[str]:
    piece = text[end : end + REACH].partition("\n")[0]
    return [_counted(match[0]) for match in islice(_COUNTED.finditer(piece), max_words)]


@lru_cache(16)
def _vocabulary(text: str) -> frozenset[str]:
    return frozenset(map(_counted, _COUNTED.findall(text)))


def near(text: str, start: int, end: int, words: frozenset[str], max_after: int = AFTER) -> bool:
    if words.isdisjoint(_vocabulary(text)):  # so a text full of numbers and without words costs little
        return False
    if _word_beside(text, start) in words:
        return True
    return not (words.isdisjoint(before(text, start)) and words.isdisjoint(after(text, end, max_after)))


def follows(text: str, start: int, words: frozenset[str], max_words: int = 3) -> bool:
    """Whether one of `words` is among the last `max_words` before text[start]."""
    if words.isdisjoint(_vocabulary(text)):
        return False
    return _word_beside(text, start) in words or not words.isdisjoint(before(text, start, max_words))


def _word_beside(text: str, start: int) -> str:
    """The word just before text[start], lower case, without a colon and blanks: "fone" of "Ligue: fone: 3242-1234".

    Empty where no blank stands before that word. Most numbers with a word about them have it here, so that the words
    further off need no look.
    """
    space = text.rfind(" ", start - REACH if start > REACH else 0, start - 1) if start else -1
    return text[space + 1 : start].strip(" :").lower() if space >= 0 else ""


def among(text: str, words: frozenset[str]) -> bool:
    """Whether one of `words` stands anywhere in a text; near() and follows() are false without."""
    return not words.isdisjoint(_vocabulary(text))


def in_address(text: str, start: int) -> bool:
    """Whether a state of Brazil stands just before text[start]."""
    return any(word in STATES for word in _WORD.findall(text[max(start - 12, 0) : start])[-1:])


# A name of a place behind a post code, and the state that may follow it: "13083-970 Campinas - SP".
_TOWN = re.compile(
    r"[ ,–-]{1,3}([A-ZÀ-Ý][\w'’]+(?:(?: d[aeo]s?| e)? [A-ZÀ-Ý][\w'’]+){0,3})(?:\s{0,2}[-/,–(]\s{0,2}([A-Z]{2})(?!\w))?"
)
_LAST_WORDS = re.compile(r"([A-ZÀ-Ý][\w'’]+(?: [\w'’]+){0,3})[ ,–-]{1,3}$")
STREET_WORDS = 12  # words before a post code among which a street may stand


def is_addressed(text: str, start: int, end: int) -> bool:
    """Whether a state or a place stands beside text[start:end] as beside a post code of Brazil."""
    return in_address(text, start) or after_town(text, start) or before_town(text, start, end)


def after_town(text: str, start: int) -> bool:
    """Whether one of the large cities stands just before text[start], as in "São Paulo, 01310-100"."""
    piece = text[max(start - REACH, 0) : start]
    match = _LAST_WORDS.search(piece)
    names = match[1].lower().split() if match and match[1][0].isupper() else []
    return any(" ".join(names[first:]) in CITIES for first in range(len(names)))


def before_town(text: str, start: int, end: int) -> bool:
    """Whether the name of a place stands just behind text[start:end].

    A name counts with a state of Brazil behind it, as one of the large cities, or where a street stands before.
    """
    match = _TOWN.match(text, end)
    if match is None:
        return False
    names = list(accumulate(match[1].lower().split(), "{} {}".format))  # "santos", "santos dumont"
    if match[2] in STATES or not CITIES.isdisjoint(names):
        return True
    return not STREET.isdisjoint(before(text, start, STREET_WORDS))
