"""Beam's own services as processes: a job server, and a pool of worker processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.paths import ROOT
from support.processes import wait_until


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: listens(port) or process.poll() is not None, 240, 0.1)
    assert listens(port), f"{process.args} does not listen on port {port}"


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("localhost", port)) == 0


@contextmanager
def serving(port: int, log: Path, module: str, *args: str, **env: str) -> Iterator[None]:
    """A service of Beam's as a process of its own, stopped and waited for at the end. env: added to its environment."""
    # Workers start as bare `python`, so ours has to come first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    modules = os.pathsep.join([str(ROOT), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])])
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *args],
            env={**os.environ, "PATH": path, "PYTHONPATH": modules, **env},
            cwd=ROOT,
            stdout=out,
            stderr=out,
        )
        try:
            wait_for_port(port, process)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
