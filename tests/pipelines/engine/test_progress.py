"""The progress line: what it sees of a stage from outside, and what it says."""

from __future__ import annotations

import io
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.engine import progress
from pipelines.engine.progress import Headway, Progress, UnitCount, UnitMonitor, duration
from schemas.storage import list_files, write_json
from transforms.units import Heartbeat, Records

PAGES = ("read", "kept")


def test_a_standstill_is_told_after_a_while_and_then_ever_more_rarely() -> None:
    headway = Headway()
    limit = progress.STANDSTILL_S
    times = {now: headway.standstill("as it was", now) for now in (0.0, limit - 1, limit, limit + 60, 2 * limit)}
    assert times == {0.0: None, limit - 1: None, limit: limit, limit + 60: None, 2 * limit: 2 * limit}
    assert headway.standstill("further", 9 * limit) is None
    assert headway.standstill("further", 9.5 * limit) is None
    assert headway.standstill("further", 10 * limit) == limit


@pytest.mark.parametrize("shown", [True, False])
def test_a_run_without_headway_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: bool) -> None:
    monkeypatch.setattr(progress, "STANDSTILL_S", 0.05)
    for name in ("FIRST_S", "REFRESH_S", "UNSEEN_LOOK_S"):
        monkeypatch.setattr(progress, name, 0.01)
    terminal = Terminal()
    with Progress(shown, terminal) as shown_progress:
        shown_progress.begin("curate", pages(tmp_path, 10, 20))
        time.sleep(0.2)
    assert "bateia: no headway for 0 s in phase curate: 0 of 2 units are finished" in terminal.getvalue()


def test_a_look_that_fails_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "STANDSTILL_S", 0.05)
    monkeypatch.setattr(progress, "UNSEEN_LOOK_S", 0.01)
    monitor, terminal, failed = pages(tmp_path, 10, 20), Terminal(), []
    with Progress(False, terminal) as unseen:
        unseen.begin("curate", monitor)
        count = monitor.count

        def failing() -> UnitCount:
            if len(failed) < 3:
                failed.append(1)
                raise PermissionError("the folder of heartbeats")
            return count()

        monkeypatch.setattr(monitor, "count", failing)
        time.sleep(0.3)
    assert len(failed) == 3 and "no headway" in terminal.getvalue()


PARTS = (("en/part-0", 1_000), ("en/part-1", 2_000), ("pt/part-0", 3_000))


@pytest.fixture(autouse=True)
def with_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def pages(output: Path, *sizes: int) -> UnitMonitor:
    """Units a, b, … of these bytes."""
    return UnitMonitor(Records(str(output), "units"), zip("abcdef", sizes, strict=False), "page", PAGES)


def documents(output: object, folder: str = "work/signed") -> UnitMonitor:
    return UnitMonitor(Records(str(output), folder), PARTS, "document")


def finish(output: Path, name: str, read: int = 0, kept: int = 0, folder: str = "units") -> None:
    write_json(str(output / folder / f"{name}.json"), {"tally": {"read": read, "kept": kept}})


def beat(output: Path, name: str, done: int, **counts: int) -> None:
    write_json(str(output / ".progress" / f"{name}.json"), {"done": done, **counts})


def clock(monkeypatch: pytest.MonkeyPatch, *times: float) -> None:
    """What the clock shows at each look. Only this module's clock: other threads need theirs."""
    shown = iter(times)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(shown)))


def test_it_adds_finished_units_and_those_under_way(tmp_path: Path) -> None:
    monitor = pages(tmp_path, 100, 50, 50)
    assert monitor.count() == UnitCount(0, 0, {"read": 0, "kept": 0})
    finish(tmp_path, "a", 10, 4)
    beat(tmp_path, "a", 90, read=9, kept=3)  # its last word; the unit's record counts
    beat(tmp_path, "b", 25, read=5, kept=1)
    beat(tmp_path, "x", 99, read=99, kept=99)  # of no unit of this run
    assert monitor.count() == monitor.count() == UnitCount(125, 1, {"read": 15, "kept": 5})
    finish(tmp_path, "b", 8, 2)
    finish(tmp_path, "y", 99, 99)  # of no unit of this run either
    assert monitor.count() == UnitCount(150, 2, {"read": 18, "kept": 6})


def test_parts_have_folders_in_their_names(tmp_path: Path) -> None:
    monitor = documents(tmp_path)
    finish(tmp_path, "en/part-1", folder="work/signed")
    beat(tmp_path, "en/part-1", 1_900)
    beat(tmp_path, "en/part-0", 500)
    beat(tmp_path, "part-0", 5)
    assert monitor.count() == UnitCount(2_500, 1)


def test_what_another_phase_wrote_is_not_done(tmp_path: Path) -> None:
    finish(tmp_path, "en/part-0", folder="work/rewritten")
    assert documents(tmp_path).count().done == 0
    assert documents(tmp_path, "work/rewritten").count().done == 1_000


def test_a_real_heartbeat_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.units.HEARTBEAT_EVERY_S", 0.0)
    heartbeat = Heartbeat(str(tmp_path), "en/part-0")
    heartbeat(300)
    assert documents(tmp_path).count().done == 300
    heartbeat.stop()
    assert documents(tmp_path).count().done == 0


def begun(monitor: UnitMonitor | None, phase: str = "curate") -> Progress:
    line = Progress(shown=False)
    line.begin(phase, monitor)
    return line


@pytest.mark.parametrize(
    ("finished", "beats", "line"),
    [
        ({}, {}, "curate       0%  ETA ?  0 pages  0/s  kept –  0/2 units"),
        ({"a": (50, 0)}, {}, "curate      50%  ETA 10 s  50 pages  5/s  kept 0.0%  1/2 units"),
        (
            {"a": (1000, 500)},
            {"b": (20, 30, 10)},
            "curate      60%  ETA 7 s  1,030 pages  103/s  kept 49.5%  1/2 units",
        ),
        (
            {"a": (1500, 300), "b": (500, 200)},
            {},
            "curate     100%  ETA 0 s  2,000 pages  200/s  kept 25.0%  2/2 units",
        ),
    ],
)
def test_what_the_line_says_of_pages(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    finished: dict[str, tuple[int, int]],
    beats: dict[str, tuple[int, int, int]],
    line: str,
) -> None:
    clock(monkeypatch, 0, 0, 10)
    progress = begun(pages(tmp_path, 100, 100))
    for name, counts in finished.items():
        finish(tmp_path, name, *counts)
    for name, (done, read, kept) in beats.items():
        beat(tmp_path, name, done, read=read, kept=kept)
    assert progress.line() == line


@pytest.mark.parametrize(
    ("phase", "seconds", "line"),
    [
        ("match", 0, "match      0 s"),
        ("match, pass 2", 61, "match, pass 2 1 min 01 s"),
        ("clusters", 5, "clusters   5 s"),
    ],
)
def test_a_phase_that_counts_nothing(monkeypatch: pytest.MonkeyPatch, phase: str, seconds: int, line: str) -> None:
    clock(monkeypatch, 0, 0, seconds)
    assert begun(None, phase).line() == line


def test_what_the_line_says_of_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, 0, 0, 10, 20)
    line = begun(documents(tmp_path), "sign")
    finish(tmp_path, "en/part-1", folder="work/signed")
    beat(tmp_path, "en/part-0", 500)
    assert line.line() == "sign        42%  ETA 14 s  2,500 documents  250/s"
    for name, _ in PARTS:
        finish(tmp_path, name, folder="work/signed")
    assert line.line() == "sign       100%  ETA 0 s  6,000 documents  300/s"


def test_what_an_earlier_run_left_is_done_but_is_no_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, 0, 0, 10, 0, 10)
    finish(tmp_path, "pt/part-0", folder="work/signed")
    line = begun(documents(tmp_path), "sign")
    beat(tmp_path, "en/part-0", 600)
    assert line.line() == "sign        60%  ETA 40 s  3,600 documents  60/s"
    finish(tmp_path, "a", 1000, 500)
    line.begin("curate", pages(tmp_path, 100, 100))
    beat(tmp_path, "b", 20, read=30, kept=10)
    assert line.line() == "curate      60%  ETA 40 s  1,030 pages  3/s  kept 49.5%  1/2 units"


def test_the_next_phase_counts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, 0, 0, 100, 110)
    line = begun(documents(tmp_path), "sign")
    for name, _ in PARTS:
        finish(tmp_path, name, folder="work/signed")
    line.begin("rewrite", documents(tmp_path, "work/rewritten"))
    beat(tmp_path, "en/part-0", 600)
    assert line.line() == "rewrite     10%  ETA 1 min 30 s  600 documents  60/s"


def test_a_run_without_units_is_whole(tmp_path: Path) -> None:
    assert begun(pages(tmp_path)).line().startswith("curate     100%  ETA ?  0 pages")


def test_a_heartbeat_that_vanishes_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit ends between the look into the folder and the look into the file."""
    beat(tmp_path, "en/part-0", 500)
    beat(tmp_path, "pt/part-0", 20)
    monitor = documents(tmp_path)
    assert monitor.count().done == 520
    seen = list_files(f"{tmp_path}/.progress")
    Path(seen[0]).unlink()
    monkeypatch.setattr(progress, "list_files", lambda *_: seen)
    assert monitor.count().done == 20


def test_heartbeats_are_not_sought_in_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Records, "listed", lambda _: [])
    monkeypatch.setattr(progress, "list_files", lambda *_: pytest.fail("asked a bucket for hidden files"))
    assert documents("s3://bucket/corpus").count().done == 0


def test_one_listing_a_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many units there are: on object storage each question costs money and time."""
    monitor = UnitMonitor(Records(str(tmp_path), "units"), ((f"u{number}", 1) for number in range(1_000)), "document")
    listed: list[str] = []
    monkeypatch.setattr("transforms.units.list_files", lambda folder, _: listed.append(folder) or [])
    monkeypatch.setattr(progress, "list_files", lambda folder, _: listed.append(folder) or [])
    monitor.count()
    assert listed == [f"{tmp_path}/units", f"{tmp_path}/.progress"]


def test_nothing_is_written_unless_it_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.001)
    for shown in (False, True):
        out = io.StringIO()
        with Progress(shown, out) as line:
            line.begin("sign", documents(tmp_path))
            line.begin("match")
            time.sleep(0.05)
        assert bool(out.getvalue()) == shown


def test_phases_that_never_began_say_nothing() -> None:
    out = io.StringIO()
    with Progress(True, out):
        pass
    assert out.getvalue() == ""


@pytest.mark.parametrize(("out", "before"), [(io.StringIO(), ""), (Terminal(), "\r\x1b[2K")], ids=["log", "terminal"])
def test_the_end_of_every_phase_is_told(tmp_path: Path, out: io.StringIO, before: str) -> None:
    with Progress(True, out) as line:
        line.begin("sign", documents(tmp_path))
        line.begin("match")
    assert out.getvalue() == f"{before}sign       done in 0 s\n{before}match      done in 0 s\n"


def test_the_end_of_curating_tells_its_pages(tmp_path: Path) -> None:
    out = io.StringIO()
    with Progress(True, out) as line:
        line.begin("curate", pages(tmp_path, 100))
        finish(tmp_path, "a", 3, 1)
    [written] = out.getvalue().splitlines()
    assert written.startswith("curate     done in 0 s  3 pages  ")
    assert written.endswith("/s  kept 33.3%  1/1 unit")


def test_a_phase_that_failed_is_not_done() -> None:
    out = io.StringIO()
    with pytest.raises(KeyError), Progress(True, out) as line:
        line.begin("sign")
        line.begin("match")
        raise KeyError
    assert out.getvalue() == "sign       done in 0 s\nmatch      ended after 0 s\n"


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()], ids=["log", "terminal"])
def test_a_log_gets_lines_and_a_terminal_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: io.StringIO
) -> None:
    monkeypatch.setattr(progress, "REFRESH_S", 0.01)
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.01)
    with Progress(True, out) as line:
        line.begin("curate", pages(tmp_path, 100))
        until = time.monotonic() + 30
        while out.getvalue().count("0/1 unit") < 2 and time.monotonic() < until:
            time.sleep(0.01)
        finish(tmp_path, "a", 3, 1)
    written = out.getvalue()
    assert "1/1 unit" in written.splitlines()[-1]
    assert written.count("0/1 unit") >= 2
    assert ("\r" in written) == out.isatty()
    if out.isatty():
        assert written.count("\n") == 1
    else:
        assert written.count("\n") >= 3


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


@pytest.mark.parametrize(
    ("seconds", "done", "estimate"),
    [
        (9.9, 100, "ETA ?"),  # too early to know a rate
        (10, 100, "ETA 10 s"),
        (10, 3, "ETA ?"),  # not yet 2 % of 200
        (10, 4, "ETA 8 min 10 s"),
        (59.9, 3, "ETA ?"),
        (60, 100, "ETA ?"),  # whatever was done may have been done just now
        (60, 0, "ETA ?"),
    ],
)
def test_an_estimate_needs_something_to_estimate_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, done: int, estimate: str
) -> None:
    clock(monkeypatch, 0, 0, seconds)
    line = begun(pages(tmp_path, 100, 100))
    beat(tmp_path, "a", done, read=0, kept=0)
    assert f"  {estimate}  " in line.line()


def test_after_a_minute_any_progress_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, 0, 0, 49, 59, 60)
    line = begun(pages(tmp_path, 1000, 1000))
    shown = []
    for done in (1, 2, 3):
        beat(tmp_path, "a", done, read=0, kept=0)
        shown.append(line.line().partition("ETA ")[2].partition("  ")[0])
    assert shown == ["?", "?", "3 h 03 min"]


def test_a_slow_start_is_no_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was done in the first minute; since then 50 of 200 in each ten seconds."""
    clock(monkeypatch, 0, 0, 60, 70)
    line = begun(pages(tmp_path, 100, 100))
    for done in (50, 100):
        beat(tmp_path, "a", done, read=0, kept=0)
        shown = line.line()
    assert "ETA 20 s" in shown


def test_the_first_word_comes_at_once(tmp_path: Path) -> None:
    """In a log too, where the next ones are far apart."""
    out = io.StringIO()
    with Progress(True, out) as line:
        line.begin("curate", pages(tmp_path, 100))
        until = time.monotonic() + 30
        while not out.getvalue() and time.monotonic() < until:
            time.sleep(0.01)
    assert progress.FIRST_S <= 1.5 < progress.PLAIN_EVERY_S
    assert out.getvalue().startswith("curate       0%  ETA ?")


def test_of_many_units_elsewhere_no_record_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Records, "listed", lambda _: [f"u{number}" for number in range(700)])
    monkeypatch.setattr(Records, "read", lambda *_: pytest.fail("a request for each unit"))
    sizes = [(f"u{number}", 1 << 30) for number in range(1_000)]
    monitor = UnitMonitor(Records("s3://bucket/o", "units"), sizes, "page", PAGES)
    assert (monitor.count(), monitor.noun, monitor.total) == (UnitCount(700, 700, {}), "unit", 1_000)
