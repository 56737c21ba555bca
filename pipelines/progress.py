"""One line on stderr that tells how far a run is: pages per second, kept share, time left."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

from schemas.storage import is_local, join, list_files, read_json, size_of
from transforms.units import unit_path

REFRESH_S = 1.0
PLAIN_EVERY_S = 30.0  # where stderr is a file or a pipe, a line now and then is enough


@dataclass
class Sight:
    """What is done so far: bytes of input, pages read and kept, units finished."""

    bytes: int = 0
    read: int = 0
    kept: int = 0
    units: int = 0


class ProgressLine:
    """Watches an output directory from outside, so that it works the same on every runner.

    units: (name, bytes of input) of every unit of the run.
    """

    def __init__(self, output: str, units: Iterable[tuple[str, int]], out: TextIO = sys.stderr) -> None:
        self._output, self._out = output, out
        self._pending = dict(units)
        self._total, self._units = sum(self._pending.values()), len(self._pending)
        self._finished = Sight()
        self._over = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._first = self.look()  # what an earlier run left counts as done, not as speed

    def start(self) -> None:
        self._thread.start()

    def _watch(self) -> None:
        interactive = self._out.isatty()
        while not self._over.wait(REFRESH_S if interactive else PLAIN_EVERY_S):
            line = self.line(self.look())
            self._out.write(f"\r\x1b[2K{line}" if interactive else f"{line}\n")
            self._out.flush()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        if self._out.isatty():
            self._out.write("\r\x1b[2K")
        self._out.write(f"{self.line(self.look())}\n")
        self._out.flush()

    def look(self) -> Sight:
        for name in list(self._pending):
            path = unit_path(self._output, name)
            if size_of(path) is not None:
                tally = read_json(path)["tally"]
                self._finished.bytes += self._pending.pop(name)
                self._finished.read += tally["read"]
                self._finished.kept += tally["kept"]
                self._finished.units += 1
        sight = Sight(**vars(self._finished))
        for path in list_files(join(self._output, ".progress"), ".json") if is_local(self._output) else []:
            name = path.rpartition("/")[2].removesuffix(".json")
            if name in self._pending:
                try:
                    beat = read_json(path)
                except FileNotFoundError:  # the unit ended meanwhile; the next look counts it
                    continue
                sight.bytes += beat["bytes"]
                sight.read += beat["read"]
                sight.kept += beat["kept"]
        return sight

    def line(self, sight: Sight) -> str:
        elapsed = max(time.monotonic() - self._began, 1e-3)
        rate = (sight.read - self._first.read) / elapsed
        byte_rate = (sight.bytes - self._first.bytes) / elapsed
        share = f"{sight.kept / sight.read:.1%}" if sight.read else "–"
        left = duration((self._total - sight.bytes) / byte_rate) if byte_rate else "?"
        done = sight.bytes / self._total if self._total else 1.0
        ending = f"ETA {left}" if sight.units < self._units else f"in {duration(elapsed)}"
        pages = f"{sight.read:,} pages  {rate:.0f} pages/s  kept {share}"
        return f"{done:4.0%}  {sight.units}/{self._units} units  {pages}  {ending}"


def duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
