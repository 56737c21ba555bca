"""Ctrl-C, SIGTERM and SIGKILL at any time of each stage: one line, nobody left behind, and then the undisturbed bytes.

Here once to each stage. As often as one likes, by the seeds from 0 on, here each signal 20 times to each stage:

    BATEIA_SIGNALS=20 python -m pytest -s -n 0 tests/test_stopped_anywhere.py
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from support.baselines import made_once
from support.cutting import stop_anywhere
from support.forked import run_forked
from support.processes import needs_proc
from support.stages import STAGES, Small, make_inputs, quick_children

TIMES = int(os.environ.get("BATEIA_SIGNALS", "0"))  # of each stage and signal; 0 for a sample
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
SAMPLE = (  # test_crash.py sends more at set points
    ("curate", signal.SIGINT),
    ("dedup", signal.SIGKILL),
    ("shard", signal.SIGTERM),
    ("tokenizer", signal.SIGINT),
    ("train", signal.SIGKILL),
)


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
    found = stop_anywhere(small, stage, number, tmp_path, TIMES or 1)
    print(f"\n{found.shown(stage, number)}")
    assert found.wrong == []
