"""`--engine`: what each one sets, what has to be said besides, and that what is given wins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.engine.beam.engines import BOOT, ENGINES, FLINK_JAR, engine_args
from schemas.faults import BadInput
from support.command import Call
from support.paths import ROOT

CLOUD = ["--project=p", "--region=r", "--temp_location=gs://b/t", "--sdk_container_image=i"]
PRISM = ["--runner=PrismRunner", "--prism_location={}/prism"]
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
    assert engine_args(engine, given) == [word.format(installed) for word in expected]


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
