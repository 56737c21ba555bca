"""Options and arguments that are paths: which they are, and that none takes an empty one."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from pipelines.cli.app import COMMANDS
from pipelines.cli.command import PATHS
from support.command import Call

# What stands for a value in help and is no path. A new one has to be put here or among PATHS.
OTHERS = {"B", "E", "F", "I/N", "K", "LANG=W", "MB", "N", "NAME", "NAME=W", "P", "RECIPE", "ROWS", "TEXT", "URL", "X"}
OTHERS |= {"YYYY-MM-DD", "pt,es,zh", "CRAWL", "HOST", "LANG", "TYPE"}


def arguments(name: str) -> list[argparse.Action]:
    """Options and arguments of a command that take a value."""
    actions = COMMANDS[name].parser()._actions
    return [action for action in actions if action.nargs != 0 and action.choices is None]


def option_of(action: argparse.Action) -> str:
    return action.option_strings[-1] if action.option_strings else ""


PATH_OPTIONS = [(name, option_of(action)) for name in COMMANDS for action in arguments(name) if action.metavar in PATHS]


def test_it_is_known_of_every_value_whether_it_is_a_path() -> None:
    """--recipe is the old name of `bateia run`'s argument."""
    unknown = {
        (name, option_of(action), action.metavar)
        for name in COMMANDS
        for action in arguments(name)
        if action.metavar not in PATHS | OTHERS
    }
    assert unknown == {("run", "--recipe", None)}


def test_no_path_is_forgotten() -> None:
    assert len(PATH_OPTIONS) == 143, PATH_OPTIONS
    assert set(COMMANDS) - {name for name, _ in PATH_OPTIONS} == {"assets"}


@pytest.mark.parametrize("value", ["", "  ", "\n"])
@pytest.mark.parametrize(("name", "option"), PATH_OPTIONS)
def test_an_empty_path_is_refused(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    option: str,
    value: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [option, value] if option else ["fineweb", value] if name == "try" else [value]
    with pytest.raises(SystemExit) as ended:
        COMMANDS[name].parser().parse_args(words)
    [line] = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert "is no path; is a variable unset" in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("paths", [("good.warc.gz", ""), ("", "good.warc.gz"), ("a", " ", "b")])
def test_an_empty_one_among_several_is_refused(bateia: Call, tmp_path: Path, paths: tuple[str, ...]) -> None:
    ended = bateia("curate", "--recipe", "tiny", "--input", *paths, "--output", tmp_path / "o")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "argument --input: " in ended.stderr
    assert not (tmp_path / "o").exists()


def test_a_dot_is_a_path() -> None:
    assert COMMANDS["demo-crawl"].parser().parse_args(["--output", "."]).output == "."
