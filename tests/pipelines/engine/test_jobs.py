"""An engine's job: cancelled when its run stops, and asked for by the next run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.engine.beam.jobs import Job, still_runs
from pipelines.engine.run import job_of


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

    state, asked = "RUNNING", []

    def answer(self) -> None:
        Cluster.asked.append((self.command, self.path))
        if self.command == "PATCH":
            Cluster.state = "CANCELED"
        self.send_response(200 if "/jobs/f7" in self.path else 404)
        self.end_headers()
        self.wfile.write(json.dumps({"state": Cluster.state}).encode())

    do_GET = do_PATCH = answer

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def cluster_address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Cluster)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Cluster.state, Cluster.asked = "RUNNING", []
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_cluster_is_asked_by_rest(cluster_address: str) -> None:
    """Beam's own call to cancel names a path that the service does not have."""
    result = Result(None)
    of_cluster = SimpleNamespace(_flink_job_id="f7", _master_url=cluster_address)
    result._job_service = SimpleNamespace(_jobs={"j1": of_cluster})  # pyright: ignore[reportAttributeAccessIssue]
    job = Job(cluster_address)
    job.submitted(result)
    identity = job.identity
    assert identity == {"kind": "rest", "id": "f7", "where": cluster_address}
    assert still_runs(identity) and not still_runs({**identity, "id": "other"})
    job.stop(0.2)
    assert ("PATCH", "/v1/jobs/f7?mode=cancel") in Cluster.asked
    assert not result.is_cancelled and not still_runs(identity)


def test_a_service_that_is_gone_has_no_jobs() -> None:
    assert not still_runs({"kind": "rest", "id": "f7", "where": "http://127.0.0.1:1"})
    assert not still_runs({"kind": "beam", "id": "j1", "where": "PrismRunner"})
