"""How telephone numbers are written, by region: expressions over numbers in plain marks (see `plain`).

Sources: ITU-T E.123 and E.164; NANPA for North America, Anatel's Resolução 749/2022 for Brazil (codes without area
are 0300, 0500, 0800, 0900 and 300x, 303x, 400x), ANACOM's plan for Portugal (800, 808, 707, 30x), DIN 5008 and common
habit for Germany. Which numbers exist is the library's business (phones.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from transforms.steps.pii.words import UNSPACED

REGIONS = {
    "pt": ("BR", "PT"),
    "en": ("US", "GB"),
    "es": ("ES", "MX"),
    "fr": ("FR",),
    "de": ("DE",),
    "it": ("IT",),
    "nl": ("NL", "BE"),
    "ru": ("RU",),
    "ja": ("JP",),
    "zh": ("CN", "TW"),
}
ANY_REGION = ("US", "GB", "BR")

BLANKS, DASHES = "\u00a0\u2009\u202f", "\u2010\u2011\u2012\u2013\uff0d"  # beside " " and "-"
_PLAIN = str.maketrans(dict.fromkeys(BLANKS, " ") | dict.fromkeys(DASHES, "-"))

# Ways of writing that hardly anything but a telephone number has.
_SHAPES = {
    "US": r"(?:1[ .-]?)?\(\d{3}\)[ -]?\d{3}[ .-]\d{4}"
    r"|(?:1[ .-])?(?:\d{3}-\d{3}-\d{4}|\d{3}\.\d{3}\.\d{4}|\d{3} \d{3}-\d{4})"
    r"|1 \d{3} \d{3} \d{4}|\d{3}/\d{3}-\d{4}",
    "GB": r"\(0\d{2,4}\) ?\d{3,4}[ -]?\d{3,4}|0\d{2,4} \d{3,4} \d{3,4}|07\d{3} ?\d{6}|0\d{4} \d{6}"
    r"|0\d{2,4}-\d{3,4}-\d{3,4}",
    "BR": r"\(0?\d{2}\)[ -]?(?:9[ .]?)?\d{4}[ .-]?\d{4}|0?\d{2}[ -](?:9 ?)?\d{4}-\d{4}"
    r"|0[3589]00(?:[ .-]?\d{3}[ .-]?\d{3,4}|[ .-]?\d{2,3}[ .-]\d{2}[ .-]?\d{2})"
    r"|(?:300|303|400)\d-\d{4}|(?:4020|4062)-\d{4}",
    "PT": r"(?:[29]\d{2}|800|808|70[78]|30\d) \d{3} \d{3}|(?:80[08]|70[78]) \d{2} \d{2} \d{2}"
    r"|2\d \d{3} \d{2} \d{2}|9\d \d{3} \d{2} \d{2}",
    "ES": r"[6789]\d{2} \d{3} \d{3}|9\d \d{3} \d{2} \d{2}|9\d{2} \d{2} \d{2} \d{2}",
    "FR": r"0\d(?:[ .]\d{2}){4}|0 8\d{2} \d{3} \d{3}",
    "DE": r"\(?0\d{2,4}\)?[ /-]\d{5,8}|\(0\d{2,4}\) ?\d{2,4}(?:[ -]\d{2,4}){1,3}"
    r"|\(?0 ?\d{2,4}\)? ?/ ?\d{2,8}(?:(?: ?- ?| )\d{1,4}){0,4}",
    "IT": r"0\d{1,3}[ /-]\d{5,8}|3\d{2}[ ./-]\d{6,7}|3\d{2}[ .-]\d{3}[ .-]\d{4}|800[ -]\d{6}|800[ -]\d{3}[ -]\d{3}",
    "NL": r"\(?0\d{1,3}\)?[ -]\d{6,8}|\(0\d{2,3}\) ?\d{2,4}(?: \d{2,3}){1,2}|0[89]00-\d{4}",
    "BE": r"0\d{1,2}/ ?\d{2,3}[ .]\d{2}[ .]\d{2}|04\d{2}[ /]\d{2}[ .]\d{2}[ .]\d{2}|0\d \d{3} \d{2} \d{2}",
    "RU": r"8?[ -]?\(\d{3,5}\)[ -]?\d{1,3}-\d{2}-\d{2}"
    r"|8[ -]\d{3,5}[ -]\d{1,3}-\d{2}-\d{2}|8-?\(?800\)?(?:[ -]\d{2,3}){3}",
    "JP": r"0\d{1,3}-\d{1,4}-\d{4}|0\d{2,3}-\d{2,3}-\d{3}|\(0\d{1,3}\) ?\d{1,4}-\d{4}|0\d{1,3}\(\d{1,4}\)\d{4}",
    "TW": r"0\d{1,2}-\d{6,8}|0\d{1,2}-\d{3,4}-\d{3,4}|\(0\d{1,2}\) ?\d{6,8}|09\d{2}-\d{3}-?\d{3}|0800-\d{6}",
    "CN": r"0\d{2,3}-\d{7,8}|\(0\d{2,3}\) ?\d{7,8}|400-\d{3}-\d{4}",
}
SHAPES = {region: re.compile(shape) for region, shape in _SHAPES.items()}
# Several numbers in a row, with nothing but blanks or hyphens between: those with brackets or hyphens.
SEVERAL = {
    language: re.compile(
        rf"(?<![\d.,/-])(?:{'|'.join(_SHAPES[region] for region in regions if region in _SHAPES)})(?!\d|[.,/-]\d)"
    )
    for language, regions in {**REGIONS, "": ANY_REGION}.items()
}
# Without an area's code, and therefore only behind a word such as "fone".
LOCAL_SHAPES = {
    "pt": re.compile(r"[2-5]\d{3}[ .-]?\d{4}|[7-9]\d{3}[ .-]\d{4}|9[ .]?\d{4}[ .-]?\d{4}"),  # Anatel: 8 digits or 9
    "ru": re.compile(r"[1-9]\d{2}-\d{2}-\d{2}|[1-9]\d-\d{2}-\d{2}"),
}
# The carrier's two digits stood for by xx: any number in this form is Brazil's.
CARRIER = re.compile(r"\(?0?[ -]?(?:xx|XX|\*\*)[ -]?[1-9][1-9]\)?[ -]{0,2}[2-9]\d{3,4}[ .-]?\d{4}")

_MARK = rf"[ .\-{BLANKS}{DASHES}]"
_BRACKETED = rf"[(\uff08]0?\d{{1,4}}[)\uff09]{_MARK}{{0,3}}"
_BEFORE = (
    rf"(?=[(（+\d])(?:(?<![^\W{UNSPACED}]|[@#$€£%.,/+=-])|(?<=[Tt][Ee][Ll]\.)|(?<=[FfPp]h\.)|(?<=[Ff]one\.)|(?<=[Ff]ax\.)"
    r"|(?<=[Tt]lm\.)|(?<=[Tt]lf\.)|(?<=[Cc]el\.)|(?<=-\d{4}/))(?<!\d:)"
)
# Behind one number a slash and another may stand: 3242-1234/3242-5678.
_AFTER = rf"(?:(?=/\d{{4,5}}-\d{{4}}(?!\d))|(?![^\W{UNSPACED}]|%|[.,:/–-]\d))"
CANDIDATE = re.compile(
    rf"{_BEFORE}(?:\(\+\d{{1,3}}\){_MARK}{{0,2}}|\+|00(?=[1-9]))?(?:{_BRACKETED})?\d{{1,14}}"
    rf"(?:(?:{_MARK}{{0,2}}{_BRACKETED}|{_MARK}{{1,2}})\d{{1,11}}){{0,5}}{_AFTER}"
)
# Forms whose marks stand in dates and sums as well: which signs a text must have, in which languages, and the form.
_RUN = r"\d{2,8}(?:(?: ?[-–] ?|[ .])\d{1,5}){0,4}"
_SPECIAL = (
    (("xx", "XX", "**"), (), CARRIER.pattern),
    ((" - ", " – "), ("en", ""), r"\(?\d{3}\)? [-–] \d{3} [-–] \d{4}"),
    (("/",), ("en", ""), r"\d{3}/\d{3}-\d{4}"),
    (("/",), ("de", "it", "nl"), rf"\(?0 ?\d{{1,4}}\)? ?/ ?{_RUN}|3\d{{2}}/\d{{6,7}}"),
    (("/",), ("de", "it", "nl"), rf"\+\d{{2}} ?(?:\(0\) ?)?\d{{2,4}} ?/ ?{_RUN}"),
    (("/",), (), r"\(0?\d{2,3}\) ?\d{3,5}[ .-]?\d{4}(?:/\d{2,4})+"),  # with the ends of further numbers
    (("(",), ("ru",), r"8?[ -]?\(\d{3,5}\)[ -]?\d{1,3}-\d{2}-\d{2}"),
)
_SPECIAL_FORMS = [(signs, langs, re.compile(f"{_BEFORE}(?:{form}){_AFTER}")) for signs, langs, form in _SPECIAL]

# Toll-free numbers of North America that spell a word, 1-800-FLOWERS: ITU-T E.161 puts letters on the keys.
VANITY = re.compile(
    r"(?<![\w.-])(?:1[-. –])?\(?8(?:00|33|44|55|66|77|88)\)?[-. –]{1,2}"
    r"(?=[0-9-]*[A-Z]|(?<=-)[0-9-]*[a-z])[A-Za-z0-9]+(?:[-–][A-Za-z0-9]+){0,3}(?![\w@]|\.\w)"
)
VANITY_CANDIDATE = re.compile(r"8(?:00|33|44|55|66|77|88)\)?[-. –]{1,2}[0-9-–]{0,5}[A-Za-z]")
KEYS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")


def special_forms(window: str, language: str) -> Iterator[re.Pattern[str]]:
    """Further expressions for numbers of a language, of which the text has the signs."""
    for signs, languages, form in _SPECIAL_FORMS:
        if (not languages or language in languages) and any(sign in window for sign in signs):
            yield form


def plain(number: str) -> str:
    """The number with ordinary digits, blanks, hyphens and brackets."""
    return number if number.isascii() else unicodedata.normalize("NFKC", number.translate(_PLAIN)).translate(_PLAIN)
