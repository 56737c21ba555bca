"""Each stage whose power is cut, whose disk fails, or whose units come in any order: the bytes of an undisturbed run.

Here a sample that dice draw is tried. All there is, with 1,000 reorderings of what was not flushed for each stage:

    BATEIA_POWER_TRIALS=1000 python -m pytest -s -n 0 tests/test_power_cut.py -k "cut or fails"
    BATEIA_SCHEDULES=1000 python -m pytest -s -n 0 tests/test_power_cut.py -k schedule

The first, and signals, as a result: `python -m benchmarks.scale.power_cut --out`; what was found: benchmarks/results.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from support.baselines import made_once
from support.cutting import cut_everywhere, fail_everywhere
from support.power import disk_after, watched
from support.schedules import scheduled
from support.stages import STAGES, Small, is_whole, make_inputs, quick_children, result_of
from trainer.run.checkpoints import Checkpoints

TRIALS = int(os.environ.get("BATEIA_POWER_TRIALS", "0"))  # reorderings of each stage; 0 for a sample
SEED = int(os.environ.get("BATEIA_POWER_SEED", "7"))
KINDS = {"curate": 4, "shard": 2, "tokenizer": 6, "dedup": 1, "train": 1}  # of a sample
FAULTS = {"curate": 4, "shard": 2, "tokenizer": 8, "dedup": 1, "train": 1}
# Of 20; 200 of plain units are tried in transforms/test_power.py.
SCHEDULES = {"curate": 16, "shard": 2, "dedup": 2}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    folder = made_once(tmp_path_factory, "small", lambda folder: make_inputs(folder))
    with quick_children():
        yield Small(folder)


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES if TRIALS else KINDS)
def test_cut_anywhere_it_comes_to_the_same_bytes(small: Small, tmp_path: Path, stage: str) -> None:
    found = cut_everywhere(small, stage, tmp_path, TRIALS or 60, None if TRIALS else KINDS[stage], SEED)
    print(f"\n{found.shown(stage)}")
    assert found.failed == [] and not found.refused
    assert found.operations > 40 and found.same == (found.kinds if TRIALS else KINDS[stage])


@pytest.mark.slow
def test_a_tokenizer_that_is_finished_has_nothing_beside_it(small: Small, tmp_path: Path) -> None:
    """Shards go on with it, and look no further. Power is cut right after its manifest got its name."""
    with watched(tmp_path / "o") as log:
        assert small.run("shard", tmp_path / "o").returncode == 0
    disks = (disk_after(log.ops[:kept], random.Random(SEED), 1.0) for kept in range(len(log.ops)))
    named = next(kept for kept, disk in enumerate(disks) if "tokenizer/manifest.json" in disk)
    for seed in range(50):
        disk = disk_after(log.ops[:named], random.Random(seed))
        if "tokenizer/manifest.json" in disk:
            assert not [path for path in disk if path.startswith("tokenizer/work")], seed


@pytest.mark.slow
def test_a_last_checkpoint_that_cannot_be_read_is_no_end(small: Small, tmp_path: Path) -> None:
    """An earlier one is there, and was taken for it."""
    output = tmp_path / "o"
    earlier = Checkpoints(output / "checkpoints").at
    with mock.patch("trainer.run.finish.find_checkpoint", lambda _: earlier(4)):
        ended = small.run("train", output)
    assert ended.returncode == 1 and "the checkpoint of step 6 in" in ended.stderr.splitlines()[-1]
    assert not (output / "manifest.json").exists()
    assert small.run("train", output).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES if TRIALS else FAULTS)
def test_whatever_fails_is_one_message_and_then_the_same_bytes(small: Small, tmp_path: Path, stage: str) -> None:
    found = fail_everywhere(small, stage, tmp_path, None if TRIALS else FAULTS[stage], SEED)
    print(f"\n{found.shown(stage)}")
    assert found.wrong == []
    assert found.asked["read"] and found.asked["write"] and found.asked["flush"] and found.asked["list"]
    assert found.tried > (found.asked.total() * 0.9 if TRIALS else 0)


@pytest.mark.slow
@pytest.mark.parametrize("stage", SCHEDULES)
def test_any_schedule_comes_to_one_hash(small: Small, tmp_path: Path, stage: str) -> None:
    """Units in any order, some by two workers at once, workers and drivers dying anywhere."""
    many, output = Small(small.folder, many=True), tmp_path / "o"
    ended = many.run(stage, output)
    assert ended.returncode == 0, ended.stderr
    calm = result_of(stage, output)
    asked = int(os.environ.get("BATEIA_SCHEDULES", "0")) * SCHEDULES[stage] // 20 or SCHEDULES[stage]
    workers = drivers = 0
    for seed in range(asked):
        shutil.rmtree(output)
        with scheduled(random.Random(seed)) as deaths:
            for _ in range(50):
                ended = many.run(stage, output)
                if ended.returncode == 0:
                    break
                assert ended.returncode == 1 and "Dies: the driver" in ended.stderr, ended.stderr
        assert is_whole(stage, output, calm), f"seed {seed}: {ended.stderr}"
        workers, drivers = workers + deaths.workers, drivers + deaths.drivers
    print(f"\n{stage}: {asked} schedules, {workers} workers and {drivers} drivers died, one hash")
    assert workers + drivers > 0
