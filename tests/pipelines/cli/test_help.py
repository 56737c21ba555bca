"""What the command says of itself: by group, with examples that work, and what was probably meant."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import fields

import pytest

from pipelines.cli.app import COMMANDS, INTRO, OLD_NAMES, find_command
from pipelines.cli.command import GROUPS
from pipelines.cli.data import UNTIL
from pipelines.stages.run import STAGES

Call = Callable[..., subprocess.CompletedProcess[str]]


def test_alone_it_names_the_commands_that_matter(bateia: Call) -> None:
    ended = bateia()
    assert (ended.returncode, ended.stderr) == (0, "")
    for call, about in INTRO:
        assert call in ended.stdout and about in ended.stdout
        find_command(shlex.split(call)[1:])  # exits where there is no such command


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_has_every_command_in_its_group(bateia: Call, words: list[str]) -> None:
    ended = bateia(*words)
    assert ended.returncode == 0
    group = ""
    listed = {}
    for line in ended.stdout.splitlines():
        if line.partition(":")[0] in GROUPS:
            group = line.partition(":")[0]
        elif match := re.match(r"  (\S+(?: \S+)?)  +\S", line):
            listed[match.group(1)] = group
    assert listed == {name: command.group for name, command in COMMANDS.items()}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
def test_every_command_has_a_sentence_an_example_that_parses_and_help(bateia: Call, command) -> None:
    assert command.about[0].isupper() and not command.about.endswith(".")
    words = shlex.split(command.example)
    assert words[0] == "bateia"
    found, rest = find_command(words[1:])
    assert found is command
    command.parser().parse_args(rest)
    for asked in ([*command.name.split(), "--help"], ["help", *command.name.split()]):
        ended = bateia(*asked)
        assert ended.returncode == 0
        assert command.about in " ".join(ended.stdout.split()) and command.example in ended.stdout


@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
def test_every_option_says_what_it_is_and_its_default(command) -> None:
    parser = command.parser()
    text = " ".join(parser.format_help().split())
    for action in parser._actions:
        if action.help != "==SUPPRESS==":
            assert action.help, action.option_strings
            if action.default not in (None, False, "==SUPPRESS==", [], "") and action.nargs != 0:
                assert "default" in (action.help or "") or f"(default {action.default})" in text, action.option_strings


def test_settings_tell_their_defaults() -> None:
    text = " ".join(COMMANDS["train"].parser().format_help().split())
    for told in (
        "(default nano)",
        "(default 16)",
        "(default 0.036 / √width of the model)",
        "(default 2 % of the steps)",
    ):
        assert told in text
    text = " ".join(COMMANDS["run"].parser().format_help().split())
    assert text.count("(default the recipe's)") == 12
    assert "(default 0 1 2 4 8 16)" in COMMANDS["few-shot"].parser().format_help()


@pytest.mark.parametrize("width", [50, 60, 80, 200])
def test_help_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = COMMANDS["train"].parser().format_help().split("\n\nexample:")[0].splitlines()
    assert max(len(line) for line in lines if "{" not in line) <= min(width, 100)  # choices have no blanks


def test_versions(bateia: Call) -> None:
    ended = bateia("--version")
    assert ended.returncode == 0
    assert re.match(r"bateia \d+\.\d+\.\d+, apache-beam 2\.\d+", ended.stdout)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["cruate"], "no command is called 'cruate'; did you mean `bateia curate`?"),
        (["explian"], "no command is called 'explian'; did you mean `bateia explain`?"),
        (["xyzzy"], "no command is called 'xyzzy'; `bateia --help` lists them"),
        (["shards"], "'shards' needs a second word; there are `bateia shards verify`, `bateia shards index`"),
        (["shards", "verfy"], "no command is called 'shards verfy'; there are `bateia shards verify`"),
        (["curate", "--recipe", "tiny", "--input", "a", "--output", "o", "--worker", "2"], "did you mean --workers"),
        (["run", "tiny", "--input", "a", "--output", "o", "--contxt", "2"], "did you mean --context"),
        (["train", "--shards", "s", "--output", "o", "--steps", "5", "--optimizer", "sgd"], "'adamw', 'muon'"),
        (["train", "--shards", "s", "--output", "o", "--steps", "x"], "'x' is no whole number"),
    ],
)
def test_what_was_probably_meant(bateia: Call, words: list[str], line: str) -> None:
    ended = bateia(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    [told] = ended.stderr.splitlines()
    assert line in told
    if words[0] in COMMANDS:
        assert told.endswith(f"see `bateia {words[0]} --help`")


@pytest.mark.parametrize(("old", "new"), OLD_NAMES.items())
def test_old_names_say_the_new(capsys: pytest.CaptureFixture[str], old: str, new: str) -> None:
    command, rest = find_command([*old.split(), "--x"])
    assert (command.name, rest) == (new, ["--x"])
    assert capsys.readouterr().err == f"bateia: note: `bateia {old}` is now called `bateia {new}`\n"


def test_the_embedded_crawl_under_its_old_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert find_command(["sample", "--output", "x"])[0].name == "demo-crawl"
    assert "is now called `bateia demo-crawl`" in capsys.readouterr().err
    assert find_command(["sample", "--run", "x"])[0].name == "sample"
    assert capsys.readouterr().err == ""


def test_stages_are_what_until_offers() -> None:
    assert tuple(stage.folder for stage in STAGES) == UNTIL


def test_every_setting_of_a_training_is_an_option() -> None:
    from trainer.settings import TrainRecipe

    options = {flag for action in COMMANDS["train"].parser()._actions for flag in action.option_strings}
    assert {f"--{field.name.replace('_', '-')}" for field in fields(TrainRecipe)} <= options
