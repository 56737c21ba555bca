"""What tests lean on: the checker of pages, what is made once, and kills that are not too early nor too late."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from schemas.storage import PendingFile, write_whole
from support.baselines import made_once
from support.forked import FORKS
from support.killing import Killing
from support.pages import Strict, replaced
from support.paths import ROOT
from support.web_server import WebServer, serve_web


@pytest.mark.parametrize(
    "page",
    [
        "<p><script>alert(1)</script></p>",
        "<p onclick='x()'>x</p>",
        "<p style='background: url(http://a.example/)'>x</p>",
        "<link href='http://a.example/a.css'>",
        "<svg><use xlink:href='#a'></use></svg>",
        "<svg><image href='data:x'/></svg>",
        "<form><button formaction='x'></button></form>",
        "<p><b>x</p></b>",
        "<p>x",
        "x</p>",
    ],
)
def test_a_page_that_acts_loads_or_is_torn_is_found(page: str) -> None:
    with pytest.raises(AssertionError):
        Strict(page)


def test_a_harmless_page_gives_its_text() -> None:
    head = "<meta charset='utf-8'><link href='data:,'><style>p {}</style>"
    page = f"{head}<p style='width: 3%'>a<br>&lt;b&gt;<svg><rect/></svg></p>"
    assert Strict(page).text == "a<b>"


def test_leaves_are_replaced_where_they_stand() -> None:
    assert replaced({"a": [1, {"b": "c"}], "d": None}, str) == {"a": ["1", {"b": "c"}], "d": "None"}


def test_what_is_made_once_is_made_whole(tmp_path_factory: pytest.TempPathFactory) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        assert list(folder.iterdir()) == []
        (folder / "half").touch()
        if len(made) == 1:
            raise OSError("no space")

    name = tmp_path_factory.mktemp("baseline").name
    with pytest.raises(OSError, match="no space"):
        made_once(tmp_path_factory, f"{name}-made", make)
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: made_once(tmp_path_factory, f"{name}-made", make), range(4)))
    assert len(made) == 2 and set(folders) == set(made)


def test_a_kill_is_due_at_its_moment_alone() -> None:
    killing = Killing("*/o/units/*.json", "created", passed=1)
    assert not killing.is_due("committed", "/x/o/units/a.json")
    assert not killing.is_due("created", "/x/o/data/a.parquet")
    assert [killing.is_due("created", "/x/o/units/a.json") for _ in range(2)] == [False, True]
    assert Killing.from_json(killing.environment()["BATEIA_TEST_KILL_AT"]) == killing
    assert signal.Signals[killing.signal] is signal.SIGKILL


def test_files_are_written_as_the_moments_say(tmp_path: Path) -> None:
    """A kill knows a file by its path alone: everything that a stage writes goes through one class."""
    with write_whole(str(tmp_path / "a")) as file:
        file.write(b"x")
        assert [path.name.startswith(".a.") for path in tmp_path.iterdir()] == [True]
    pending = PendingFile(str(tmp_path / "b"))
    assert pending.path == str(tmp_path / "b")
    pending.commit()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize(("gone", "printed"), [(True, False), (False, True)], ids=["client gone", "handler's fault"])
def test_a_web_server_prints_its_own_faults_only(
    gone: bool, printed: bool, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that has what it wants may go; other tests count the lines that a command prints."""
    ended = threading.Event()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            raise BrokenPipeError if gone else ValueError

        def log_message(self, format: str, *args: Any) -> None:
            return

    monkeypatch.setattr(WebServer, "shutdown_request", lambda self, request: (request.close(), ended.set()))
    with serve_web(Answers) as address:
        with pytest.raises(OSError):
            urlopen(address, timeout=10)
        assert ended.wait(10)
    assert ("Traceback" in capfd.readouterr().err) is printed


@pytest.mark.slow
@pytest.mark.engine
def test_forks_have_imported_what_they_need_and_no_framework() -> None:
    with FORKS.Pool(1) as pool:
        loaded = set(pool.apply(eval, ("set(__import__('sys').modules)",)))
    assert {"apache_beam", "spacy", "presidio_analyzer", "pipelines.stages.shard", "transforms.curate"} <= loaded
    assert not {"torch", "transformers", "pandas"} & loaded


GO = """#!/bin/sh
echo "$@" >> {log}
{does}
"""
ENDINGS = {
    "no Go": (None, "prism: skipped, as Go is not installed; tests of it skip too"),
    "offline": (
        "echo 'go: no route to host' >&2; exit 1",
        "skipped, as Go's modules can't be had (go: no route to host)",
    ),
    "silent": ("sleep 60", "skipped, as Go's modules can't be had (no end within 0.5 s)"),
    "broken": ("test $1 = list || { echo 'go: no compiler' >&2; exit 1; }", "as it can't be built (go: no compiler)"),
    "slow": ("test $1 = list || sleep 60", "as it can't be built (no end within 0.5 s)"),
    "built": ('test $1 = list || touch "$GOBIN/prism"', " is in "),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_a_runner_in_go_is_built_or_a_line_says_why_not(tmp_path: Path, how: str) -> None:
    does, told = ENDINGS[how]
    log, bin_folder = tmp_path / "log", tmp_path / "bin"
    log.touch()
    bin_folder.mkdir()
    if does is not None:
        (bin_folder / "go").write_text(GO.format(log=log, does=does))
        (bin_folder / "go").chmod(0o700)
    tools = [str(Path(path)) for path in ("/bin", "/usr/bin") if not (Path(path) / "go").exists()]
    limits = {"BATEIA_GO_ANSWERS_S": "0.5", "BATEIA_GO_BUILDS_S": "0.5"}
    environment = {**os.environ, **limits, "PATH": os.pathsep.join([str(bin_folder), *tools])}

    def build() -> list[str]:
        command = [sys.executable, ROOT / "tests/support/prism.py", tmp_path / "prism"]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert ended.stderr == ""
        return ended.stdout.splitlines()

    assert told in build()[-1]
    asked = log.read_text()
    assert build() == [] if how == "built" else told in build()[-1]
    assert (log.read_text() == asked) == (how in ("built", "no Go"))
