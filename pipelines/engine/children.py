"""Child processes import the same modules as this one, whatever files are in the working directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = str(Path(__file__).parents[2])


def module_path() -> str:
    """PYTHONPATH with which a child imports the same modules as this process, ours first."""
    return os.pathsep.join([ROOT, *filter(None, sys.path)])


def python_command(module: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules; -P keeps the working directory out of sys.path."""
    return [sys.executable, "-P", "-m", module, *arguments]


def run_command(arguments: list[str], variables: Mapping[str, str] | None = None) -> int:
    """Run `bateia` with these arguments as a child and wait for it; returns its exit code.

    Ctrl-C reaches the child too, as it is in this process' group; SIGTERM is forwarded. The child reacts
    to both and reports what it did.
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
