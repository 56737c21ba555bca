"""The progress line of a dedup run: what it sees of a phase from outside, and what it says."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines import dedup, phase_line
from pipelines.dedup import DedupRun
from pipelines.phase_line import PhaseLine
from schemas.storage import list_files, write_json
from transforms.corpus_parts import record_path
from transforms.sources import Part, Workplace

PARTS = tuple(Part(7 + place, f"en/part-{place:05}", (), rows) for place, rows in enumerate((1_000, 2_000, 3_000)))


@dataclass
class Run:
    """What the line asks of a run."""

    output: str
    parts: tuple[Part, ...] = PARTS

    @property
    def workplace(self) -> Workplace:
        return Workplace(self.output)

    is_done = DedupRun.is_done

    @property
    def documents(self) -> int:
        return sum(part.rows for part in self.parts)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(str(tmp_path))


def finish(run: Run, phase: str, part: Part) -> None:
    """Leave what says that a part has gone through a phase."""
    path = run.workplace.signatures(part.name) if phase == "sign" else record_path(run.output, part.name)
    write_json(path, {})


def beat(run: Run, name: object, documents: int) -> None:
    write_json(f"{run.output}/.progress/{name}.json", {"documents": documents})


def clock(monkeypatch: pytest.MonkeyPatch, *times: float) -> None:
    """What the clock shows at each look. Only this module's clock: other threads need theirs."""
    shown = iter(times)
    monkeypatch.setattr(phase_line, "time", SimpleNamespace(monotonic=lambda: next(shown)))


def begun(run: Run, phase: str) -> PhaseLine:
    line = PhaseLine(run, shown=False)
    line.begin(phase)
    return line


@pytest.mark.parametrize(
    ("phase", "seconds", "told"),
    [
        ("match", 0, "match      0 s"),
        ("match, pass 2", 61, "match, pass 2 1 min 01 s"),
        ("clusters", 5, "clusters   5 s"),
        ("sign", 10, "sign         0%  0 documents  0/s  ETA ?"),
        ("rewrite", 10, "rewrite      0%  0 documents  0/s  ETA ?"),
    ],
)
def test_a_phase_that_begins(run: Run, monkeypatch: pytest.MonkeyPatch, phase: str, seconds: int, told: str) -> None:
    clock(monkeypatch, 0, 0, seconds)
    assert begun(run, phase).line() == told


@pytest.mark.parametrize("phase", ["sign", "rewrite"])
def test_documents_of_finished_parts_and_of_those_under_way(
    run: Run, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    clock(monkeypatch, 0, 0, 10, 20)
    line = begun(run, phase)
    finish(run, phase, PARTS[1])
    beat(run, 8, 1_900)  # the last word of the part that ended
    beat(run, 7, 500)
    beat(run, 99, 5)  # of no part of this run
    assert line.documents() == 2_500
    assert line.line() == f"{phase:<10}  42%  2,500 documents  250/s  ETA 14 s"
    finish(run, phase, PARTS[0])
    finish(run, phase, PARTS[2])
    assert line.line() == f"{phase:<10} 100%  6,000 documents  300/s  ETA 0 s"


@pytest.mark.parametrize(("phase", "other"), [("sign", "rewrite"), ("rewrite", "sign")])
def test_what_another_phase_wrote_is_not_done(run: Run, phase: str, other: str) -> None:
    finish(run, other, PARTS[0])
    assert begun(run, phase).documents() == 0
    assert begun(run, other).documents() == 1_000
    assert begun(run, "match").documents() == 0


def test_what_an_earlier_run_left_is_done_but_is_no_speed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, 0, 0, 10)
    finish(run, "sign", PARTS[2])
    line = begun(run, "sign")
    beat(run, 7, 600)
    assert line.line() == "sign        60%  3,600 documents  60/s  ETA 40 s"


def test_the_next_phase_counts_anew(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, 0, 0, 100, 110)
    line = begun(run, "sign")
    for part in PARTS:
        finish(run, "sign", part)
    line.begin("rewrite")
    beat(run, 7, 600)
    assert line.line() == "rewrite     10%  600 documents  60/s  ETA 1 min 30 s"


def test_a_run_without_documents(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.parts = ()
    clock(monkeypatch, 0, 0, 0)
    assert begun(run, "sign").line() == "sign         0%  0 documents  0/s  ETA ?"


def test_a_progress_file_that_vanishes_is_no_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The part ends between the look into the folder and the look into the file."""
    beat(run, 7, 500)
    beat(run, 9, 20)
    line = begun(run, "rewrite")
    assert line.documents() == 520
    seen = list_files(f"{run.output}/.progress")
    Path(seen[0]).unlink()
    monkeypatch.setattr(phase_line, "list_files", lambda *_: seen)
    assert line.documents() == 20


def test_progress_is_not_sought_in_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedup, "size_of", lambda _: None)
    monkeypatch.setattr(phase_line, "list_files", lambda *_: pytest.fail("asked a bucket for hidden files"))
    assert begun(Run("s3://bucket/corpus"), "sign").documents() == 0


def test_nothing_is_written_unless_it_is_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phase_line, "PLAIN_EVERY_S", 0.001)
    for shown in (False, True):
        out = io.StringIO()
        with PhaseLine(run, shown, out) as line:
            line.begin("sign")
            line.begin("match")
            time.sleep(0.05)
        assert bool(out.getvalue()) == shown


def test_phases_that_never_began_say_nothing(run: Run) -> None:
    out = io.StringIO()
    with PhaseLine(run, True, out):
        pass
    assert out.getvalue() == ""


@pytest.mark.parametrize(("out", "before"), [(io.StringIO(), ""), (Terminal(), "\r\x1b[2K")], ids=["log", "terminal"])
def test_the_end_of_every_phase_is_told(run: Run, out: io.StringIO, before: str) -> None:
    with PhaseLine(run, True, out) as line:
        line.begin("sign")
        line.begin("match")
    assert out.getvalue() == f"{before}sign       done in 0 s\n{before}match      done in 0 s\n"


def test_a_phase_that_failed_is_not_done(run: Run) -> None:
    out = io.StringIO()
    with pytest.raises(KeyError), PhaseLine(run, True, out) as line:
        line.begin("sign")
        line.begin("match")
        raise KeyError
    assert out.getvalue() == "sign       done in 0 s\nmatch      ended after 0 s\n"


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()], ids=["log", "terminal"])
def test_a_log_gets_lines_and_a_terminal_one_line(run: Run, monkeypatch: pytest.MonkeyPatch, out: io.StringIO) -> None:
    monkeypatch.setattr(phase_line, "REFRESH_S", 0.01)
    monkeypatch.setattr(phase_line, "PLAIN_EVERY_S", 0.01)
    with PhaseLine(run, True, out) as line:
        line.begin("sign")
        until = time.monotonic() + 30
        while out.getvalue().count("0 documents") < 2 and time.monotonic() < until:
            time.sleep(0.01)
    written = out.getvalue()
    assert written.count("0 documents") >= 2
    assert ("\r" in written) == out.isatty()
    assert (written.count("\n") == 1) == out.isatty()
