"""What follows `--`: each row is refused in one line before anything is written, or is right."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from pipelines.engine.beam.options import check_beam_args
from schemas.faults import BadInput
from support.command import Call
from support.processes import free_port

REFUSED = [
    (["--runer=FlinkRunner"], "Beam has no option --runer; did you mean --runner?"),
    (["--runner=FlinkRuner"], "Beam has no runner 'FlinkRuner'; did you mean FlinkRunner?"),
    (["--runner", "zzz"], "Beam has no runner 'zzz'; known: "),
    (["--runner=no.such.module.Runner"], "runner 'no.such.module.Runner' can't be loaded"),
    (["--runner"], "expected one argument"),
    (["--flink_master=localhost:8081"], "--flink_master is for another runner: without a runner"),
    (["--flink_version=1.19"], "give --runner=FlinkRunner"),
    (["--flink_version", "1.19", "--runner=SparkRunner"], "SparkRunner does not heed it; give --runner=FlinkRunner"),
    (["--flink_version=0.1", "--runner=FlinkRunner"], "invalid choice: '0.1'"),
    (["--job_endpoint=localhost:1"], "--job_endpoint is for another runner"),
    (["--environment_type=LOOPBACK"], "--environment_type is for another runner"),
    (["--num_workers=4"], "give --runner=DataflowRunner"),
    (["--parallelism=4"], "give --runner=FlinkRunner"),
    (["--runner=PortableRunner"], "give --job_endpoint=HOST:PORT"),
    (["--runner=PortableRunner", "--job_endpoint=localhost"], "--job_endpoint=localhost is no address"),
    (["--runner=PortableRunner", "--job_endpoint=localhost:70000"], "localhost:70000 is no address"),
    (["--runner=PortableRunner", "--job_endpoint=no-such-host.invalid:80"], "there is no host no-such-host.invalid"),
    (
        ["--runner=FlinkRunner", "--flink_master=http://localhost:1"],
        "--flink_master=http://localhost:1 can't be reached",
    ),
    (["stray"], "'stray' after `--` is no option"),
    (["--experiments=x", "--zzzzzz"], "Beam has no option --zzzzzz; leave it out"),
    (["--direct_num_worker=2"], "did you mean --direct_num_workers?"),
]
RIGHT = [
    [],
    ["--direct_running_mode=multi_processing", "--direct_num_workers=2"],
    ["--runner=FnApiRunner"],
    ["--runner", "fnapi"],
    ["--runner=FlinkRunner", "--flink_master=[local]", "--parallelism=2"],
    ["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"],
    ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"],
    ["--experiments=use_loopback_process_worker=True", "--experiments", "x"],
]


@pytest.mark.parametrize(("words", "line"), REFUSED)
def test_what_no_runner_heeds_is_refused(words: list[str], line: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_beam_args(words, connect_s=0.1)
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("words", RIGHT)
def test_what_a_runner_heeds_is_taken(words: list[str]) -> None:
    check_beam_args(words, connect_s=0.1)


def test_a_service_that_nobody_offers_is_named_in_time() -> None:
    port, began = free_port(), time.monotonic()
    with pytest.raises(BadInput, match=f"--job_endpoint=localhost:{port} can't be reached"):
        check_beam_args(["--runner=PortableRunner", f"--job_endpoint=localhost:{port}"], connect_s=2)
    assert 2 <= time.monotonic() - began < 10


def test_a_service_that_listens_is_enough() -> None:
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
        check_beam_args(["--runner=PortableRunner", f"--job_endpoint=localhost:{port}"], connect_s=5)


@pytest.mark.parametrize("command", ["run tiny", "curate --recipe tiny"])
def test_nothing_is_written(bateia: Call, warcs: list[str], tmp_path: Path, command: str) -> None:
    words = [*command.split(), "--input", *warcs, "--output", tmp_path / "o", "--", "--runer=FlinkRunner"]
    ended = bateia(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "bateia: Beam has no option --runer; did you mean --runner?\n"
    assert not (tmp_path / "o").exists()
