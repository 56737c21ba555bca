"""A run's processes: found by a variable that they inherit, waited for, killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MARK = "BATEIA_TEST_MARK"  # its value is what `family` looks for
WORKER = "pipelines.engine.worker"

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="/proc tells which processes are left")


def family(mark: str) -> dict[int, str]:
    """Command lines of the processes whose environment holds `mark`, by process id, however they were started."""
    members = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                members[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it ended meanwhile
            continue
    return members


def workers(mark: str) -> list[int]:
    return sorted(pid for pid, command in family(mark).items() if WORKER in command)


def wait_until(holds: Callable[[], Any], seconds: float = 60.0, every: float = 0.01) -> bool:
    """Whether `holds` came true within so many seconds."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(every)
    return True


def wait_for_file(process: subprocess.Popen[str], folder: Path, pattern: str, seconds: float = 120.0) -> None:
    """Until a file that the running process writes is there. Fails the test if the process ends before."""
    wait_until(lambda: list(folder.glob(pattern)) or process.poll() is not None, seconds, 0.002)
    assert process.poll() is None, (process.returncode, *process.communicate())
    assert list(folder.glob(pattern)), f"no {pattern} in {folder} within {seconds} s"


def is_gone(mark: str, seconds: float = 10.0) -> bool:
    """Whether no process of the family is left, or none soon."""
    return wait_until(lambda: not family(mark), seconds, 0.05)


def end(process: subprocess.Popen[str], number: signal.Signals, seconds: float = 60.0) -> tuple[str, str]:
    """Send a signal and wait for the process's end. Gives its stdout and stderr."""
    process.send_signal(number)
    try:
        return process.communicate(timeout=seconds)
    finally:
        process.kill()


def peaks_mb(mark: str, known: dict[int, float]) -> dict[int, float]:
    """Most memory that each process of a family ever held, in MiB, by process id; empty where there is no /proc.

    known: what an earlier look found. Processes in it are looked at again.
    """
    peaks = {}
    for pid in {*known, *family(mark)}:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:  # it ended meanwhile
            continue
        for line in lines:
            if line.startswith("VmHWM"):
                peaks[pid] = max(known.get(pid, 0.0), int(line.split()[1]) / 1024)
    return known | peaks


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def mark_of(name: str) -> str:
    """A mark that no other test process uses."""
    return f"{name}-{os.getpid()}"
