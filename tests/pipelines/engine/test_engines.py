"""`--engine`: what each one sets, what has to be said besides, and that what is given wins."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.engine.beam.engines import BOOT, ENGINES, FLINK_JAR, RUN_PRISM, engine_args
from pipelines.engine.runner import tame_servers
from schemas.faults import BadInput
from schemas.lease import process_start
from support.command import Call
from support.paths import ROOT
from support.processes import needs_proc, wait_until

CLOUD = ["--project=p", "--region=r", "--temp_location=gs://b/t", "--sdk_container_image=i"]
PRISM = ["--runner=PrismRunner", f"--prism_location={RUN_PRISM}", "--prism_log_level=error"]
MANAGED = ["--runner=DataflowRunner", "--number_of_worker_harness_threads=1", "--sdk_location=container"]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with programs and jars that nothing runs."""
    for name in ("prism", "runner.jar"):
        (tmp_path / name).touch(mode=0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(FLINK_JAR, str(tmp_path / "runner.jar"))
    return tmp_path


@pytest.mark.parametrize(
    ("engine", "given", "expected"),
    [
        (None, ["--runner=X"], ["--runner=X"]),
        ("local", [], []),
        ("PortableRunner", ["--job_endpoint=h:1"], ["--runner=PortableRunner", "--job_endpoint=h:1"]),
        ("prism", [], [*PRISM, "--environment_type=LOOPBACK"]),
        ("prism", ["--environment_type=DOCKER"], [*PRISM, "--environment_type=DOCKER"]),
        ("dataflow", CLOUD, [*MANAGED, *CLOUD]),
    ],
)
def test_an_engine_s_options(installed: Path, engine: str | None, given: list[str], expected: list[str]) -> None:
    assert engine_args(engine, given) == expected


def test_a_cluster_gets_its_jar_and_the_boot_script(installed: Path) -> None:
    args = engine_args("flink", ["--flink_master=cluster:80", "--parallelism", "8"])
    assert f"--flink_job_server_jar={installed / 'runner.jar'}" in args
    assert args[-3:] == ["--flink_master=cluster:80", "--parallelism", "8"]
    assert sum("flink_master" in word or "parallelism" in word for word in args) == 2
    [config] = [word.partition("=")[2] for word in args if word.startswith("--environment_config=")]
    program = json.loads(config)
    assert program["command"] == str(BOOT)  # a cluster takes no arguments with it
    assert program["env"]["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert program["env"]["BATEIA_ASSETS"] == os.environ["BATEIA_ASSETS"]


@pytest.mark.slow
def test_the_boot_script_is_a_program_by_itself(tmp_path: Path) -> None:
    variables = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([BOOT, "--id=1"], env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "the following arguments are required: --provision_endpoint" in ended.stderr


@pytest.fixture
def sleeper(tmp_path: Path) -> dict[str, str]:
    """The environment of one who has a program `prism`, which notes its number and sleeps."""
    program = tmp_path / "prism"
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/number; exec sleep 60\n")
    program.chmod(0o700)
    return {"PATH": os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.defpath])}


DRIVER = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(60)"


@pytest.mark.slow
@pytest.mark.kill
@needs_proc
@pytest.mark.parametrize("how", ["killed driver", "driver's signal", "Ctrl-C"])
def test_a_server_in_go_ends_with_its_driver(tmp_path: Path, sleeper: dict[str, str], how: str) -> None:
    """And not by the Ctrl-C that reaches the whole group: the driver cancels its job first."""

    def number_of_server() -> int | None:
        text = (tmp_path / "number").read_text() if (tmp_path / "number").exists() else ""
        return int(text) if text.endswith("\n") else None

    command = [str(RUN_PRISM)] if how == "driver's signal" else [sys.executable, "-c", DRIVER, str(RUN_PRISM)]
    first = subprocess.Popen(command, env=sleeper, start_new_session=True)
    try:
        assert wait_until(number_of_server)
        server = number_of_server()
        assert server is not None
        if how == "Ctrl-C":
            group = [pid for pid in members_of(first.pid) if pid != first.pid]
            assert len(group) == 1  # the server has a session of its own
            os.kill(group[0], signal.SIGINT)
            time.sleep(0.5)
            assert process_start(server)
        first.send_signal(signal.SIGINT if how == "driver's signal" else signal.SIGKILL)
        assert wait_until(lambda: not process_start(server), seconds=10)
    finally:
        first.kill()
        first.wait()


def members_of(group: int) -> list[int]:
    """Processes of a group."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and group_of(path) == group]


def group_of(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[2])
    except OSError:
        return 0


def test_beam_s_servers_leave_ctrl_c_to_the_run() -> None:
    """One that a runner starts does so in another thread than the main one, which alone may set a handler."""
    from apache_beam.runners.portability.job_server import StopOnExitJobServer

    before, told = signal.getsignal(signal.SIGINT), []
    tame_servers()
    server = StopOnExitJobServer(SimpleNamespace(start=lambda: "here:1", stop=lambda: told.append("stopped")))
    thread = threading.Thread(target=lambda: told.append(server.start()))
    thread.start()
    thread.join()
    server.stop()
    assert told == ["here:1", "stopped"] and signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("engine", "given", "told"),
    [
        ("PortableRunner", [], "needs to be told where: add -- --job_endpoint=HOST:PORT"),
        ("dataflow", CLOUD[1:], "add -- --project=NAME"),
        ("prism", [], "no program `prism` is on the path; `go install "),
        ("flink", [], rf"\${FLINK_JAR} names no file"),
        ("local", ["--runner=X"], "leave one out"),
    ],
)
def test_what_an_engine_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: str, given: list[str], told: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(FLINK_JAR, raising=False)
    with pytest.raises(BadInput, match=told):
        engine_args(engine, given)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--engine", "spart"), "invalid choice: 'spart'"),
        (("--engine", "local", "--", "--flink_master=h:1"), "--flink_master is for another runner"),
        (("--engine", "PortableRunner"), "add -- --job_endpoint=HOST:PORT"),
        (("--engine", "local", "--", "--no_such_option=1"), "Beam has no option --no_such_option"),
    ],
)
def test_through_the_command(
    bateia: Call, documents: Path, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    ended = bateia("dedup", "--input", documents, "--output", tmp_path / "o", *options)
    assert ended.returncode == 2 and told in ended.stderr, ended.stderr
    assert not (tmp_path / "o").exists()


def test_every_engine_is_tried() -> None:
    assert set(ENGINES) == {"local", "flink", "prism", "dataflow", "PortableRunner"}
