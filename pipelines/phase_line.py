"""One line on stderr that tells how far a run in phases is: phase, documents per second, time left in the phase."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any, TextIO

from pipelines.progress import PLAIN_EVERY_S, REFRESH_S, duration
from schemas.storage import is_local, join, list_files, read_json

# Phases that go through all documents; the others move packed hashes and are short.
COUNTED = ("sign", "rewrite", "encode")


class PhaseLine:
    """Watches an output directory from outside, so that it works the same on every runner."""

    def __init__(self, run: Any, shown: bool = True, out: TextIO = sys.stderr) -> None:
        self._run, self._shown, self._out = run, shown, out
        self._over = threading.Event()
        self._phase, self._began, self._first = "", time.monotonic(), 0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PhaseLine:
        if self._shown:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._over.set()
            self._thread.join()
            self._end_phase("done in" if kind is None else "ended after")

    def begin(self, phase: str) -> None:
        """A phase starts; what an earlier run left of it counts as done, not as speed."""
        if self._phase and self._shown:
            self._end_phase()
        self._phase, self._began = phase, time.monotonic()
        self._first = self.documents()

    def _watch(self) -> None:
        interactive = self._out.isatty()
        while not self._over.wait(REFRESH_S if interactive else PLAIN_EVERY_S):
            if self._phase:
                self._write(self.line())

    def _write(self, line: str) -> None:
        self._out.write(f"\r\x1b[2K{line}" if self._out.isatty() else f"{line}\n")
        self._out.flush()

    def _end_phase(self, how: str = "done in") -> None:
        if self._phase:
            self._write(f"{self._phase:<10} {how} {duration(time.monotonic() - self._began)}")
            if self._out.isatty():
                self._out.write("\n")

    def documents(self) -> int:
        """Documents that the phase has gone through; 0 in a phase that does not count them."""
        if self._phase not in COUNTED:
            return 0
        done, unfinished = 0, {}
        for part in self._run.parts:
            if self._run.is_done(self._phase, part):
                done += part.rows
            else:
                unfinished[str(part.ordinal)] = part
        folder = join(self._run.output, ".progress")
        for path in list_files(folder, ".json") if is_local(folder) else []:
            if path.rpartition("/")[2].removesuffix(".json") in unfinished:
                try:
                    done += read_json(path)["documents"]
                except FileNotFoundError:  # the part ended meanwhile; the next look counts it
                    continue
        return done

    def line(self) -> str:
        elapsed = max(time.monotonic() - self._began, 1e-3)
        if self._phase not in COUNTED:
            return f"{self._phase:<10} {duration(elapsed)}"
        done, total = self.documents(), self._run.documents
        rate = (done - self._first) / elapsed
        left = duration((total - done) / rate) if rate else "?"
        return f"{self._phase:<10} {done / max(total, 1):4.0%}  {done:,} documents  {rate:,.0f}/s  ETA {left}"
