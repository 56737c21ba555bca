"""How numbers and texts from outside are written, on pages, cards and charts alike."""

import math
import unicodedata

TEXT_LIMIT = 300  # characters of any one text, unless a section asks for another limit
JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji are spelled with them: harmless inside a passage
SPACE = "\u00a0"  # between a number and its unit
NOTHING = "–"
SIGNS = {"\n": "⏎", "\t": "⇥", "\r": "␍", " ": "·"}


def figure(value: float) -> str:
    """A number that is known to three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def visible(character: str) -> str:
    """A character as it may be shown: the unseen kinds (control, bidi, surrogate, unassigned) get a name."""
    if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        return character
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else f"⟨U+{code:04X}⟩"


def clean(text: str, limit: int = TEXT_LIMIT, keep: str = "") -> str:
    """Text from outside, capped, with nothing unseen in it but `keep`. It is not escaped."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    return "".join(character if character in keep else visible(character) for character in cut)


def passage(text: str, limit: int) -> str:
    """Text of several lines from outside: like `clean`, with its lines, tabs and joiners."""
    return clean(text.replace("\r\n", "\n"), limit, keep="\n\t" + JOINERS)


def on_one_line(text: str, keep: str = "") -> str:
    """Text on one line: what does not print is shown by a sign or its code point, so that nothing moves a cursor."""
    return "".join(
        character
        if character in keep
        else SIGNS.get(character) or (character if _prints(character) else _code(character))
        for character in text
    )


def _prints(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZ" or character == "\u200d"  # a joiner holds an emoji together


def _code(character: str) -> str:
    return f"<U+{ord(character):04X}>"


def number(value: float) -> str:
    """1994 → 1,994 and 27.648 → 27.6; a float keeps three significant digits."""
    if not math.isfinite(value):
        return NOTHING
    if value == int(value) or abs(value) >= 100:
        return f"{round(value):,}"
    return f"{value:.3g}"


def compact(count: int, thousand: int) -> str:
    """A number for an axis: 512, 1k, 64k, 2M; for powers of two a thousand is 1024."""
    for power, letter in ((3, "G"), (2, "M"), (1, "k")):
        if count >= thousand**power:
            return f"{count / thousand**power:.3g}{letter}"
    return str(count)


def share(part: float, whole: float) -> str:
    """A percentage that never says 0 or 100 unless it is exactly that."""
    if not whole:
        return NOTHING
    percent = 100 * part / whole
    if percent in (0, 100):
        return f"{percent:.0f}{SPACE}%"
    if percent < 0.05:
        return f"<0.1{SPACE}%"
    return f">99.9{SPACE}%" if 99.95 <= percent < 100 else f"{percent:.1f}{SPACE}%"


def size(count: float) -> str:
    """Bytes in decimal units: 50045990 → 50.0 MB."""
    units = ["B", "kB", "MB", "GB", "TB", "PB"]
    while count >= 999.95 and len(units) > 1:
        count, units = count / 1000, units[1:]
    return f"{count:,.{0 if units[0] == 'B' or count >= 100 else 1}f}{SPACE}{units[0]}"


def duration(seconds: float) -> str:
    """31.2 s, 2 min 05 s, 3 h 12 min."""
    if seconds < 59.95:
        return f"{seconds:.1f}{SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min {rest:02}{SPACE}s"
    return f"{minutes // 60:,}{SPACE}h {minutes % 60:02}{SPACE}min"


def span(first: int, end: int | None) -> str:
    """Whole numbers from `first` to before `end`: 1, 2 to 3, 1,024 to 2,047, 128 or more."""
    if end is None:
        return f"{first:,} or more"
    return f"{first:,}" if end == first + 1 else f"{first:,} to {end - 1:,}"


def file_name(path: str) -> str:
    """The last part of a path or URI: the folders are private to this machine."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]
