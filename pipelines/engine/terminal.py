"""A line that is written over on a terminal, as wide as that is; where there is no such terminal, plain lines."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import unicodedata
from typing import TextIO

DEFAULT_COLUMNS = 80  # of a terminal that doesn't say
START_NOTE_S = 1.0  # seconds without a word
START, CLEAR = "\r", "\x1b[2K"


def is_terminal(stream: TextIO) -> bool:
    """Whether a line can be written over there: a terminal that moves its cursor."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def has_colours(stream: TextIO) -> bool:
    """Whether colours are wanted there (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def columns() -> int:
    """Width of the terminal."""
    return max(shutil.get_terminal_size((DEFAULT_COLUMNS, 24)).columns, 1)


def fitted(line: str, width: int) -> str:
    """The line, cut where it would reach beyond `width` columns; wide characters take two."""
    wide = [2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line]
    if sum(wide) <= width:
        return line
    used = 0
    for index, columns_of_one in enumerate(wide):
        used += columns_of_one
        if used > width - 1:
            return line[:index] + "…"
    return line


class StatusLine:
    """What is under way, in one line that the next one replaces. Escape codes go to terminals that want them alone.

    out: where to; by default standard error.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self.replaces = is_terminal(self._out)
        self._width = 0  # characters that are to be written over where no code may clear them

    def write(self, line: str) -> None:
        """Show a line instead of the one before; a stream that is no terminal gets it as a line of its own."""
        if StartNote.shown is not None:
            StartNote.shown.cancel()
        if not self.replaces:
            self._out.write(f"{line}\n")
        else:
            line = fitted(line, columns() - 1)  # the last column may move the cursor to the next line
            clear = CLEAR if has_colours(self._out) else ""
            padding = "" if clear else " " * (self._width - len(line))
            self._out.write(f"{START}{clear}{line}{padding}")
            self._width = len(line)
        self._out.flush()

    def keep(self) -> None:
        """Leave the line as it is: what comes begins below it."""
        if self.replaces:
            self._out.write("\n")
            self._out.flush()
        self._width = 0

    def clear(self) -> None:
        """Take the line away."""
        if self.replaces:
            blank = CLEAR if has_colours(self._out) else " " * self._width + START
            self._out.write(f"{START}{blank}")
            self._out.flush()
        self._width = 0


class StartNote:
    """Says that a command has begun, unless it ends or shows a line of its own soon: loading models takes seconds."""

    shown: StartNote | None = None  # the one that waits, of this process

    def __init__(self, text: str, after_s: float = START_NOTE_S) -> None:
        self._timer = threading.Timer(after_s, lambda: sys.stderr.write(f"{text}\n"))
        self._timer.daemon = True

    def __enter__(self) -> StartNote:
        StartNote.shown = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def cancel(self) -> None:
        """Something else was shown."""
        self._timer.cancel()
