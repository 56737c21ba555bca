"""Characters that an extractor must not see, and invisible ones that a text must keep."""

from __future__ import annotations

import re

try:
    from transforms.steps.extract import characters_c
except ImportError:  # not built: there was no compiler
    characters_c = None

# What XML 1.0 can't hold (section 2.2), NUL and the halves of surrogate pairs included. A tree of libxml2 can't either.
IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
CONTROLS = bytes({*range(0x20)} - {*b"\t\n\r"})
NONCHARACTERS = ("\ufffe".encode(), "\uffff".encode())
# A numeric reference, and what before it would make another one with what follows, were it only taken out.
REFERENCE = re.compile(r"&((?:#[xX]?)?&)?#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")
MAX_DIGITS = 8  # more are beyond Unicode, and int() of a million digits is slow
# References to C1 controls mean windows-1252's characters (HTML standard, 13.2.5.80).
WINDOWS_1252 = {byte: char for byte in range(0x80, 0xA0) if (char := bytes([byte]).decode("cp1252", "ignore"))}
SPACES = "\x0b\x0c"  # a form feed separates words in HTML; word processors write a vertical tab for a new line

# Scripts that write joiners within words: Arabic to Sinhala, Tibetan, Myanmar, Khmer, Mongolian, the extensions of
# Indic scripts, Arabic's presentation forms and the Brahmic scripts of the supplementary planes.
JOINING = "\u0600-\u0dff\u0f00-\u109f\u1780-\u18af\u1a20-\u1aaf\u1b00-\u1c4f\ua800-\ua8ff\ua980-\uaaff\uabc0-\uabff"
JOINING += "\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00010fff\U00011000-\U00011fff"
# What may stand on either side of a joiner within one emoji: pictures, arrows, tags' black flag, skin tones, U+FE0F.
PICTURES = "\u00a9\u00ae\u203c-\u3299\ufe0f\U0001f000-\U0001faff"
# Format characters that are seen, or without which a word is spelt wrong. Marks of numbers in Arabic and Syriac, of
# verses, of numbers in Kaithi; Mongolian's vowel separator; joiners of hieroglyphs.
WRITTEN = "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u180e\U000110bd\U000110cd\U00013430-\U00013440"
BELONGS = re.compile(
    f"[{WRITTEN}]"
    f"|(?<=[{JOINING}])[\u200c\u200d]|[\u200c\u200d](?=[{JOINING}])"
    f"|(?<=[{PICTURES}])\u200d(?=[{PICTURES}])"
    # A flag of a part of a country: a black flag, letters as tags, and the tag that ends it.
    "|(?<=\U0001f3f4)[\U000e0020-\U000e007e]{1,16}\U000e007f"
)


def without_impossible(html: str) -> str:
    """HTML without the characters that XML can't hold, raw or as a numeric reference, wherever they stand.

    A form feed and a vertical tab become a space: they separate words. References that browsers read as a character of
    windows-1252 become that character. Takes time linear in the page.
    """
    if may_hold_impossible(html):  # raw ones go first, for they may stand within a reference
        html = IMPOSSIBLE.sub(_as_space_or_nothing, html)
    if characters_c is not None:
        return characters_c.without_references(html, REFERENCE.match, _possible_reference)
    return REFERENCE.sub(_possible_reference, html)


def _may_hold_impossible(html: str) -> bool:
    """Whether any of IMPOSSIBLE is in a text: looked for in its bytes, in half the time of the expression."""
    try:
        encoded = html.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return True
    return len(encoded.translate(None, CONTROLS)) < len(encoded) or any(char in encoded for char in NONCHARACTERS)


may_hold_impossible = _may_hold_impossible if characters_c is None else characters_c.has_impossible


def _possible_reference(match: re.Match[str]) -> str:
    before, hexadecimal, decimal = match.groups()
    digits = (hexadecimal or decimal).lstrip("0") or "0"
    number = int(digits, 16 if hexadecimal else 10) if len(digits) <= MAX_DIGITS else 0x110000
    if number > 0x10FFFF:
        meant = ""
    elif bad := IMPOSSIBLE.match(chr(number)):
        meant = _as_space_or_nothing(bad)
    elif number in WINDOWS_1252:
        meant = WINDOWS_1252[number]
    else:  # with its semicolon, so that no digit that follows a character taken out joins it
        return match[0].removesuffix(";") + ";"
    return f"&amp;{before[:-1]}{meant}" if before else meant


def _as_space_or_nothing(match: re.Match[str]) -> str:
    return " " if match[0] in SPACES else ""


def without_invisible(text: str) -> str:
    """A text without characters that print nothing, except spaces and those that belong to words and emoji."""
    if text.isprintable():
        return text
    kept = {match.start() + step for match in BELONGS.finditer(text) for step in range(len(match[0]))}
    return "".join(char for index, char in enumerate(text) if char.isprintable() or char.isspace() or (index in kept))
