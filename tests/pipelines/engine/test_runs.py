"""Runs beside one another, and what an engine goes on with when its run is stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from pipelines.engine.progress import Progress
from pipelines.engine.run import Execution, Phases
from pipelines.engine.runner import JOB_LIMIT_S, with_defaults
from pipelines.sample.build import SampleIndex
from schemas.lease import WHOLE, Claim, claims, process_space, process_start
from schemas.storage import read_table, write_json
from support.command import Call, start
from support.outputs import hash_of, strays
from support.processes import end, family, mark_of, wait_until

SLOW_STEP = '''
from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from pipelines.recipes.tiny import TINY
from transforms.steps.step import DocumentStep


@dataclass(frozen=True)
class Dawdle(DocumentStep):
    """Takes its time while a file is there."""

    stage: ClassVar[str] = "dawdle"
    measures: ClassVar[tuple[str, ...]] = ()

    def checks(self, document):
        return iter(())

    def __call__(self, document):
        if Path("FILE").exists():
            time.sleep(0.1)
        return document


SLOW = TINY.vary(replace(TINY.curate, documents=(Dawdle(), *TINY.curate.documents)), name="slow")
'''


@pytest.fixture
def slow(many: SampleIndex, tmp_path: Path) -> tuple[object, ...]:
    """A run of twelve units that take two seconds each, until `hurry`."""
    (tmp_path / "slow").touch()
    (tmp_path / "slow.py").write_text(SLOW_STEP.replace("FILE", str(tmp_path / "slow")))
    return ("curate", "--recipe", f"{tmp_path / 'slow.py'}:SLOW", "--input", *many.warc_files, "--quiet", "--output")


def hurry(folder: Path) -> None:
    (folder / "slow").unlink()


def records(output: Path) -> set[str]:
    return {path.name for path in output.glob("units/*.json")}


def settled(output: Path) -> set[str]:
    """The records, once none has come for so long and the job's workers are gone: the unit under way ends."""
    quiet_s = 2.0 if Path("/proc/self").exists() else 12.0  # without a look at the workers
    known, since = (records(output), False), time.monotonic()
    while time.monotonic() - since < quiet_s:
        time.sleep(0.1)
        forks = sum("multiprocessing.forkserver" in command for command in family(mark_of("cluster")).values())
        working = forks > 1  # the pool's workers have the name of the process that they are forked from
        if working or (records(output), working) != known:
            known, since = (records(output), working), time.monotonic()
    return known[0]


def put_claim(folder: Path) -> None:
    """A lease of the process that started this one, which lives."""
    folder.mkdir(parents=True, exist_ok=True)
    pid = os.getppid()
    claim = Claim(WHOLE, "here", process_space(), pid, process_start(pid), time.time(), "other", held=True)
    write_json(claim.file(str(folder)), asdict(claim))


@pytest.mark.parametrize("stage", ["demo-crawl", "curate", "dedup", "shard", "tokenizer", "plan", "forget", "train"])
def test_a_second_run_is_refused_in_one_line(
    bateia: Call, warcs: list[str], documents: Path, corpus: Path, small_shards: Path, tmp_path: Path, stage: str
) -> None:
    output, shards = tmp_path / "o", tmp_path / "shards"
    if stage in ("plan", "forget", "train"):
        shutil.copytree(small_shards, shards)
    (tmp_path / "urls").write_text(url_of(small_shards))
    commands = {
        "demo-crawl": ("demo-crawl", "--output", output),
        "curate": ("curate", "--recipe", "tiny", "--input", *warcs, "--output", output),
        "dedup": ("dedup", "--input", documents, "--output", output),
        "shard": ("shard", "--input", corpus, "--output", output),
        "tokenizer": ("tokenizer", "train", "--input", corpus, "--output", output),
        "plan": ("plan", "--shards", shards, "--name", "other", "--context", 64),
        "forget": ("forget", "--shards", shards, "--url-list", tmp_path / "urls"),
        "train": ("train", "--shards", shards, "--model", "nano", "--steps", 2, "--output", output),
    }
    written = shards if stage in ("plan", "forget") else output
    put_claim(written)
    before = sorted(path.name for path in written.iterdir())
    ended = bateia(*commands[stage], *(["--quiet"] if stage != "demo-crawl" else []))
    assert ended.returncode == 2, ended.stderr
    line = ended.stderr.strip().splitlines()[-1]
    assert f"{written} is being written by another run (process {os.getppid()} on here, since" in line
    assert sorted(path.name for path in written.iterdir()) == before


def url_of(shards: Path) -> str:
    return read_table(str(next((shards / "train").glob("docs-*.parquet"))), ["url"]).column("url")[0].as_py()


def test_a_job_has_no_limit_unless_one_is_given() -> None:
    assert with_defaults([]) == [f"--job_server_timeout={JOB_LIMIT_S}"]
    for given in (["--job_server_timeout=5"], ["--job_server_timeout", "5"]):
        assert with_defaults(given) == given


@pytest.mark.kill
@pytest.mark.engine
def test_a_run_that_is_killed_leaves_a_lease_that_the_next_takes_over(
    slow: tuple[object, ...], bateia: Call, tmp_path: Path
) -> None:
    output = tmp_path / "o"
    process = start(*slow, output)
    assert wait_until(lambda: records(output), 300)
    assert bateia(*slow, output).returncode == 2
    end(process, signal.SIGKILL)
    [left] = claims(str(output))
    assert left.pid == process.pid
    with_record = records(output)
    hurry(tmp_path)
    assert bateia(*slow, output).returncode == 0
    assert strays(output) == []
    assert with_record < records(output)


@pytest.mark.kill
@pytest.mark.engine
@pytest.mark.parametrize("how", ["SIGTERM", "a limit of five seconds"])
def test_a_stopped_run_s_job_ends(
    slow: tuple[object, ...], cluster: tuple[str, ...], bateia: Call, tmp_path: Path, how: str
) -> None:
    """Beam's own job server says that it cancels and does not; its workers see that the lease is gone.

    On a busy machine five seconds end in the engine's trial or before it, and then there is no job of units.
    """
    output = tmp_path / "o"
    limit = [] if how == "SIGTERM" else ["--job_server_timeout=5"]
    process = start(*slow, output, "--", *cluster, *limit)
    if how == "SIGTERM":
        assert wait_until(lambda: records(output), 300), process.communicate()
        assert [claim.job["kind"] for claim in claims(str(output))] == ["beam"]
        _, err = end(process, signal.SIGTERM, 120)
        assert process.returncode == 130, err
    else:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 1, err
    ends = (
        ["its job is cancelled"]
        if how == "SIGTERM"
        else ["its job is cancelled", "its job has ended", "no job was begun"]
    )
    assert any(f"; {end}. The same command goes on from there." in err for end in ends), err
    assert claims(str(output)) == []
    done = settled(output)
    assert len(done) < 12
    hurry(tmp_path)
    assert bateia(*slow, output).returncode == 0
    assert json.loads((output / "report.json").read_text())["throughput"]["units_resumed"] == len(done)
    assert hash_of(output) and strays(output) == []


@pytest.mark.parametrize(
    ("beam_args", "workers"),
    [((), 2), (("--runner=FlinkRunner", "--parallelism=3"), 3), (("--runner=PrismRunner",), 2)],
)
def test_a_report_tells_an_engine_s_parallelism(beam_args: tuple[str, ...], workers: int) -> None:
    phases = Phases(Execution(workers=2, beam_args=beam_args), Progress(shown=False), "o")
    assert phases.stats.workers == workers
