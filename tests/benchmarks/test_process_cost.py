"""What a command costs: all its processes count, those that it leaves behind too."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.process_cost import measure

BUSY = "import time\nwhile time.process_time() < 0.4: pass\n"
GRANDCHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY!r}])"
LEFT_BEHIND = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {BUSY!r}])"


@pytest.mark.parametrize("code", [BUSY, GRANDCHILD, LEFT_BEHIND], ids=["itself", "child", "left behind"])
def test_cpu_time_is_of_all_processes(code: str, tmp_path: Path) -> None:
    assert measure([sys.executable, "-c", code], tmp_path / "log").cpu_s >= 0.4


def test_memory_and_what_is_observed(tmp_path: Path) -> None:
    moments: list[float] = []

    def observe(second: float, pids: list[int]) -> None:
        moments.append(second)

    code = "import time\nheld = bytearray(64 << 20)\ntime.sleep(1)"
    cost = measure([sys.executable, "-c", code], tmp_path / "log", every_s=0.1, observe=observe)
    assert cost.largest()[0] >= 64 and cost.tree_mib >= 64
    assert moments == sorted(moments) and moments[-1] <= cost.wall_s


def test_a_failing_command_is_told_with_the_end_of_its_output(tmp_path: Path) -> None:
    code = "import os, sys\nprint(os.environ['NAME'])\nsys.exit(3)"
    with pytest.raises(RuntimeError, match=r"(?s)ended with 3: .*said by it"):
        measure([sys.executable, "-c", code], tmp_path / "log", {"NAME": "said by it"})
