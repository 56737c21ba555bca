"""What a command costs: CPU time, wall time and memory of all its processes, children's children too.

CPU time comes from the kernel's accounts of ended children, so nothing is missed however short a process lives. Memory
is sampled: the peak of each process as the kernel keeps it (VmHWM), which psutil doesn't tell, and the sum of all
processes with shared pages counted once (Pss). Linux only.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SAMPLE_EVERY_S = 0.25
PR_SET_CHILD_SUBREAPER = 36
SMALL_MIB = 5  # processes below are launchers and the like

Observer = Callable[[float, list[int]], None]


@dataclass
class Cost:
    """What one run of a command took.

    cpu_s: user and system seconds of all processes.
    wall_s: seconds from start to end.
    peaks_mib: the most resident memory of each process, by its id.
    tree_mib: the most memory of all processes together, shared pages counted once.
    """

    cpu_s: float = 0.0
    wall_s: float = 0.0
    peaks_mib: dict[int, float] = field(default_factory=dict)
    tree_mib: float = 0.0

    def largest(self) -> list[float]:
        """Peaks of the processes, the largest first."""
        return sorted((peak for peak in self.peaks_mib.values() if peak >= SMALL_MIB), reverse=True)

    def __str__(self) -> str:
        return f"{self.cpu_s:.1f} CPU s, {self.wall_s:.1f} s, {self.tree_mib:,.0f} MiB"


def bateia(*arguments: object) -> list[str]:
    """A `bateia` command line, run by this interpreter."""
    return [sys.executable, "-m", "pipelines", *map(str, arguments)]


def run_bateia(*arguments: object) -> None:
    """Run a command of Bateia's. Raises CalledProcessError, after showing what it said, if it fails."""
    done = subprocess.run(bateia(*arguments), capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stderr)
    done.check_returncode()


def measure(
    command: list[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    every_s: float = SAMPLE_EVERY_S,
    observe: Observer = lambda second, pids: None,
) -> Cost:
    """Run a command to its end. Raises RuntimeError with the end of its output if it fails.

    log: file for the command's output.
    environment: variables to set beside those of this process.
    every_s: seconds between two samples of memory.
    observe: called at every sample with the seconds since the start and the ids of the running processes.
    """
    # Processes that the command leaves behind become children of this one, so that their time is counted.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    cost, done, cpu_before, started = Cost(), threading.Event(), children_cpu_s(), time.monotonic()
    ending = threading.Lock()  # nothing is observed of a command that has ended

    def watch() -> None:
        while not done.wait(every_s):
            pids = process_tree(process.pid)
            for pid in pids:
                cost.peaks_mib[pid] = max(cost.peaks_mib.get(pid, 0.0), memory_mib(pid, "status", "VmHWM:"))
            cost.tree_mib = max(cost.tree_mib, sum(memory_mib(pid, "smaps_rollup", "Pss:") for pid in pids))
            with ending:
                if not done.is_set():
                    observe(time.monotonic() - started, pids)

    with log.open("wb") as output:
        variables = {**os.environ, **(environment or {})}
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=variables)
        watcher = threading.Thread(target=watch)
        watcher.start()
        code = process.wait()
    with ending:
        cost.wall_s = time.monotonic() - started
        done.set()
    watcher.join()
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass
    cost.cpu_s = children_cpu_s() - cpu_before
    if code:
        raise RuntimeError(f"{command[:3]} ended with {code}: {log.read_text(errors='replace')[-2000:]}")
    return cost


def children_cpu_s() -> float:
    """CPU seconds of all children of this process that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def process_tree(root: int) -> list[int]:
    """Ids of a process and of all that descend from it."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            children[parent_of(int(entry.name))].append(int(entry.name))
    tree = [root]
    for pid in tree:
        tree += children[pid]
    return tree


def parent_of(pid: int) -> int:
    """Id of a process's parent; 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def memory_mib(pid: int, file: str, key: str) -> float:
    """One line of /proc/<pid>/status or smaps_rollup, in MiB; 0 if the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(key)), 0.0)
