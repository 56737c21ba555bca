"""Ctrl-C, SIGTERM and SIGKILL at any time of each stage: one line, nobody left behind, and then the undisturbed bytes.

Here once to each stage. As often as one likes, by the seeds from 0 on, here each signal 20 times to each stage:

    BATEIA_SIGNALS=20 python -m pytest -s -n 0 tests/test_stopped_anywhere.py
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from unittest import mock

import pytest

from support.baselines import made_once
from support.forked import Signalled, run_forked
from support.processes import MARK, family, is_gone, mark_of, needs_proc
from support.stages import STAGES, Small, is_whole, make_inputs, quick_children, result_of, told

TIMES = int(os.environ.get("BATEIA_SIGNALS", "0"))  # of each stage and signal; 0 for a sample
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
SAMPLE = (  # test_crash.py sends more at set points
    ("curate", signal.SIGINT),
    ("dedup", signal.SIGKILL),
    ("shard", signal.SIGTERM),
    ("tokenizer", signal.SIGINT),
    ("train", signal.SIGKILL),
)
EVENTS = {"curate": 40, "dedup": 90, "shard": 100, "tokenizer": 25, "train": 50}  # about: flushes and renamings
ENDS = {  # a training has its own way
    signal.SIGINT: {130},
    signal.SIGTERM: {130, 0, -signal.SIGTERM},
    signal.SIGKILL: {-signal.SIGKILL},
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    folder = made_once(tmp_path_factory, "small", lambda folder: make_inputs(folder))
    run_forked("--version", log=folder / "log")  # what forks lives on, and has no test's mark
    with quick_children():
        yield Small(folder)


@needs_proc
@pytest.mark.kill
@pytest.mark.slow
@pytest.mark.parametrize(("stage", "number"), product(STAGES, SIGNALS) if TIMES else SAMPLE)
def test_stopped_anywhere(small: Small, tmp_path: Path, stage: str, number: signal.Signals) -> None:
    output, ends, mark = tmp_path / "o", Counter[int](), mark_of(f"stopped-{stage}-{number}")
    assert small.run(stage, output).returncode == 0
    calm = result_of(stage, output)
    for seed in range(TIMES or 1):
        dice = random.Random(seed)
        shutil.rmtree(output)
        sent = Signalled(number, dice.randrange(EVENTS[stage]), dice.uniform(0, 0.05))
        with mock.patch.dict(os.environ, {MARK: mark}):
            ended = run_forked(*small.command(stage, output), log=tmp_path / "log", killing=sent)
        ends[ended.returncode] += 1
        assert "Traceback" not in ended.stderr, ended.stderr
        assert is_gone(mark), family(mark)
        if (output / "manifest.json").exists():
            assert ended.returncode in {0, *ENDS[number]}, ended.stderr
        else:
            lines = [line for line in told(ended) if "stopping when the step under way" not in line]
            assert ended.returncode in ENDS[number], ended.stderr
            assert len(lines) == (ended.returncode >= 0) and all("stopped" in line for line in lines), ended.stderr
        ended = small.run(stage, output)
        assert ended.returncode == 0 or "is finished; " in ended.stderr, ended.stderr
        assert is_whole(stage, output, calm)
    print(f"\n{stage}: {number.name} {TIMES or 1} times, exit codes {dict(ends)}, then the same bytes each time")
