"""SIGTERM and Ctrl-C: answered within a second, whatever the main thread does, such as compiling.

What is done and not saved is saved first: the step under way is finished and a checkpoint written. With nothing to
save, or at a second Ctrl-C, the process ends at once. The exit code says which signal it was.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from schemas.lease import release_all

EXIT_CODES = {signal.SIGTERM: 0, signal.SIGINT: 130}  # a cluster that sends SIGTERM is told that all is well


def nothing_to_save() -> bool:
    """Of a training that has not begun."""
    return False


class Stopper:
    """Catches signals within a `with` block.

    Python runs a signal's handler only between two of its own instructions, so a thread of its own reads signals from a
    socket that the interpreter writes them to at once (`signal.set_wakeup_fd`).

    asked: the signal that asked to stop, or None
    has_unsaved: whether ending at once would lose finished steps
    kept: a sentence that says what is kept
    """

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None
        self.has_unsaved: Callable[[], bool] = nothing_to_save
        self.kept: Callable[[], str] = lambda: "stopped before the first step. The same command begins again"
        self._before: dict[signal.Signals, Any] = {}
        self._sockets: tuple[socket.socket, socket.socket] | None = None

    def __enter__(self) -> Stopper:
        for number in EXIT_CODES:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._ask)
        self._sockets = receiving, sending = socket.socketpair()
        sending.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(sending.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(receiving,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for end in self._sockets or ():
            end.close()

    def _ask(self, number: int, _: FrameType | None) -> None:
        self.asked = signal.Signals(number)

    def _watch(self, receiving: socket.socket) -> None:
        """Answer signals until the block ends."""
        answered: set[int] = set()
        while data := receive(receiving):
            for number in data:
                if number in self._before:
                    self._answer(signal.Signals(number), number in answered)
                    answered.add(number)

    def _answer(self, number: signal.Signals, again: bool) -> None:
        if not self.has_unsaved() or (again and number == signal.SIGINT):
            leave(f"bateia: {self.kept()}.", EXIT_CODES[number])
        if not again:
            what = "stopping when the step under way is finished and saved; Ctrl-C once more ends at once"
            sys.stderr.write(f"\nbateia: {what}\n")
            sys.stderr.flush()

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.asked] if self.asked is not None else 0


def receive(receiving: socket.socket) -> bytes:
    """The next signals' numbers; none when the socket is closed."""
    try:
        return receiving.recv(64)
    except OSError:
        return b""


def leave(text: str, code: int) -> NoReturn:
    """End this process at once, from any thread: checkpoints are written whole or not at all."""
    release_all()
    sys.stderr.write(f"\n{text}\n")
    sys.stderr.flush()
    os._exit(code)
