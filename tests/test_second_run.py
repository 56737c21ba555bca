"""The same command given twice: the second is refused in a line while the first lives, and takes over a dead one's."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.baselines import made_once
from support.command import Call, start_python
from support.stages import STAGES, Small, make_inputs, quick_children

HOLD = """
import sys, time
from schemas.lease import take
take(sys.argv[1])
print("held", flush=True)
time.sleep(600)
"""
COMMANDS = (*STAGES, "plan", "forget", "export")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    folder = made_once(tmp_path_factory, "small", lambda folder: make_inputs(folder))
    with quick_children():
        yield Small(folder)


@pytest.fixture
def hold() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Has another process write a folder: the folder in, the process out, which lives until the test ends it."""
    processes = []

    def begin(folder: Path) -> subprocess.Popen[str]:
        folder.mkdir(parents=True, exist_ok=True)
        process = start_python("-c", HOLD, folder)
        processes.append(process)
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def given(small: Small, tmp_path: Path) -> Callable[[str], tuple[list[object], Path]]:
    """A command, and the folder that it writes."""

    def words(name: str) -> tuple[list[object], Path]:
        output = tmp_path / "o"
        if name in STAGES:
            return small.command(name, output), output
        if name == "export":
            assert small.run("train", tmp_path / "run").returncode == 0
            return ["export", "--run", tmp_path / "run", "--output", output], output
        shards = tmp_path / "shards"
        assert small.run("shard", shards).returncode == 0
        if name == "plan":
            return ["plan", "--shards", shards, "--context", 24, "--name", "p", "--quiet"], shards / "plan" / "p"
        (tmp_path / "urls").write_text("https://d5.example/\n")
        return ["forget", "--shards", shards, "--url-list", tmp_path / "urls"], shards

    return words


@pytest.mark.slow
@pytest.mark.kill
@pytest.mark.parametrize("name", COMMANDS)
def test_a_second_run_is_refused_while_the_first_lives(
    given: Callable[[str], tuple[list[object], Path]],
    hold: Callable[[Path], subprocess.Popen[str]],
    bateia: Call,
    name: str,
) -> None:
    command, output = given(name)
    first = hold(output)
    before = sorted(output.rglob("*"))
    ended = bateia(*command)
    told = [line for line in ended.stderr.splitlines() if line.startswith("bateia: ")]
    assert ended.returncode == 2 and len(told) == 1, ended.stderr
    assert f"is being written by another run (process {first.pid} on " in told[0] and str(output) in told[0]
    assert sorted(output.rglob("*")) == before
    first.send_signal(signal.SIGKILL)
    first.wait()
    ended = bateia(*command)
    assert ended.returncode == 0, ended.stderr
    assert not list(output.rglob(".lease-*"))
