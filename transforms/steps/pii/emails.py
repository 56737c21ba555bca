"""E-mail addresses: as they are written, and, where asked for, spelled out against collectors ("x [at] y [dot] com").

Scripts that put no blanks between words end an address where they begin. An address of letters is Latin, Cyrillic,
Greek, …, as RFC 6531 allows; one of Chinese, Japanese, Thai or Korean letters is one only under a domain of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from transforms.steps.pii import context, words
from transforms.steps.pii.entities import LIKELY, SURE, Span

# IANA's root zone, the domains of whole countries and the oldest others in scripts without blanks.
_UNSPACED_TLD = (
    "中国|中國|香港|台湾|台灣|澳門|新加坡|公司|网络|網路|在线|中文网|网址|世界|みんな|コム|ไทย|ລາວ|한국|닷컴|닷넷"
)
_U = words.UNSPACED
_SIGNS = r"!#$%&'*+/=?^`{|}~-"


def _address(word: str, label: str = "", top: str = "") -> re.Pattern[str]:
    """An address of words with dots between.

    word: class of letters, digits and the underscore
    label, top: a further form of a domain's label, and of its last
    """
    local = rf"[\w{_SIGNS}]" if word == r"[^\W]" else f"(?:{word}|[{_SIGNS}])"  # a class is faster than a choice
    alphanumeric, letter = word.replace(r"\W", r"\W_"), word.replace(r"\W", r"\W\d_")
    labels = rf"(?:{alphanumeric}(?:(?:{word}|-){{0,61}}{alphanumeric})?{label})"
    return re.compile(
        rf"(?<!{word})(?<![.{_SIGNS}]){local}{{1,64}}(?:\.{local}{{1,64}}){{0,8}}"
        rf"[@＠](?:{labels}\.){{1,8}}(?:{letter}{{2,24}}|xn--[a-z0-9-]{{2,59}}{top})(?!{word}|-)"
    )


_UNSPACED = re.compile(f"[{_U}＠]")
_EMAIL = _address(r"[^\W]")
_EMAIL_AMID_UNSPACED = _address(rf"[^\W{_U}]", rf"|[{_U}][{_U}0-9-]{{0,30}}", f"|{_UNSPACED_TLD}")
_UNSPACED_EMAIL = re.compile(rf"(?<![\w.])[{_U}]{{1,8}}[@＠](?:[{_U}][{_U}0-9-]{{0,30}}\.){{1,3}}(?:{_UNSPACED_TLD})")
_FILE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|js|css|html?|pdf|mp4|ico|zip)$", re.IGNORECASE)  # icon@2x.png


def written(window: str) -> Iterator[Span]:
    """Addresses with their sign."""
    unspaced = not window.isascii() and _UNSPACED.search(window) is not None
    for match in (_EMAIL_AMID_UNSPACED if unspaced else _EMAIL).finditer(window):
        if not _FILE.search(match[0]) and not match[0].startswith("git@"):  # a repository's address
            start = match.start() + len(match[0]) - len(match[0].lstrip("'`{|"))
            yield Span(start, match.end(), "EMAIL_ADDRESS", SURE)
    if unspaced:
        for match in _UNSPACED_EMAIL.finditer(window):
            yield Span(*match.span(), "EMAIL_ADDRESS", LIKELY)


# --- Spelled out ------------------------------------------------------------------------------------------------------

_OPEN, _CLOSE = r"[\[({<]", r"[\])}>]"
_DOT_WORD = r"(?:dot|ponto|punto|punkt|point)"
_SPELLED_DOT = rf"(?: ?{_OPEN} ?(?:{_DOT_WORD}|\.) ?{_CLOSE} ?| {_DOT_WORD} )"
_DOT = rf"(?:\.|{_SPELLED_DOT})"
_SIGN = rf"(?: ?{_OPEN} ?(?:at|arroba|ät|@) ?{_CLOSE} ?| arroba )"
_NAME = rf"(?<![\w.+-])[^\W_][\w.+-]{{0,63}}(?:{_SPELLED_DOT}[\w+-]{{1,63}}){{0,3}}"
_HOST = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_SPELLED = re.compile(rf"{_NAME}{_SIGN}(?P<domain>{_HOST}(?:{_DOT}{_HOST}){{1,5}})", re.IGNORECASE)
_SAID = re.compile(
    rf"{_NAME}(?: at | ?@ ?)(?P<domain>{_HOST}(?:{_SPELLED_DOT}{_HOST}){{1,5}})", re.IGNORECASE
)  # needs a word
SPELLED_CANDIDATE = re.compile(
    rf"{_OPEN} ?(?:at|arroba|ät|@) ?{_CLOSE}| arroba |[ @]\w[\w-]*{_SPELLED_DOT}", re.IGNORECASE
)
_ANY_DOT = re.compile(_DOT, re.IGNORECASE)
# An arroba is a weight too, 15 kg: "o preço da arroba …".
_BEFORE_WEIGHT = frozenset(
    ["a", "à", "as", "da", "das", "de", "do", "e", "em", "na", "o", "ou", "por", "pela", "uma", "cada", "per"]
)

# "our address is at the dot com"
_NO_NAMES = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "me",
        "us",
        "it",
        "look",
        "looking",
        "arrive",
        "the",
        "this",
        "that",
        "these",
        "a",
        "an",
        "our",
        "your",
        "my",
    ]
)


def spelled(window: str) -> Iterator[Span]:
    """Addresses that say their sign, or their dots, in words. The last label must be a known top-level domain."""
    for expression in (_SPELLED, _SAID):
        for match in expression.finditer(window):
            if expression is _SAID and not context.follows(window, match.start(), words.EMAIL, context.BEFORE):
                continue
            if expression is _SAID and not _NO_NAMES.isdisjoint(match[0].lower().split()):
                continue
            length = _length_of_domain(match["domain"])
            if length and match[0].split(" ", 1)[0].lower() not in _BEFORE_WEIGHT:
                yield Span(match.start(), match.start("domain") + length, "EMAIL_ADDRESS", LIKELY)


def _length_of_domain(text: str) -> int:
    """Characters of the longest domain that ends in a top-level domain: 10 of "uol.com.br ponto final"; 0 if none."""
    dots = list(_ANY_DOT.finditer(text))
    ends = [*(dot.start() for dot in dots[1:]), len(text)]
    for dot, end in zip(reversed(dots), reversed(ends), strict=True):
        if text[dot.end() : end].lower() in words.TLDS:
            return end
    return 0
