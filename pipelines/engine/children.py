"""How processes of ours are started: with the very modules of this one, whatever lies in the working directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = str(Path(__file__).parents[2])


def module_path() -> str:
    """PYTHONPATH by which a child finds the modules that this process has: ours first, and nothing by accident."""
    return os.pathsep.join([ROOT, *filter(None, sys.path)])


def python_command(module: str, *arguments: str) -> list[str]:
    """Runs a module of ours; -P keeps the working directory out of its path."""
    return [sys.executable, "-P", "-m", module, *arguments]


def run_command(arguments: list[str], variables: Mapping[str, str] | None = None) -> int:
    """Run `bateia` with these arguments as a child and wait for it; returns its exit code.

    Ctrl-C reaches the child too, as it is of this process' group; SIGTERM is handed on. What comes of both is the
    child's to say.
    """
    environment = {**os.environ, **(variables or {}), "PYTHONPATH": module_path()}
    child = subprocess.Popen(python_command("pipelines", *arguments), env=environment)
    handlers = {signal.SIGINT: lambda *_: None, signal.SIGTERM: lambda *_: child.terminate()}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
