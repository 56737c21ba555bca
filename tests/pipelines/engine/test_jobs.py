"""An engine's job: cancelled when its run stops, and asked for by the next run."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.engine.beam.jobs import Job, cause_of, still_runs
from pipelines.engine.run import job_of
from schemas.faults import BadInput
from schemas.lease import WHOLE, Claim, NoAnswer, holding, process_space, take
from schemas.storage import write_json
from support.web_server import serve_web


class Result:
    """Beam's result of a job that is cancelled after so many looks, or never."""

    def __init__(self, looks: int | None = 1, state: str = "RUNNING") -> None:
        self._job_id, self._looks, self._state, self.is_cancelled = "j1", looks, state, False

    @property
    def state(self) -> str:
        if self.is_cancelled and self._looks is not None:
            self._looks -= 1
            return "CANCELLED" if self._looks <= 0 else "CANCELLING"
        return self._state

    def cancel(self) -> None:
        self.is_cancelled = True


def stopped(result: Any, within_s: float = 1.0) -> str:
    job = Job("jobs:8099")
    job.submitted(result)
    return job.stop(within_s)


def test_a_job_is_cancelled() -> None:
    result = Result(2)
    assert stopped(result, 5.0) == "its job is cancelled"
    assert result.is_cancelled


def test_one_that_has_ended_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    result = Result(state="FAILED")
    assert stopped(result) == "its job has ended"
    assert not result.is_cancelled


def test_one_that_goes_on_is_named() -> None:
    told = "its job j1 on jobs:8099 could not be cancelled ({}); end it there before you go on"
    assert stopped(Result(None)) == told.format("it is RUNNING")
    broken = Result()
    broken.cancel = lambda: (_ for _ in ()).throw(RuntimeError("no such call"))  # pyright: ignore[reportAttributeAccessIssue]
    assert stopped(broken) == told.format("no such call")


def test_one_that_is_on_its_way_is_cancelled_when_it_arrives() -> None:
    job, result = Job("jobs:8099"), Result()
    assert job.stop(0.1) == "its job was being submitted to jobs:8099 and may run there; end it before you go on"
    job.submitted(result)
    assert result.is_cancelled


def test_one_that_never_began_is_not_waited_for() -> None:
    job = Job("jobs:8099")
    job.never_began()
    assert job.stop(60.0) == "no job was begun"


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ([], None),
        (["--runner=DirectRunner"], None),
        (["--runner=PortableRunner", "--job_endpoint=h:1"], "h:1"),
        (["--runner=FlinkRunner", "--flink_master=h:2"], "h:2"),
        (["--runner=PrismRunner"], "PrismRunner"),
    ],
)
def test_where_a_job_runs(words: list[str], where: str | None) -> None:
    job = job_of(words, "out")
    assert (job.where if job is not None else None) == where


class Cluster(BaseHTTPRequestHandler):
    """A cluster's REST service with one job."""

    state, asked, status, body = "RUNNING", [], 200, ""

    def answer(self) -> None:
        Cluster.asked.append((self.command, self.path))
        if self.command == "PATCH":
            Cluster.state = "CANCELED"
        self.send_response(Cluster.status if "/jobs/f7" in self.path else 404)
        self.end_headers()
        self.wfile.write((Cluster.body or json.dumps({"state": Cluster.state})).encode())

    do_GET = do_PATCH = answer

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def cluster_address() -> Iterator[str]:
    Cluster.state, Cluster.asked, Cluster.status, Cluster.body = "RUNNING", [], 200, ""
    with serve_web(Cluster) as address:
        yield address


def test_a_cluster_is_asked_by_rest(cluster_address: str) -> None:
    """Beam's own call to cancel names a path that the service does not have."""
    result = Result(None)
    of_cluster = SimpleNamespace(_flink_job_id="f7", _master_url=cluster_address)
    result._job_service = SimpleNamespace(_jobs={"j1": of_cluster})  # pyright: ignore[reportAttributeAccessIssue]
    job = Job(cluster_address)
    job.submitted(result)
    identity = job.identity
    assert identity == {"kind": "rest", "id": "f7", "where": cluster_address, "host": socket.gethostname()}
    assert still_runs(identity) and not still_runs({**identity, "id": "other"})
    job.stop(0.2)
    assert ("PATCH", "/v1/jobs/f7?mode=cancel") in Cluster.asked
    assert not result.is_cancelled and not still_runs(identity)


PYTHON_RAISED = """\
java.lang.Exception: The data preparation for task 'X' caused an error: Error received from SDK harness
\tat org.apache.flink.runtime.operators.BatchTask.run(BatchTask.java:481)
Caused by: java.lang.RuntimeException: Error received from SDK harness: Traceback (most recent call last):
  File "sdk_worker.py", line 313, in _execute
    response = task()
               ^^^^^^
Traceback (most recent call last):
  File "step.py", line 7, in __call__
    raise ValueError("no good")
ValueError: no good [while running 'RunUnits/RunUnit']

\tat org.apache.beam.runners.fnexecution.control.FnApiControlClient.java:214)
"""
MEMORY = """\
java.lang.RuntimeException: Failed to finish remote bundle
\tat org.apache.beam.runners.flink.FlinkExecutableStageFunction.java:279)
\tSuppressed: java.lang.IllegalStateException: Processing bundle failed, TODO: [18756] abort bundle.
Caused by: java.lang.OutOfMemoryError: Direct buffer memory
\tat java.base/java.nio.Bits.reserveMemory(Bits.java:175)
"""


@pytest.mark.parametrize(
    ("trace", "told"),
    [
        (PYTHON_RAISED, "ValueError: no good [while running 'RunUnits/RunUnit']"),
        (
            MEMORY,
            "java.lang.RuntimeException: Failed to finish remote bundle; caused by java.lang.OutOfMemoryError: "
            "Direct buffer memory",
        ),
        ("x.LostException: gone: disk full\nCaused by: y.IOException: disk full", "x.LostException: gone: disk full"),
        ("", ""),
    ],
)
def test_what_a_trace_says_in_a_line(trace: str, told: str) -> None:
    assert cause_of(trace) == told


def entry(timestamp: int, trace: str) -> dict[str, object]:
    return {"timestamp": timestamp, "stacktrace": trace}


def test_the_first_exception_of_a_job_is_told(cluster_address: str) -> None:
    Cluster.body = json.dumps({"exceptionHistory": {"entries": [entry(9, "later"), entry(5, MEMORY)]}})
    result = Result()
    result._job_service = SimpleNamespace(  # pyright: ignore[reportAttributeAccessIssue]
        _jobs={"j1": SimpleNamespace(_flink_job_id="f7", _master_url=cluster_address)}
    )
    job = Job(cluster_address)
    assert job.first_fault() is None
    job.submitted(result)
    assert (job.first_fault() or "").endswith("OutOfMemoryError: Direct buffer memory")
    assert Cluster.asked == [("GET", "/v1/jobs/f7/exceptions?maxExceptions=100")]
    Cluster.body = "{}"
    assert job.first_fault() is None


@pytest.mark.parametrize(
    "where", ["http://127.0.0.1:1", "127.0.0.1:1", "PrismRunner", "[auto]", "apache_beam.runners.x.XRunner"]
)
def test_a_service_that_is_gone_has_no_jobs(where: str) -> None:
    assert not still_runs({"kind": "rest" if where.startswith("http") else "beam", "id": "j1", "where": where})


@pytest.mark.parametrize(("status", "body"), [(503, "{}"), (200, "no JSON"), (200, "[]"), (200, '{"state": "NEW"}')])
def test_a_service_that_says_neither_is_believed_neither_way(cluster_address: str, status: int, body: str) -> None:
    Cluster.status, Cluster.body = status, body
    with pytest.raises(NoAnswer):
        still_runs({"kind": "rest", "id": "f7", "where": cluster_address})


@pytest.mark.parametrize("kind", ["rest", "beam"])
def test_one_that_does_not_answer_in_time_may_still_run_it(kind: str, tmp_path: Path) -> None:
    """A second run that took over would write beside the first one's job."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        job = {"kind": kind, "id": "j1", "where": f"http://{address}" if kind == "rest" else address}
        with pytest.raises(NoAnswer):
            still_runs(job, 0.3)
        claim = Claim(WHOLE, "here", process_space(), 2**22 + 1, "7", 0.0, "dead", held=True, job=job)
        write_json(claim.file(str(tmp_path)), asdict(claim))
        how = f"repeat this command when it does, or see that the job has ended and remove {claim.file(str(tmp_path))}"
        with pytest.raises(BadInput, match=f"job j1 of an earlier run may still work on it: .*{re.escape(how)}$"):
            take(str(tmp_path), still_runs=lambda job: still_runs(job, 0.3))
        assert holding(str(tmp_path)) is None
        Path(claim.file(str(tmp_path))).unlink()
        take(str(tmp_path), still_runs=still_runs)


def test_one_that_is_not_asked_from_here_may_still_run_it() -> None:
    managed = {"kind": "beam", "id": "2026-j", "where": "DataflowRunner"}
    with pytest.raises(NoAnswer, match="managed service"):
        still_runs(managed)
    with pytest.raises(NoAnswer, match="its address is one on elsewhere"):
        still_runs({"kind": "beam", "id": "j1", "where": "localhost:1", "host": "elsewhere"})
    with pytest.raises(NoAnswer):
        still_runs({"kind": "beam", "id": "j1", "where": "no-such-host.invalid:8099"})


def test_a_job_server_is_asked_for_all_its_jobs() -> None:
    from apache_beam.portability.api import beam_job_api_pb2, beam_runner_api_pb2
    from apache_beam.runners.portability.local_job_service import LocalJobServicer
    from google.protobuf.struct_pb2 import Struct

    states: Any = beam_job_api_pb2.JobState  # pyright: ignore[reportAttributeAccessIssue]
    pipeline: Any = beam_runner_api_pb2.Pipeline()  # pyright: ignore[reportAttributeAccessIssue]
    service = LocalJobServicer()
    port = service.start_grpc_server()
    service._jobs["j1"] = begun = service.create_beam_job("j1", "name", pipeline, Struct())
    job = {"kind": "beam", "id": "j1", "where": f"localhost:{port}"}
    for state, runs in ((states.RUNNING, True), (states.DONE, False), (states.CANCELLED, False)):
        begun.set_state(state)
        assert still_runs(job) is runs
    assert not still_runs({**job, "id": "j2"})
    service.stop(0)
