"""Checkpoints are whole or not there; the newest sound one counts; old ones go."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from schemas.faults import BadInput, BrokenRun
from trainer.backend.protocol import Snapshot
from trainer.run import checkpoints
from trainer.run.checkpoints import MODEL, OPTIMIZER, STATE, Checkpoints, find_checkpoint


def snapshot(value: float) -> Snapshot:
    return Snapshot({"w": np.full((3, 2), value, np.float32)}, {"adam.count": np.array(3, np.int32)})


def save(folder: Path, *steps: int, keep: int = 2) -> Checkpoints:
    found = Checkpoints(folder, keep)
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
    found.clean()
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000010"]


def test_a_folder_without_any(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no finished checkpoint"):
        find_checkpoint(tmp_path)
