"""The two exceptions that a command reports in one line: bad input (exit code 2) and a broken run (exit code 1).

And faults of the system, with the file that they are about.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

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


class NamedReader(io.RawIOBase):
    """A local file whose faults name it, as the system's do only when it is opened."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._file: Any = Path(path).open("rb", buffering=0)  # noqa: SIM115 - closed with this

    def readinto(self, buffer: Any) -> int | None:
        try:
            return self._file.readinto(buffer)
        except OSError as error:
            raise named(error, self.name) from error.__cause__

    def readall(self) -> bytes:
        try:
            return self._file.readall()
        except OSError as error:
            raise named(error, self.name) from error.__cause__

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def fileno(self) -> int:
        return self._file.fileno()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def named(error: OSError, path: str) -> OSError:
    """The error of a system call, with the file that it is about if it names none."""
    if error.errno is not None and error.filename is None:
        error.filename = path
    return error
