"""What a terminal or a pipe can't take: arguments that are no UTF-8, and characters that an encoding lacks."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterable

# Signs of tables and sentences, as plain ASCII writes them; of the same width where they stand in columns.
PLAIN = {
    **{"✓": "+", "✗": "x", "−": "-", "–": "-", "—": "-", "‑": "-", "…": "...", "·": ".", "×": "x", "±": "+-"},
    **{"→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≠": "!=", "√": "sqrt ", "\u00a0": " ", "\u202f": " "},
    **{"“": '"', "”": '"', "‘": "'", "’": "'", "█": "#", "─": "-", "│": "|", "⏎": "\\n", "⇥": "\\t", "␍": "\\r"},
}
HANDLER = "bateia_plain"


def make_streams_safe() -> None:
    """Let standard output and error write any text: what their encoding lacks by PLAIN or by its code point."""
    codecs.register_error(HANDLER, as_plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=HANDLER)  # type: ignore[union-attr] - tests put StringIO there


def as_plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler of codecs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in lacking), error.end


def writes_unicode() -> bool:
    """Whether standard output can write every character."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")


def not_utf8(words: Iterable[str]) -> str | None:
    """The first of a command's words that is no UTF-8, so that it can be shown; None if there is none."""
    for word in words:
        if not word.isascii():
            try:
                word.encode()
            except UnicodeEncodeError:
                return os.fsencode(word).decode("utf-8", "backslashreplace")
    return None
