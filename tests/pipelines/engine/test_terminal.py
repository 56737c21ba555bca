"""The line that is written over: its width, and which terminals and logs get escape codes."""

from __future__ import annotations

import io
import time

import pytest

from pipelines.engine.terminal import StartNote, StatusLine, fitted, has_colours


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("line", "width", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("abcdef", 1, "…"),
        ("", 1, ""),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
    ],
)
def test_a_line_is_cut_to_the_width(line: str, width: int, shown: str) -> None:
    assert fitted(line, width) == shown


@pytest.mark.parametrize(
    ("stream", "variables", "written"),
    [
        (Terminal(), {"TERM": "xterm"}, "\r\x1b[2Kverify a long…\r\x1b[2Kb"),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, "\rverify a long…\rb             "),
        (Terminal(), {"TERM": "dumb"}, "verify a long name\nb\n"),
        (Terminal(), {"TERM": ""}, "verify a long name\nb\n"),
        (io.StringIO(), {"TERM": "xterm"}, "verify a long name\nb\n"),
    ],
    ids=["terminal", "no colours", "dumb", "unknown", "log"],
)
def test_what_is_written(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, variables: dict[str, str], written: str
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in {"COLUMNS": "15", **variables}.items():
        monkeypatch.setenv(name, value)
    line = StatusLine(stream)
    line.write("verify a long name")
    line.write("b")
    assert stream.getvalue() == written
    assert has_colours(stream) == ("\x1b" in written)
    line.clear()
    assert stream.getvalue().endswith("\n" if "\n" in written else "\x1b[2K" if "\x1b" in written else "\r")


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, "x: starting\n"), (60.0, "")])
def test_a_start_is_told_unless_something_else_is(
    capsys: pytest.CaptureFixture[str], seconds: float, shown: str
) -> None:
    with StartNote("x: starting", after_s=seconds):
        time.sleep(0.2)
        StatusLine(io.StringIO()).write("something else")
    assert capsys.readouterr().err == shown
