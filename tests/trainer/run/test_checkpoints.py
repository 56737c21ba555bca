"""Checkpoints are whole or not there; the newest sound one counts; old ones go."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from schemas.faults import BadInput, BrokenRun
from support.power import disk_after, watched
from support.training import train
from trainer.backend.protocol import Snapshot
from trainer.run import checkpoints
from trainer.run.checkpoints import MODEL, OPTIMIZER, STATE, Checkpoints, find_checkpoint, run_of, step_folders, step_of
from trainer.run.job import TrainJob
from trainer.run.loop import Hook


def snapshot(value: float) -> Snapshot:
    return Snapshot({"w": np.full((3, 2), value, np.float32)}, {"adam.count": np.array(3, np.int32)})


def save(folder: Path, *steps: int, keep: int = 2, keep_every: int | None = None, every: int = 1) -> Checkpoints:
    found = Checkpoints(folder, keep, keep_every, every)
    for step in steps:
        found.save(step, snapshot(step), {"model_type": "llama"}, {"data": {}})
    found.wait()
    return found


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    found = save(tmp_path, 10, 20, 30).newest()
    assert found is not None and found.step == 30
    loaded = found.load()
    assert np.array_equal(loaded.weights["w"], snapshot(30).weights["w"])
    assert loaded.optimizer["adam.count"].shape == () and loaded.optimizer["adam.count"] == 3
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step-00000020", "step-00000030"]


@pytest.mark.parametrize("name", [MODEL, OPTIMIZER, STATE])
@pytest.mark.parametrize("harm", ["gone", "short", "other"])
def test_a_harmed_one_does_not_count(tmp_path: Path, name: str, harm: str) -> None:
    found = save(tmp_path, 10, 20)
    path = tmp_path / "step-00000020" / name
    data = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-2] if harm == "short" else b"{" * len(data))
    newest = found.newest()
    assert newest is not None and newest.step == 10


def test_a_write_that_fails_leaves_the_last_good_one(tmp_path: Path) -> None:
    found = save(tmp_path, 10)
    with mock.patch.object(checkpoints, "put", side_effect=OSError(28, "No space left on device")):
        found.save(20, snapshot(20), {}, {})
        with pytest.raises(BrokenRun, match="No space left"):
            found.wait()
    found.wait()
    newest = found.newest()
    assert newest is not None and newest.step == 10
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000010"]


def test_a_cut_write_is_cleaned_away(tmp_path: Path) -> None:
    found = save(tmp_path, 10)
    (tmp_path / ".writing-step-00000020").mkdir()
    (tmp_path / ".writing-step-00000020" / MODEL).write_bytes(b"half")
    found.clean(found.newest())
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000010"]


def test_what_a_killed_run_had_no_time_to_remove_goes(tmp_path: Path) -> None:
    save(tmp_path, 10, 20, 30, 40, 50, keep=5)
    for step in (10, 50):
        (tmp_path / f"step-{step:08}" / MODEL).unlink()
    found = Checkpoints(tmp_path)
    found.clean(found.newest())
    assert sorted(int(path.name[5:]) for path in tmp_path.iterdir()) == [30, 40, 50]


def test_a_folder_without_any(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no finished checkpoint"):
        find_checkpoint(tmp_path)


def damage(folder: Path) -> None:
    path = folder / MODEL
    path.write_bytes(path.read_bytes()[:-2])


def test_what_was_just_written_stays_beside_later_ones_that_are_damaged(tmp_path: Path) -> None:
    save(tmp_path, 16, 18)
    for step in (16, 18):
        damage(tmp_path / f"step-{step:08}")
    found = save(tmp_path, 1, 2, 3)
    newest = found.newest()
    assert newest is not None and newest.step == 3
    assert [path.name[-2:] for path in found.damaged(newest)] == ["16", "18"]
    assert sorted(int(path.name[5:]) for path in tmp_path.iterdir()) == [2, 3, 16, 18]


def test_no_part_of_one_that_was_removed_is_back_after_a_power_cut(tmp_path: Path) -> None:
    with watched(tmp_path) as log:
        save(tmp_path, 10, 20, 30)
    for chance in (0.0, 0.5, 1.0):
        names = {path.partition("/")[0] for path in disk_after(log.ops, random.Random(1), chance)}
        assert names == {"step-00000020", "step-00000030"}


def test_those_of_every_so_many_steps_stay(tmp_path: Path) -> None:
    save(tmp_path / "run" / "checkpoints", *range(2, 14, 2), keep_every=4)
    kept = sorted(int(path.name[5:]) for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert kept == [4, 8, 10, 12]
    assert find_checkpoint(Path(f"{tmp_path}/run@4")).step == 4
    assert find_checkpoint(tmp_path / "run").step == 12
    with pytest.raises(BadInput, match="no sound checkpoint of step 6; there is 4, 8, 10, 12"):
        find_checkpoint(Path(f"{tmp_path}/run@6"))
    (tmp_path / "odd@4").mkdir()
    assert run_of(f"{tmp_path}/odd@4") == f"{tmp_path}/odd@4"  # a folder of that name is itself


@pytest.mark.slow
def test_one_of_a_step_between_goes_when_a_later_one_is_there(tmp_path: Path) -> None:
    """A run that was stopped and went on keeps what an undisturbed one keeps."""
    found = save(tmp_path, 2, 4, 5, every=2)
    assert [step_of(path) for path in step_folders(tmp_path)] == [4, 5]
    save(tmp_path, 6, every=2)
    assert [step_of(path) for path in step_folders(tmp_path)] == [4, 6]
    found.clean(found.newest())
    assert [step_of(path) for path in step_folders(tmp_path)] == [4, 6]


def test_a_run_whose_checkpoints_are_all_damaged_is_left_as_it_is(make_job: Callable[..., TrainJob]) -> None:
    pytest.importorskip("jax", reason="the jax extra is not installed")
    job = make_job(steps=4, save_every=2)
    train(job)
    folder = Path(job.output)
    damage(folder / "checkpoints" / "step-00000004")
    log = (folder / "log.jsonl").read_text()
    (folder / "manifest.json").unlink(missing_ok=True)
    notes: list[str] = []

    class Notes(Hook):
        def on_note(self, text: str) -> None:
            notes.append(text)

    train(job, hooks=[Notes()])
    assert notes[0] == "note: checkpoint step-00000004 is damaged and passed over"
    assert notes[1].startswith("going on from step 2")
    (folder / "manifest.json").unlink(missing_ok=True)
    for step in (2, 4):
        damage(folder / "checkpoints" / f"step-{step:08}")
    with pytest.raises(BadInput, match="all are damaged, such as step-00000004"):
        train(job)
    assert len((folder / "log.jsonl").read_text().splitlines()) == len(log.splitlines())
