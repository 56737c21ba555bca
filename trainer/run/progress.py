"""One line on stderr: step, loss, tokens per second, MFU, time left."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import Any, TextIO

from trainer.run.folder import LOG
from trainer.run.loop import Hook, Training

REFRESH_S = 0.5
PLAIN_EVERY_S = 30.0  # where stderr is a file or a pipe, a line now and then is enough
BEGINNING_EVERY_S = 10.0
AVERAGED = 50  # steps
PACED = 3  # steps after which the time left is first told: the first one is compiled, and the second may wait for it


class ProgressLine(Hook):
    """Shows the newest line of log.jsonl and what is noted.

    steps: of the whole training
    quiet: show notes alone
    out: stderr unless given
    """

    def __init__(self, steps: int, quiet: bool, out: TextIO | None = None) -> None:
        self._steps, self._quiet, self._out = steps, quiet, out or sys.stderr
        self._recent: deque[dict[str, Any]] = deque(maxlen=AVERAGED)
        self._interactive = self._out.isatty()
        self._last = time.monotonic()
        self._line = ""
        self._begun = threading.Event()

    def on_start(self, training: Training) -> None:
        """Show that the time before the first step passes with compiling and evaluating, until it is done."""
        if not self._quiet and training.is_first:
            threading.Thread(target=self._show_beginning, daemon=True).start()

    def _show_beginning(self) -> None:
        began = time.monotonic()
        while not self._begun.wait(1.0 if self._interactive else BEGINNING_EVERY_S):
            text = f"compiling and evaluating, before the first step: {duration(time.monotonic() - began)}"
            self._write(f"\r\x1b[2K{text}" if self._interactive else f"{text}\n")

    def on_log(self, name: str, line: dict[str, Any]) -> None:
        if name != LOG:
            return
        self._begun.set()
        self._recent.append(line)
        self._line = summary(list(self._recent), self._steps)
        now = time.monotonic()
        is_first_pace = len(self._recent) == PACED and line["step"] + 1 < self._steps
        wait_s = 0.0 if is_first_pace else REFRESH_S if self._interactive else PLAIN_EVERY_S
        if self._quiet or now - self._last < wait_s:
            return
        self._last = now
        self._write(f"\r\x1b[2K{self._line}" if self._interactive else f"{self._line}\n")

    def on_note(self, text: str) -> None:
        """A line that stays, above the progress."""
        self._write(f"\r\x1b[2K{text}\n" if self._interactive else f"{text}\n")

    def on_end(self, training: Training) -> None:
        self._begun.set()
        if not self._quiet and self._line:
            self.on_note(self._line)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def summary(recent: list[dict[str, Any]], steps: int) -> str:
    """Share done, step, loss, pace, MFU and time left.

    recent: the last lines of log.jsonl
    steps: of the whole training
    """
    last = recent[-1]
    done = last["step"] + 1
    timed = recent[1:] if len(recent) > 1 else recent  # the first step of a process is its compilation
    seconds = sum(item["seconds"] for item in timed)
    rate = sum(item["tokens"] for item in timed) / seconds if seconds else 0.0
    left = duration((steps - done) * seconds / len(timed))
    mfus = [item["mfu"] for item in timed if item["mfu"] is not None]
    mfu = f"  MFU {sum(mfus) / len(mfus):.1%}" if mfus else ""
    loss = "not finite" if last["loss"] is None else f"{last['loss']:.4f}"
    return f"{done / steps:4.0%}  step {done:,}/{steps:,}  loss {loss}  {rate:,.0f} tokens/s{mfu}  ETA {left}"


def duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
