"""What a command costs: CPU time, wall time and memory of its whole process tree."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

SAMPLE_EVERY_S = 0.25
PR_SET_CHILD_SUBREAPER = 36
SMALL_MB = 5  # processes below are launchers and the like


@dataclass
class Cost:
    """CPU and wall seconds of a process tree; the most memory of each process and of all together, in MiB."""

    cpu_s: float = 0.0
    wall_s: float = 0.0
    peaks_mb: dict[int, float] = field(default_factory=dict)
    tree_mb: float = 0.0

    def largest(self) -> list[float]:
        return sorted((peak for peak in self.peaks_mb.values() if peak >= SMALL_MB), reverse=True)


def children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def tree_of(root: int) -> list[int]:
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # ended meanwhile
            children[parent].append(int(entry.name))
    found = [root]
    for pid in found:
        found += children[pid]
    return found


def memory_mb(pid: int, file: str, key: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(key)), 0.0)


def watch(root: int, cost: Cost, done: threading.Event) -> None:
    """Sample the tree's memory: peaks per process as the kernel keeps them, and the sum with shared pages once."""
    while not done.wait(SAMPLE_EVERY_S):
        pids = tree_of(root)
        for pid in pids:
            cost.peaks_mb[pid] = max(cost.peaks_mb.get(pid, 0.0), memory_mb(pid, "status", "VmHWM:"))
        cost.tree_mb = max(cost.tree_mb, sum(memory_mb(pid, "smaps_rollup", "Pss:") for pid in pids))


def measure(command: list[str], log: Path) -> Cost:
    """Run a command to its end and tell what its whole process tree cost. Raises if it fails."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # processes that it leaves behind become ours, so count
    cost, done, cpu, started = Cost(), threading.Event(), children_cpu_s(), time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        watcher = threading.Thread(target=watch, args=(process.pid, cost, done))
        watcher.start()
        code = process.wait()
    cost.wall_s = time.monotonic() - started
    done.set()
    watcher.join()
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass
    cost.cpu_s = children_cpu_s() - cpu
    if code:
        raise RuntimeError(f"{command[:3]} ended with {code}: {log.read_text(errors='replace')[-2000:]}")
    return cost


def machine() -> str:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), "unknown CPU")
    return f"{model}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
