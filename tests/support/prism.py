"""`python tests/support/prism.py FOLDER`: Beam's runner in Go, of the version of Beam that is here, built there.

Once, and only where Go and its modules are: else a line says why not, and tests of it skip. It never fails.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

MODULE = "github.com/apache/beam/sdks/v2"
ANSWER_WITHIN_S = float(os.environ.get("BATEIA_GO_ANSWERS_S", "30"))  # Go's module proxy
BUILD_WITHIN_S = float(os.environ.get("BATEIA_GO_BUILDS_S", "1200"))  # 7 minutes with nothing cached, on a busy core


def build(folder: Path) -> str:
    """What became of it, in a line; "" if it was there already."""
    wanted = f"v{version('apache-beam')}"
    built = folder / "version"
    if built.exists() and built.read_text() == wanted and (folder / "prism").exists():
        return ""
    if shutil.which("go") is None:
        return "Go is not installed"
    if fault := run("go", "list", "-m", f"{MODULE}@{wanted}", within_s=ANSWER_WITHIN_S):
        return f"Go's modules can't be had ({fault})"
    print(f"prism: building {wanted}, once, in some minutes …", flush=True)
    if fault := run("go", "install", f"{MODULE}/go/cmd/prism@{wanted}", within_s=BUILD_WITHIN_S, GOBIN=str(folder)):
        return f"it can't be built ({fault})"
    built.write_text(wanted)
    return f"{wanted} is in {folder}"


def run(*command: str, within_s: float, **variables: str) -> str:
    """Why a command failed, "" if it did not; it is ended with its children after some time."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
        start_new_session=True,
    )
    try:
        _, told = process.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"no end within {within_s:g} s"
    return "" if process.returncode == 0 else (told.strip().splitlines() or ["no word of why"])[-1][:200]


def main() -> None:
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if told := build(folder):
        is_there = (folder / "version").exists()
        print(f"prism: {told}" if is_there else f"prism: skipped, as {told}; tests of it skip too", flush=True)


if __name__ == "__main__":
    main()
