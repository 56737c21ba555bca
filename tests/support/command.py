"""The command line as tests call it: in this process, which costs no start, or as a process of its own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

from support.paths import ROOT

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]
Start = Callable[..., subprocess.Popen[str]]


def call_here(*args: object) -> Ended:
    """Run the command in this process. Gives its exit code, stdout and stderr."""
    from pipelines.__main__ import main

    def leave(code: int) -> None:
        raise SystemExit(code)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err), mock.patch("pipelines.engine.runner.exit_now", leave):
            code = main([str(arg) for arg in args])
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess([str(arg) for arg in args], code, out.getvalue(), err.getvalue())


def start(*args: object, **env: str) -> subprocess.Popen[str]:
    """Start the command as a process of its own. env: variables added to its environment."""
    return start_python("-m", "pipelines", *args, **env)


def start_python(*args: object, **env: str) -> subprocess.Popen[str]:
    """Start this interpreter in the checkout, with stdout and stderr as pipes."""
    return subprocess.Popen(
        [sys.executable, *map(str, args)],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
