"""SIGTERM and Ctrl-C: the step is finished, a checkpoint saved, and the exit code says which signal it was."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

EXIT_CODES = {signal.SIGTERM: 0, signal.SIGINT: 130}  # a cluster that sends SIGTERM is told that all is well


class Stopper:
    """Catches signals within a `with` block; a second Ctrl-C is a KeyboardInterrupt at once.

    asked: the signal that asked to stop, or None
    """

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Stopper:
        for number in EXIT_CODES:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, _: FrameType | None) -> None:
        if self.asked is signal.SIGINT and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = signal.Signals(number)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.asked] if self.asked is not None else 0
