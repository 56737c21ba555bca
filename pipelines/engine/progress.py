"""One line on stderr with the progress of a stage: its phase, what is done, the rate, and the time left.

It watches the output from outside, so it works the same on every runner: records of finished units by one listing of
their folder, and the heartbeats of those under way, which local outputs have.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, TextIO

from pipelines.engine.terminal import StatusLine
from schemas.storage import is_local, join, list_files, read_json
from schemas.wording import plural
from transforms.units import PROGRESS, Records

FIRST_S = 1.0  # before the first line
REFRESH_S = 1.0
LOOK_S = 5.0  # between looks at a local output of which nothing is shown yet: a rate needs to know when it began
STANDSTILL_S = 600.0  # without headway until it is told; a whole WARC file without heartbeats takes less on a slow core
MOST_READ = 512  # records of units that an earlier run finished, and of any where each is a request
LOOK_SHARE = 0.02  # of the time, that looks may take: a crawl's 90,000 records take a while to list
UNSEEN_LOOK_S = 60.0  # between looks where no line is shown
PLAIN_EVERY_S = 30.0  # where stderr is a file or a pipe, a line now and then is enough
# An estimate needs a rate to trust: starting workers and loading models takes seconds in which nothing is done, and
# units may begin with pages that cost nothing.
ESTIMATE_AFTER_S, ESTIMATE_FROM = 10.0, 0.02  # seconds, and share of the whole that was done in them
SLOW_AFTER_S = 60.0  # from here on any progress is enough


@dataclass(frozen=True)
class UnitCount:
    """Progress of a phase, all units together.

    done: sum of the sizes of what is done, in bytes or documents.
    units: how many are finished.
    counts: what the units' tallies count, by name.
    """

    done: int = 0
    units: int = 0
    counts: dict[str, int] = field(default_factory=dict)


class Monitor(Protocol):
    """What a progress line shows: `noun` of a `total`, in `units`; or what is `counted` by name."""

    noun: str
    counted: tuple[str, ...]
    total: int
    units: int

    @property
    def is_near(self) -> bool:
        """Whether a look costs next to nothing."""
        ...

    def count(self) -> UnitCount: ...


class UnitMonitor:
    """Counts what a phase's units have done, from the files that they write.

    records: of the finished units.
    sizes: of each unit by name, in bytes or documents.
    names: of all units.
    noun: what is counted, as a progress line calls one of them.
    counted: names in the units' tallies and heartbeats that are added up; if there are none, the sizes are counted.

    Of many units elsewhere nothing but themselves is counted: to read a record there is a request.
    """

    def __init__(
        self, records: Records, sizes: Iterable[tuple[str, int]], noun: str, counted: tuple[str, ...] = ()
    ) -> None:
        self.records, self._left = records, dict(sizes)
        if counted and len(self._left) > MOST_READ and not is_local(records.output):
            noun, counted, self._left = "unit", (), dict.fromkeys(self._left, 1)
        self.noun, self.counted = noun, counted
        self.names = frozenset(self._left)
        self.total, self.units = sum(self._left.values()), len(self._left)
        self._done, self._counts, self._looked = 0, dict.fromkeys(counted, 0), False

    @property
    def is_near(self) -> bool:
        """Whether a look costs next to nothing."""
        return is_local(self.records.output)

    def count(self) -> UnitCount:
        """What an earlier run finished of many units is not read: a record of each would take longer than the rest."""
        new = [name for name in self.records.listed() if name in self._left]
        unread, self._looked = not self._looked and len(new) > MOST_READ, True
        for name in new:
            self._done += self._left.pop(name)
            if self.counted and not unread:
                tally = self.records.read(name)["tally"]
                self._counts = {key: count + tally[key] for key, count in self._counts.items()}
        done, counts = self._done, dict(self._counts)
        folder = join(self.records.output, PROGRESS)
        for path in list_files(folder, ".json") if is_local(folder) else []:
            if path[len(folder) + 1 : -len(".json")] in self._left:
                try:
                    beat = read_json(path)
                except FileNotFoundError:  # the unit ended meanwhile; the next count has it
                    continue
                done += beat["done"]
                counts = {key: count + beat[key] for key, count in counts.items()}
        return UnitCount(done, self.units - len(self._left), counts)


class Headway:
    """Notices that nothing changes: after STANDSTILL_S, and again each time that it has lasted twice as long."""

    def __init__(self) -> None:
        self._state: object = None
        self._since, self._limit_s = 0.0, STANDSTILL_S

    def standstill(self, state: object, now: float) -> float | None:
        """Seconds for which the state is what it was, if that is to be told now."""
        if state != self._state:
            self._state, self._since, self._limit_s = state, now, STANDSTILL_S
            return None
        if (still_s := now - self._since) < self._limit_s:
            return None
        self._limit_s *= 2
        return still_s


class Progress:
    """The line of a stage, phase by phase, if it is `shown`. Shown or not, it says where a phase makes no headway."""

    def __init__(self, shown: bool = True, out: TextIO | None = None) -> None:
        self._shown, self._line = shown, StatusLine(out or sys.stderr)
        self._over = threading.Event()
        self._lock = threading.Lock()  # the phase changes while the watching thread reads it
        self._phase, self._monitor, self._began = "", None, time.monotonic()
        self._first, self._seen, self._moving = UnitCount(), UnitCount(), None
        self._headway = Headway()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._shown:
            self._end_phase("done in" if kind is None else "ended after")

    def begin(self, phase: str, monitor: Monitor | None = None) -> None:
        """A phase starts; what an earlier run left of it counts as done, not as speed."""
        with self._lock:
            if self._phase and self._shown:
                self._end_phase("done in")
            self._phase, self._monitor = phase, monitor
            self._began, self._moving = time.monotonic(), None
            self._first = monitor.count() if monitor is not None else UnitCount()
            self._headway = Headway()

    def note(self, text: str) -> None:
        """Something that a person should know, in a line that stays; said even where no progress is shown."""
        with self._lock:
            if self._shown:
                self._line.clear()
            sys.stderr.write(f"note: {text}\n")
            sys.stderr.flush()

    def line(self) -> str:
        """The current progress line."""
        elapsed = max(time.monotonic() - self._began, 1e-3)
        if self._monitor is None:
            return f"{self._phase:<10} {duration(elapsed)}"
        monitor, now = self._monitor, self._monitor.count()
        self._seen = now
        rate = self._rate(now, elapsed)
        left = f"ETA {duration((monitor.total - now.done) / rate)}" if rate else "ETA ?"
        share = now.done / monitor.total if monitor.total else 1.0
        return f"{self._phase:<10} {share:4.0%}  {left}  {self._counted(now, elapsed)}"

    def _rate(self, now: UnitCount, elapsed: float) -> float | None:
        """What is done in a second, as far as it can be known: since the first look that saw anything done, once that
        is long enough ago, so that a slow start does not count; None where it is too early to say."""
        assert self._monitor is not None
        gained = now.done - self._first.done
        if gained <= 0:
            return None
        if self._moving is None:
            self._moving = (elapsed, now.done)
        since, done = self._moving
        enough = gained >= ESTIMATE_FROM * self._monitor.total or elapsed >= SLOW_AFTER_S
        if elapsed < ESTIMATE_AFTER_S or not enough:
            return None
        if elapsed - since >= ESTIMATE_AFTER_S and now.done > done:
            return (now.done - done) / (elapsed - since)
        return gained / elapsed if since <= ESTIMATE_AFTER_S else None

    def _counted(self, now: UnitCount, elapsed: float) -> str:
        monitor = self._monitor
        assert monitor is not None
        if not monitor.counted:
            return f"{plural(now.done, monitor.noun)}  {(now.done - self._first.done) / elapsed:,.0f}/s"
        read, kept = (now.counts[name] for name in monitor.counted)
        rate = (read - self._first.counts[monitor.counted[0]]) / elapsed
        share = f"{kept / read:.1%}" if read else "–"
        units = f"{now.units}/{plural(monitor.units, 'unit')}"
        return f"{plural(read, monitor.noun)}  {rate:,.0f}/s  kept {share}  {units}"

    def _show(self) -> None:
        wait_s, due = min(FIRST_S, PLAIN_EVERY_S) if self._shown else UNSEEN_LOOK_S, 0.0
        while not self._over.wait(wait_s):
            with self._lock, suppress(OSError):  # a look may fail: what hurts the run, the run itself tells
                if not self._shown:
                    if self._monitor is not None:
                        self._tell_standstill(self._monitor.count())
                    continue
                near = self._monitor is None or self._monitor.is_near
                wait_s = REFRESH_S if self._line.replaces else min(LOOK_S, PLAIN_EVERY_S) if near else PLAIN_EVERY_S
                began = time.monotonic()
                line = self.line() if self._phase else None
                wait_s = max(wait_s, (time.monotonic() - began) / LOOK_SHARE)
                due -= wait_s
                if line is not None and (self._line.replaces or due <= 0):
                    self._line.write(line)
                    due = PLAIN_EVERY_S
                    self._tell_standstill(self._seen)

    def _tell_standstill(self, now: UnitCount) -> None:
        """Say so where nothing was done for long: an engine may have lost its workers, a file system may hang."""
        monitor = self._monitor
        if monitor is None:
            return
        if (still_s := self._headway.standstill((now.done, now.units), time.monotonic())) is not None:
            done = f"{now.units:,} of {plural(monitor.units, 'unit')} are finished"
            self._line.write(
                f"bateia: no headway for {duration(still_s)} in phase {self._phase}: {done}; look at the runner's log, "
                "or stop the run: the same command goes on from there"
            )
            self._line.keep()

    def _end_phase(self, how: str) -> None:
        if self._phase:
            counted = ""
            if self._monitor is not None and self._monitor.counted:
                now = self._monitor.count()
                counted = f"  {self._counted(now, max(time.monotonic() - self._began, 1e-3))}"
            self._line.write(f"{self._phase:<10} {how} {duration(time.monotonic() - self._began)}{counted}")
            self._line.keep()


def duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
