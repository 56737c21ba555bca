"""The job that an engine runs for a phase: known while it runs, cancelled when the run stops, asked for by a later run.

In this process there is none: what runs here ends with it.
"""

from __future__ import annotations

import socket
import threading
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from schemas.faults import reason
from schemas.lease import Lease, NoAnswer

CANCEL_WITHIN_S = 20.0
POLL_S = 0.5
REST_S = 10.0
# States of Beam's job servers (JobState.Enum of beam_job_api.proto) and of Flink's REST service (JobStatus).
ENDED = ("DONE", "FAILED", "CANCELLED", "UPDATED", "DRAINED", "FINISHED", "CANCELED")
RUNNING = (
    *("STARTING", "RUNNING", "STOPPED", "DRAINING", "CANCELLING", "UPDATING"),
    *("CREATED", "FAILING", "RESTARTING", "INITIALIZING", "RECONCILING", "SUSPENDED"),
)
CAUSED = "Caused by: "  # one that was suppressed is indented
MANAGED = "DataflowRunner"  # goes on without the process that began a job
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Job:
    """What an engine runs for a phase.

    where: the address of the job server or cluster, as options name it.
    lease: of the output that the job works on, in which its number is noted.
    """

    def __init__(self, where: str, lease: Lease | None = None) -> None:
        self.where, self._lease = where, lease
        self._result: Any = None
        self._is_submitted, self._is_stopped = threading.Event(), False

    def submitted(self, result: Any) -> None:
        """Beam's result of a pipeline that was begun."""
        self._result = result
        self._is_submitted.set()
        if self._is_stopped:
            self._cancel()
        elif self._lease is not None:
            self._lease.note_job(self.identity)

    def never_began(self) -> None:
        """The pipeline could not be handed over."""
        self._is_submitted.set()

    def ended(self) -> None:
        """The phase is over."""
        if self._lease is not None and self._result is not None:
            self._lease.note_job({})

    @property
    def identity(self) -> dict[str, str]:
        """What a later run can ask for: id, where (as seen from which host), and the kind of service that knows it."""
        if (rest := rest_job(self._result)) is not None:
            return {"kind": "rest", "id": rest[1], "where": rest[0], "host": socket.gethostname()}
        return {"kind": "beam", "id": str(job_id(self._result)), "where": self.where, "host": socket.gethostname()}

    def stop(self, within_s: float = CANCEL_WITHIN_S) -> str:
        """Cancel the job and wait for its end. Returns a sentence on what became of it.

        Where a job server says that it cancelled and goes on all the same, the job ends at its next unit of work, as
        the run's lease is gone.
        """
        self._is_stopped = True
        outcome: list[str] = []
        thread = threading.Thread(target=lambda: outcome.append(self._stop(within_s)), daemon=True)
        thread.start()
        thread.join(within_s + REST_S)
        return outcome[0] if outcome else self._still_runs("no answer came")

    def _stop(self, within_s: float) -> str:
        until = time.monotonic() + within_s
        if not self._is_submitted.wait(within_s):
            return f"its job was being submitted to {self.where} and may run there; end it before you go on"
        if self._result is None:
            return "no job was begun"
        try:
            if self._state() in ENDED:
                return "its job has ended"
            self._cancel()
            while (state := self._state()) not in ENDED:
                if time.monotonic() > until:
                    return self._still_runs(f"it is {state}")
                time.sleep(POLL_S)
        except Exception as error:  # whatever an engine's client raises: the user has to know
            if host_and_port(self.where) is None and self.where != MANAGED:
                return "its job ended with the runner that this run had started"
            return self._still_runs(reason(error))
        return f"its job is {state.lower()}"

    def first_fault(self) -> str | None:
        """What the job failed of first, as its cluster tells; None where none does."""
        if (job := rest_job(self._result)) is None:
            return None
        import requests

        try:
            address = f"{job[0]}/v1/jobs/{job[1]}/exceptions"
            answer = requests.get(address, params={"maxExceptions": 100}, timeout=REST_S)
            entries = answer.json()["exceptionHistory"]["entries"]
            return cause_of(min(entries, key=lambda entry: entry["timestamp"])["stacktrace"])
        except (requests.RequestException, KeyError, TypeError, ValueError):  # no answer, or none of that form
            return None

    def _still_runs(self, why: str) -> str:
        identity = self.identity if self._result is not None else {"id": "?"}
        return f"its job {identity['id']} on {self.where} could not be cancelled ({why}); end it there before you go on"

    def _state(self) -> str:
        return str(self._result.state)

    def _cancel(self) -> None:
        if (rest := rest_job(self._result)) is None:
            self._result.cancel()
            return
        # Beam's own call names a path that the service does not have.
        import requests

        answer = requests.patch(f"{rest[0]}/v1/jobs/{rest[1]}", params={"mode": "cancel"}, timeout=REST_S)
        answer.raise_for_status()


def cause_of(trace: str) -> str:
    """Of a Java stack trace one line: what a step's Python raised, else the error and, if it says more, its cause."""
    if "\nTraceback (most recent call last):" in trace:
        python = trace.rpartition("\nTraceback (most recent call last):")[2].partition("\n\tat ")[0]
        raised = [line for line in python.splitlines() if line and not line[0].isspace()]
        if raised:
            return raised[-1]
    first, *rest = trace.splitlines() or [""]
    cause = next((line[len(CAUSED) :] for line in reversed(rest) if line.startswith(CAUSED)), "")
    return first if not cause or cause.partition(": ")[2] in first else f"{first}; caused by {cause}"


def job_id(result: Any) -> Any:
    """The number that an engine gave to a job, of any of Beam's results."""
    own = getattr(result, "_job_id", None) or getattr(result, "job_id", None)
    return own() if callable(own) else own


def rest_job(result: Any) -> tuple[str, str] | None:
    """Address and number of a job that Beam submitted to a cluster's REST service; None for others."""
    jobs = getattr(getattr(result, "_job_service", None), "_jobs", {})
    job = jobs.get(getattr(result, "_job_id", None)) if isinstance(jobs, dict) else None
    number, address = getattr(job, "_flink_job_id", None), getattr(job, "_master_url", None)
    return (str(address), str(number)) if number and address else None


def still_runs(job: dict[str, str], within_s: float = REST_S) -> bool:
    """Whether a job that an earlier run noted still runs.

    It does not where nothing listens at its service's address any more, where the service knows no such job or says
    that it has ended, and where it ended with the process that began it.

    job: as `Job.identity` gives it.
    within_s: seconds in which its service has to answer.

    Raises NoAnswer where that can't be told: no answer in time, or one that means neither.
    """
    if (job["where"], job.get("kind")) == (MANAGED, "beam"):
        raise NoAnswer("it is a job of a managed service, which is not asked from here")
    if (address := host_and_port(job["where"])) is None:
        return False  # a runner's name: what it started for itself ended with its run
    if address[0] in LOOPBACK and job.get("host", socket.gethostname()) != socket.gethostname():
        raise NoAnswer(f"its address is one on {job['host']}, and this is {socket.gethostname()}")
    try:
        socket.create_connection(address, timeout=within_s).close()
    except ConnectionRefusedError:
        return False
    except OSError as error:  # no such host, no way there, a time-out: a network that may come back
        raise NoAnswer(reason(error)) from error
    state = rest_state(job, within_s) if job.get("kind") == "rest" else job_state(job, within_s)
    if state in RUNNING:
        return True
    if state is None or state in ENDED:
        return False
    raise NoAnswer(f"its state is '{state}'")


def host_and_port(where: str) -> tuple[str, int] | None:
    """Of a service's address; None where it is the name of a runner or of what one starts itself, as `[auto]` is."""
    try:
        parts = urlsplit(where if "://" in where else f"//{where}")
        return (parts.hostname, parts.port) if parts.hostname and parts.port else None
    except ValueError:
        return None


def rest_state(job: dict[str, str], within_s: float) -> str | None:
    """State of a cluster's job, None if the cluster does not know it. Raises NoAnswer."""
    import requests

    try:
        answer = requests.get(f"{job['where']}/v1/jobs/{job['id']}", timeout=within_s)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        answer.raise_for_status()
        return str(answer.json()["state"])
    except (requests.RequestException, KeyError, TypeError) as error:  # JSONDecodeError is one of them
        raise NoAnswer(reason(error)) from error


def job_state(job: dict[str, str], within_s: float) -> str | None:
    """State of a job server's job, None if the server does not know it. Raises NoAnswer."""
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

    request: Any = beam_job_api_pb2.GetJobsRequest()  # pyright: ignore[reportAttributeAccessIssue]
    states: Any = beam_job_api_pb2.JobState.Enum  # pyright: ignore[reportAttributeAccessIssue]
    try:
        with grpc.insecure_channel(job["where"]) as channel:
            known = beam_job_api_pb2_grpc.JobServiceStub(channel).GetJobs(request, timeout=within_s).job_info
    except grpc.RpcError as error:
        told: Any = error
        raise NoAnswer(f"{told.code().name}: {told.details()}") from error
    return next((states.Name(each.state) for each in known if each.job_id == job["id"]), None)
