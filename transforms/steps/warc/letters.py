"""Which of several encodings that differ in a few letters a page is in: that whose reading fits a language's letters.

Detectors count bytes and mistake ISO-8859-2 for windows-1250, which have most letters at the same place.
"""

from __future__ import annotations

import re
from itertools import islice

from transforms.steps.warc.browser_codecs import decode_as_browsers

SAMPLE_BYTES, SAMPLE_CHARS = 1 << 18, 2000  # looked at, and characters beyond ASCII in them
# Encodings that are mistaken for each other, those first that web pages are in more often.
LATIN = ("cp1252", "cp1250", "iso8859-2", "cp1254", "iso8859-15", "cp1257", "iso8859-13")
CYRILLIC = ("cp1251", "koi8-u", "iso8859-5", "mac-cyrillic")
GREEK = ("cp1253", "iso8859-7")
FAMILIES = (LATIN, CYRILLIC, GREEK)
# The second has all letters of the first. Romanian pages that a detector takes for ISO-8859-16 are older than its use:
# they have the cedillas of ISO-8859-2.
SAME = {"koi8-r": "koi8-u", "iso8859-9": "cp1254", "iso8859-1": "cp1252", "iso8859-16": "iso8859-2"}
RUSSIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"
# Letters beyond ASCII of languages that these encodings were made for, as their orthographies have them.
ALPHABETS = tuple(
    frozenset(letters)
    for letters in (
        *("àâæçéèêëîïôœùûüÿ", "áâãàçéêíóôõúü", "áéíñóúüªº", "àçèéíïòóúü·", "àèéìíîòóùú", "äöüß", "áàéèëïíóöüúê"),
        *("åäöéü", "æøåéòô", "áðéíóúýþæö", "äöåšž", "äõöüšž", "çğıöşüâîûi̇"),
        *(
            "ąćęłńóśźż",
            "áčďéěíňóřšťúůýž",
            "áäčďéíĺľňóôŕšťúýž",
            "áéíóöőúüű",
            "čćđšž",
            "ăâîşţșț",
            "āčēģīķļņšūž",
            "ąčęėįšųūž",
        ),
        *(RUSSIAN, RUSSIAN + "іїєґў", "абвгдђежзијклљмнњопрстћуфхцчџшѓќѕ", "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"),
    )
)
BEYOND_ASCII = re.compile("[^\x00-\x7f]")
# Costs against 1 for a letter that fits, chosen so that one impossible sign outweighs two letters.
STRANGE, WRONG_CASE, SIGN_IN_WORD, CONTROL = 1, 2, 2, 5


def settled(body: bytes, guess: str) -> str:
    """The codec of the guess's family whose reading of the body is the most plausible; the guess itself if none is more
    so, or if it is of no family."""
    guess = SAME.get(guess, guess)
    family = next((codecs for codecs in FAMILIES if guess in codecs), ())
    sample = body[:SAMPLE_BYTES]
    best, most = guess, plausibility(sample, guess) if family else 0
    for codec in family:
        if (score := plausibility(sample, codec)) > most:
            best, most = codec, score
    return best


def plausibility(sample: bytes, codec: str) -> int:
    """How well the letters beyond ASCII fit the alphabet that they fit best, less what no text has."""
    text = decode_as_browsers(sample, codec)[0]
    counts: dict[str, int] = {}
    faults = 0
    for match in islice(BEYOND_ASCII.finditer(text), SAMPLE_CHARS):
        char, index = match[0], match.start()
        before, after = text[index - 1 : index], text[index + 1 : index + 2]
        if char.isalpha():
            counts[char] = counts.get(char, 0) + 1
            faults += WRONG_CASE * (char.isupper() and before.islower())
        elif char <= "\x9f":
            faults += CONTROL
        else:
            faults += SIGN_IN_WORD * (char not in "’·-" and before.isalpha() and after.isalpha()) + (char == "¤")
    total = sum(counts.values())
    lower: dict[str, int] = {}
    for char, count in counts.items():
        lower[char.lower()] = lower.get(char.lower(), 0) + count
    fitting = max(sum(count for char, count in lower.items() if char in alphabet) for alphabet in ALPHABETS)
    return fitting - STRANGE * (total - fitting) - faults
