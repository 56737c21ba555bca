"""The job that an engine runs for a phase: known while it runs, cancelled when the run stops, asked for by a later run.

In this process there is none: what runs here ends with it.
"""

from __future__ import annotations

import threading
import time
from typing import Any
from urllib.parse import urlsplit

from schemas.faults import reason
from schemas.lease import Lease

CANCEL_WITHIN_S = 20.0
POLL_S = 0.5
ENDED = ("DONE", "FAILED", "CANCELLED", "UPDATED", "DRAINED")
REST_S = 10.0
REST_RUNNING = ("CREATED", "RUNNING", "FAILING", "CANCELLING", "RESTARTING", "INITIALIZING", "RECONCILING", "SUSPENDED")


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
        """What a later run can ask for: id, where, and the kind of service that knows it."""
        if (rest := rest_job(self._result)) is not None:
            return {"kind": "rest", "id": rest[1], "where": rest[0]}
        return {"kind": "beam", "id": str(job_id(self._result)), "where": self.where}

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
            return self._still_runs(reason(error))
        return f"its job is {state.lower()}"

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


def still_runs(job: dict[str, str]) -> bool:
    """Whether a job that an earlier run noted still runs, as far as its service answers."""
    try:
        return rest_state(job) in REST_RUNNING if job.get("kind") == "rest" else job_state(job) not in (*ENDED, "")
    except Exception:  # a service that is gone has no jobs
        return False


def rest_state(job: dict[str, str]) -> str:
    import requests

    answer = requests.get(f"{job['where']}/v1/jobs/{job['id']}", timeout=REST_S)
    return str(answer.json().get("state", "")) if answer.ok else ""


def job_state(job: dict[str, str]) -> str:
    """State of a job of a job server, "" if the server does not know it."""
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

    if not urlsplit(f"//{job['where']}").port:
        return ""
    request: Any = beam_job_api_pb2.GetJobStateRequest(job_id=job["id"])  # pyright: ignore[reportAttributeAccessIssue]
    states: Any = beam_job_api_pb2.JobState.Enum  # pyright: ignore[reportAttributeAccessIssue]
    with grpc.insecure_channel(job["where"]) as channel:
        stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        return states.Name(stub.GetState(request, timeout=REST_S).state)
