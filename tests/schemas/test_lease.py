"""One writer of an output: a second one is refused while the first lives, and a dead one's lease is taken over."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import pytest

from schemas import lease
from schemas.faults import BadInput
from schemas.lease import WHOLE, Claim, claims, holding, process_start, refuse_written, release_all, take
from schemas.storage import write_json
from support.paths import ROOT


@pytest.fixture
def output(tmp_path: Path) -> str:
    (tmp_path / "o").mkdir()
    return str(tmp_path / "o")


def claim(**values: object) -> Claim:
    """Of this process, but for some values."""
    own = Claim(
        part=WHOLE,
        host="here",
        space=lease.process_space(),
        pid=os.getpid(),
        started=process_start(os.getpid()),
        since=time.time(),
        token="of-another",
        held=True,
    )
    return replace(own, **values)  # pyright: ignore[reportArgumentType]


def put(output: str, other: Claim, age_s: float = 0.0) -> None:
    write_json(other.file(output), asdict(other))
    written = time.time() - age_s
    os.utime(other.file(output), (written, written))


def files(output: str) -> list[str]:
    return sorted(path.name for path in Path(output).iterdir())


def test_a_lease_is_there_until_it_is_released(output: str) -> None:
    take(output)
    [mine] = claims(output)
    assert (mine.held, mine.pid) == (True, os.getpid())
    held = holding(f"{output}/plan/main")
    assert held is not None and held.path == mine.file(output)
    assert holding(f"{output}2") is None
    take(f"{output}/plan/main")  # lies in what this process holds
    take(output)
    assert files(output) == [Path(mine.file(output)).name]
    release_all()
    assert files(output) == [] and holding(output) is None


DEAD = {
    "ended": claim(pid=2**22 + 1, started="7"),  # above every process number
    "another of that number": claim(started="7"),
}


@pytest.mark.parametrize("how", DEAD)
def test_a_dead_one_s_lease_is_taken_over(output: str, how: str) -> None:
    put(output, DEAD[how])
    take(output)
    assert [each.pid for each in claims(output)] == [os.getpid()]
    assert [each.token == "of-another" for each in claims(output)] == [False]


@pytest.mark.parametrize("part", [WHOLE, "1-of-2"])
def test_a_living_one_refuses_a_second_run(output: str, part: str) -> None:
    put(output, claim(part=part))
    with pytest.raises(
        BadInput, match=rf"output {output} is being written by another run \(process {os.getpid()} on h"
    ):
        take(output)
    assert len(files(output)) == 1 and holding(output) is None
    with pytest.raises(BadInput, match="is being written by another run"):
        refuse_written(output)


def test_parts_are_written_side_by_side(output: str) -> None:
    put(output, claim(part="1-of-2"))
    take(output, "2-of-2")
    release_all()
    for part in ("1-of-2", WHOLE):
        with pytest.raises(BadInput, match="another run"):
            take(output, part)


def test_one_of_another_machine_lives_while_it_is_renewed(output: str) -> None:
    other = claim(space="elsewhere", host="there")
    put(output, other)
    with pytest.raises(BadInput, match="on there, since"):
        take(output)
    put(output, other, age_s=lease.STALE_S + 1)  # by this machine's clock, which may be wrong

    def renew(seconds: float) -> None:
        put(output, replace(other, beats=5), age_s=lease.STALE_S + 1)

    with mock.patch("schemas.lease.time.sleep", renew), pytest.raises(BadInput, match="another run"):
        take(output)
    put(output, other, age_s=lease.STALE_S + 1)
    with mock.patch("schemas.lease.time.sleep"):
        take(output)
    assert [each.host == "there" for each in claims(output)] == [False]


def test_a_job_of_a_dead_run_is_asked_for(output: str) -> None:
    dead = claim(pid=2**22 + 1, started="7", job={"id": "j1", "where": "jobs:8099"})
    put(output, dead)
    asked = []
    for _ in range(2):  # the next one asks too
        with pytest.raises(BadInput, match="job j1 of an earlier run still works on it, at jobs:8099; end it there"):
            take(output, still_runs=lambda job: bool(asked.append(job)) or True)
        assert holding(output) is None
    take(output, still_runs=lambda job: False)
    assert asked == [dead.job] * 2


def test_a_run_whose_lease_is_gone_ends(output: str) -> None:
    """Somebody took it for dead: a laptop that slept, say."""
    program = (
        "import time, sys; from schemas import lease; lease.BEAT_S = 0.05; lease.take(sys.argv[1]); "
        "print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, output], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    for name in files(output):
        (Path(output) / name).unlink()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "another run has taken over" in err


def hold(output: str, start: float, seconds: float, told: object) -> None:
    time.sleep(max(start - time.time(), 0))
    try:
        take(output)
        time.sleep(seconds)
        told.put("held")  # pyright: ignore[reportAttributeAccessIssue]
        release_all()
    except BadInput:
        told.put("refused")  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.slow
def test_of_many_that_begin_at_once_one_writes_at_most(output: str) -> None:
    context = get_context("fork")
    won = 0
    for _ in range(2):
        told = context.Queue()
        start = time.time() + 0.2
        runs = [context.Process(target=hold, args=(output, start, 2.0, told)) for _ in range(5)]
        for run in runs:
            run.start()
        results = sorted(told.get(timeout=30) for _ in runs)
        for run in runs:
            run.join()
        assert results.count("held") <= 1
        won += results.count("held")
        assert files(output) == []
    assert won
