"""How messages are worded: a number of things, and a command to type."""

from __future__ import annotations

import shlex


def plural(count: int, noun: str, many: str = "") -> str:
    """1 page, 1,994 pages; many: the plural where it is no mere "s", as of "copy"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {many or noun + 's'}"


def command_line(*words: object) -> str:
    """A call of `bateia` as it is to be typed, in backquotes. Words that a shell would take apart are quoted."""
    return f"`{typed(*words)}`"


def typed(*words: object) -> str:
    """A call of `bateia` as one pastes it."""
    return f"bateia {shlex.join(map(str, words))}"
