"""A Flink cluster gives the same bytes, whoever dies in the middle, and what is stopped ends. By `make test-flink`."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.sample.build import SampleIndex
from support.command import Call
from support.flink import RUNNING, TASK_MANAGER, WORKER, Kill, jobs, run_with_kills, running_cluster, start_on_flink
from support.outputs import hash_of, strays
from support.processes import end, mark_of, wait_until

pytestmark = [
    pytest.mark.engine,
    pytest.mark.kill,
    pytest.mark.skipif("BATEIA_FLINK_JAR" not in os.environ, reason="`make test-flink` builds and names the jar"),
]

BROKEN_STEP = '''
from dataclasses import dataclass, replace
from typing import ClassVar

from pipelines.recipes.tiny import TINY
from transforms.steps.step import DocumentStep


@dataclass(frozen=True)
class Break(DocumentStep):
    """Raises."""

    stage: ClassVar[str] = "break"
    measures: ClassVar[tuple[str, ...]] = ()

    def checks(self, document):
        return iter(())

    def __call__(self, document):
        raise ArithmeticError("the step is broken")


BROKEN = TINY.vary(replace(TINY.curate, documents=(Break(),)), name="broken")
'''

# In which of a stage's jobs what dies: `curate` has one, dedup has sign, match, clusters, rewrite, audit, and shard has
# encode, shuffle, pack.
KILLS = {
    "curate": (Kill(1, WORKER), Kill(1, TASK_MANAGER)),
    "dedup": (Kill(1, WORKER), Kill(2, TASK_MANAGER)),
    "shard": (Kill(1, WORKER), Kill(2, TASK_MANAGER)),
}


@pytest.fixture(scope="module")
def flink() -> Iterator[str]:
    """The mark of a cluster's processes."""
    mark = mark_of("flink")
    with running_cluster(mark):
        yield mark


@pytest.mark.parametrize("stage", KILLS)
def test_the_bytes_are_those_of_one_process(
    flink: str, bateia: Call, many: SampleIndex, documents: Path, corpus: Path, tmp_path: Path, stage: str
) -> None:
    command = {
        "curate": ("curate", "--recipe", "tiny", "--input", *many.warc_files),
        "dedup": ("dedup", "--input", documents),
        "shard": ("shard", "--input", corpus, "--context", 64),
    }[stage]
    here, there = tmp_path / "here", tmp_path / "there"
    ended = bateia(*command, "--output", here, "--quiet")
    assert ended.returncode == 0, ended.stderr
    run = run_with_kills(flink, (*command, "--output", there, "--quiet"), KILLS[stage])
    assert run.returncode == 0, run.err
    killed = ", ".join(run.killed)
    print(
        f"\n| flink | {stage} | {hash_of(there)[:16]} | {run.cpu_s:.0f} CPU s | {run.peak_mib:,.0f} MiB | {killed} | "
        f"{run.jobs} jobs, {run.wall_s:.0f} s |"
    )
    assert len(run.killed) == len(KILLS[stage])
    assert hash_of(there) == hash_of(here)
    assert (there / "manifest.json").read_bytes() == (here / "manifest.json").read_bytes()
    assert strays(there) == []


def test_ctrl_c_leaves_no_running_job(flink: str, many: SampleIndex, tmp_path: Path) -> None:
    before = set(jobs())
    command = ("curate", "--recipe", "tiny", "--input", *many.warc_files, "--output", tmp_path / "o", "--quiet")
    process = start_on_flink(flink, command)

    def curates() -> bool:  # after the trial
        return [state for job, state in jobs().items() if job not in before][1:] == [RUNNING]

    assert wait_until(curates, 600, 0.5), process.communicate()
    _, err = end(process, signal.SIGINT, 120)
    assert process.returncode == 130, err
    assert "; its job is cancel" in err
    assert wait_until(lambda: RUNNING not in jobs().values(), 60, 0.5)


def test_the_first_exception_is_told(flink: str, many: SampleIndex, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN_STEP)
    recipe = f"{tmp_path / 'broken.py'}:BROKEN"
    command = ("curate", "--recipe", recipe, "--input", many.warc_files[0], "--output", tmp_path / "o", "--quiet")
    run = run_with_kills(flink, command)
    assert run.returncode == 1
    told = [line for line in run.err.splitlines() if line.startswith("bateia: ")]
    assert told[0].startswith("bateia: ArithmeticError: the step is broken"), run.err
