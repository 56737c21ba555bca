"""Beam's pool of external workers, as processes that are forked: `python -m support.worker_pool --service_port=N`.

Beam's own starts each as bare `python`, which imports for three seconds of CPU time what is the same for all.
"""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any
from unittest import mock

from apache_beam.runners.worker import worker_pool_main

from support.forked import Forked


def fork(command: list[str], **_: Any) -> Forked:
    program, option, code = command
    assert (program, option) == ("python", "-c"), command
    return Forked(run_code, code)


def run_code(code: str) -> None:
    exec(code, {"__name__": "__main__"})


if __name__ == "__main__":
    stand_in = SimpleNamespace(Popen=fork, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired)
    with mock.patch.object(worker_pool_main, "subprocess", stand_in):
        worker_pool_main.main()
