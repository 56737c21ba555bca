"""The two exceptions that a command reports in one line: bad input (exit code 2) and a broken run (exit code 1)."""

from __future__ import annotations

MAX_REASON = 200  # characters; an error of Arrow may quote a whole schema, which a hostile file may have chosen


class BadInput(ValueError):
    """What the user gave can't be used. The message names the thing, the value and the remedy."""


class BrokenRun(RuntimeError):
    """The run can't go on or doesn't add up, though its input was fine. Nothing is declared finished."""


def reason(error: BaseException) -> str:
    """What a library's error says, fit for one line of a terminal."""
    text = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    first = next(iter(text.splitlines()), "") or type(error).__name__
    shown = "".join(char if char.isprintable() else "\ufffd" for char in first)
    return shown if len(shown) <= MAX_REASON else shown[: MAX_REASON - 1] + "…"
