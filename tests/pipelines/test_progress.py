"""The progress line: what it sees of a run from outside, and what it says."""

from __future__ import annotations

import io
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines import progress
from pipelines.progress import ProgressLine, Sight, duration
from schemas.storage import write_json


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def finish(output: Path, name: str, read: int, kept: int) -> None:
    write_json(str(output / "units" / f"{name}.json"), {"tally": {"read": read, "kept": kept}})


def beat(output: Path, name: str, done: int, read: int, kept: int) -> None:
    write_json(str(output / ".progress" / f"{name}.json"), {"bytes": done, "read": read, "kept": kept})


def ten_seconds_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two looks at the clock. Only this module's clock: other threads need theirs."""
    clock = iter([0.0, 10.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))


def test_it_adds_finished_units_and_those_under_way(tmp_path: Path) -> None:
    line = ProgressLine(str(tmp_path), [("a", 100), ("b", 50), ("c", 50)], io.StringIO())
    assert line.look() == Sight()
    finish(tmp_path, "a", 10, 4)
    beat(tmp_path, "a", 90, 9, 3)  # its last word; the unit's record counts
    beat(tmp_path, "b", 25, 5, 1)
    beat(tmp_path, "x", 99, 99, 99)  # of no unit of this run
    assert line.look() == line.look() == Sight(bytes=125, read=15, kept=5, units=1)
    finish(tmp_path, "b", 8, 2)
    assert line.look() == Sight(bytes=150, read=18, kept=6, units=2)


def test_what_an_earlier_run_left_is_done_but_is_no_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ten_seconds_pass(monkeypatch)
    finish(tmp_path, "a", 1000, 500)
    line = ProgressLine(str(tmp_path), [("a", 100), ("b", 100)], io.StringIO())
    beat(tmp_path, "b", 20, 30, 10)
    assert line.line(line.look()) == " 60%  1/2 units  1,030 pages  3 pages/s  kept 49.5%  ETA 40 s"


@pytest.mark.parametrize(
    "sight, told",
    [
        (Sight(), "  0%  0/2 units  0 pages  0 pages/s  kept –  ETA ?"),
        (Sight(100, 50, 0, 1), " 50%  1/2 units  50 pages  5 pages/s  kept 0.0%  ETA 10 s"),
        (Sight(200, 2000, 500, 2), "100%  2/2 units  2,000 pages  200 pages/s  kept 25.0%  in 10 s"),
    ],
)
def test_what_the_line_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sight: Sight, told: str) -> None:
    ten_seconds_pass(monkeypatch)
    assert ProgressLine(str(tmp_path), [("a", 100), ("b", 100)], io.StringIO()).line(sight) == told


def test_a_run_without_units_is_whole(tmp_path: Path) -> None:
    assert ProgressLine(str(tmp_path), [], io.StringIO()).line(Sight()).startswith("100%  0/0 units")


def test_a_log_gets_lines_and_a_terminal_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "REFRESH_S", 0.01)
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.01)
    for out in (io.StringIO(), Terminal()):
        line = ProgressLine(str(tmp_path), [("a", 100)], out)
        line.start()
        until = time.monotonic() + 30
        while out.getvalue().count("0/1 units") < 2 and time.monotonic() < until:
            time.sleep(0.01)
        finish(tmp_path, "a", 3, 1)
        line.close()
        written = out.getvalue()
        assert written.splitlines()[-1].lstrip("\r\x1b[2K").startswith("100%  1/1 units  3 pages")
        assert ("\r" in written) == out.isatty()
        if out.isatty():
            assert written.count("\n") == 1
        else:
            assert written.count("\n") >= 3
        (tmp_path / "units" / "a.json").unlink()


@pytest.mark.parametrize(
    "seconds, told",
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (61, "1 min 01 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (90_000, "25 h 00 min"),
    ],
)
def test_durations(seconds: float, told: str) -> None:
    assert duration(seconds) == told
