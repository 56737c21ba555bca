"""A command between the start and the end of a Flink cluster of this machine, whose cost so becomes the command's own.

    python -m benchmarks.on_flink bateia dedup … --engine flink -- --flink_master=localhost:18081

`make -C deploy/flink` builds the cluster. Its processes, and the workers that these start, become this one's children
when the scripts that start them end: so who measures this process measures all of them.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.process_cost import PR_SET_CHILD_SUBREAPER

ROOT = Path(__file__).parents[1]
SCRIPTS, BUILT = ROOT / "deploy" / "flink", ROOT / "out" / "flink"
OPTIONS = ("--engine", "flink", "--", "--flink_master=localhost:18081")  # of the command


def on_flink(command: list[str]) -> list[str]:
    """The command line that runs another one so."""
    return [sys.executable, "-m", "benchmarks.on_flink", *command, *OPTIONS]


def main(command: list[str]) -> int:
    """Run it; returns its exit status. Raises CalledProcessError if no cluster comes up."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    variables = {"BATEIA_FLINK_JAR": str(BUILT / "runner.jar"), **os.environ}
    try:
        subprocess.run([SCRIPTS / "up.sh"], check=True)
        return subprocess.run(command, env=variables).returncode
    finally:
        subprocess.run([SCRIPTS / "down.sh"])
        wait_for_all()


def wait_for_all() -> None:
    """Until every child has ended, for only those are accounted for."""
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
