"""A Flink cluster of this machine's own, as deploy/flink starts it: its jobs, its processes, and what they cost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from support.command import start
from support.paths import ROOT
from support.processes import MARK, family

MASTER = "localhost:18081"
FOLDER = ROOT / "deploy" / "flink"
CLUSTER = ROOT / "out" / "flink" / "pyflink"
JAR = ROOT / "out" / "flink" / "runner.jar"
WORKER, TASK_MANAGER = "boot.py", "TaskManagerRunner"  # what their command lines have
TICKS = os.sysconf("SC_CLK_TCK")
RUNNING = "RUNNING"


class Kill(NamedTuple):
    """Which process dies by SIGKILL in which of a command's jobs; the trial of the engine is job 0."""

    job: int
    what: str


@dataclass
class Run:
    """A command on the cluster.

    cpu_s: seconds of all processes, the cluster's too.
    peak_mib: the most memory of all of them together, shared pages counted once.
    killed: what died, in order.
    """

    returncode: int = 0
    out: str = ""
    err: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mib: float = 0.0
    killed: list[str] = field(default_factory=list)
    jobs: int = 0


@contextmanager
def running_cluster(mark: str) -> Iterator[None]:
    variables = {**os.environ, MARK: mark}
    try:
        subprocess.run([FOLDER / "up.sh"], check=True, env=variables, stdout=subprocess.DEVNULL)
        yield
    finally:
        subprocess.run([FOLDER / "down.sh"], check=False, env=variables, timeout=60)


def jobs() -> dict[str, str]:
    """States of the cluster's jobs by their number, the oldest first."""
    with urllib.request.urlopen(f"http://{MASTER}/v1/jobs/overview", timeout=60) as answer:
        listed = sorted(json.load(answer)["jobs"], key=lambda job: job["start-time"])
    return {job["jid"]: job["state"] for job in listed}


def tasks_run(job: str) -> bool:
    """Whether some of a job's tasks run, and not only its own state."""
    with urllib.request.urlopen(f"http://{MASTER}/v1/jobs/{job}", timeout=60) as answer:
        return bool(json.load(answer)["status-counts"].get(RUNNING))


def processes(mark: str, what: str) -> list[int]:
    return sorted(pid for pid, command in family(mark).items() if what in command)


def replace_task_manager(mark: str) -> None:
    """What a cluster's supervisor does when one is gone."""
    variables = {**os.environ, MARK: mark, "FLINK_HOME": str(CLUSTER), "FLINK_PID_DIR": str(CLUSTER / "pids")}
    subprocess.run([CLUSTER / "bin" / "taskmanager.sh", "start"], check=True, env=variables, stdout=subprocess.DEVNULL)


def run_with_kills(mark: str, command: tuple[object, ...], kills: tuple[Kill, ...] = ()) -> Run:
    """Run a command on the cluster to its end, killing what is asked for, and measure it."""
    run, left, before = Run(), list(kills), set(jobs())
    begun, used = time.monotonic(), cpu_of(mark)
    first = dict(used)
    process = start_on_flink(mark, command)

    def read() -> None:
        run.out, run.err = process.communicate()

    reader = threading.Thread(target=read)
    reader.start()
    while reader.is_alive():
        reader.join(0.5)
        used |= cpu_of(mark)
        run.peak_mib = max(run.peak_mib, memory_mib(mark))
        own = [job for job in jobs() if job not in before]
        run.jobs = len(own)
        if left and len(own) > left[0].job and jobs()[own[-1]] == RUNNING and tasks_run(own[-1]):
            what = left[0].what
            if victims := processes(mark, what):
                os.kill(victims[0], signal.SIGKILL)
                run.killed.append(f"{what} in job {len(own) - 1}")
                left.pop(0)
                if what == TASK_MANAGER:
                    replace_task_manager(mark)
    run.returncode, run.wall_s = process.returncode, time.monotonic() - begun
    run.cpu_s = sum(seconds - first.get(pid, 0.0) for pid, seconds in used.items())
    return run


def start_on_flink(mark: str, command: tuple[object, ...]) -> subprocess.Popen[str]:
    variables = {MARK: mark, "BATEIA_FLINK_JAR": str(JAR)}
    return start(*command, "--engine", "flink", "--", f"--flink_master={MASTER}", **variables)


def cpu_of(mark: str) -> dict[int, float]:
    """CPU seconds of each process of a family until now."""
    used = {}
    for pid in family(mark):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        used[pid] = (int(fields[11]) + int(fields[12])) / TICKS
    return used


def memory_mib(mark: str) -> float:
    """Memory of a family, shared pages counted once."""
    total = 0
    for pid in family(mark):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total / 1024
