"""An array of Slurm's tasks makes the same bytes as one process, also when one of them is killed and queued again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.sample.build import SampleIndex
from support.command import Call
from support.outputs import hash_of, strays
from support.paths import ROOT
from support.processes import MARK, family, mark_of, wait_until
from support.slurm import missing, running_slurm, told

TASKS = 3


@pytest.mark.engine
@pytest.mark.kill
@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_a_task_that_is_killed_is_queued_again(bateia: Call, many: SampleIndex, tmp_path: Path) -> None:
    command = ("curate", "--recipe", "tiny", "--input", *map(str, many.warc_files))
    ended = bateia(*command, "--output", tmp_path / "here", "--quiet")
    assert ended.returncode == 0, ended.stderr
    program, there, mark = tmp_path / "bateia", tmp_path / "there", mark_of("slurm")
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m pipelines "$@"\n')
    program.chmod(0o755)
    with running_slurm(tmp_path / "slurm") as variables:
        variables |= {MARK: mark, "BATEIA": str(program), "PYTHONPATH": str(ROOT), "SBATCH_OPTIONS": f"-D {tmp_path}"}
        submit = [ROOT / "deploy" / "slurm" / "submit.sh", str(TASKS), *command, "--output", str(there)]
        subprocess.run(submit, env=variables, check=True, stdout=subprocess.DEVNULL)

        def task_at_work() -> int | None:
            tasks = [
                pid for pid, words in family(mark).items() if f"--part 1/{TASKS}" in words and "-m pipelines" in words
            ]
            return tasks[0] if tasks and list(there.glob("units/*.json")) else None

        assert wait_until(task_at_work, 300, 0.1), logs(tmp_path)
        victim = task_at_work()
        assert victim is not None
        os.kill(victim, signal.SIGKILL)
        restarts: list[str] = []

        def is_over() -> bool:
            restarts.extend(re.findall(r"Restarts=([1-9])", told(variables, "scontrol", "show", "job")))
            return not told(variables, "squeue", "-h").strip()

        assert wait_until(is_over, 600, 1.0), (told(variables, "squeue"), logs(tmp_path))
    assert restarts, logs(tmp_path)
    assert hash_of(there) == hash_of(tmp_path / "here"), logs(tmp_path)
    assert (there / "manifest.json").read_bytes() == (tmp_path / "here" / "manifest.json").read_bytes()
    assert strays(there) == []


def logs(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.glob("slurm-*.out")))
