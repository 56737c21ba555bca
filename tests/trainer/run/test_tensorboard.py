"""TensorBoard's events are the logs' lines, each once, whatever interrupted the training."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.paths import ROOT
from support.training import CrashAfter, train
from trainer.generate.samples import SampleTexts
from trainer.run import tensorboard as tensorboard_log
from trainer.run.folder import BOARD, EVALS, LOG, SAMPLES, RunFolder, read_lines
from trainer.run.job import TrainJob
from trainer.run.loop import Hook, Training

pytest.importorskip("tensorboard", reason="TensorBoard is not installed")

Shown = dict[str, dict[int, Any]]


def shown(run: Path) -> Shown:
    """By tag and step, what TensorBoard's own reader finds in the events of a run. Fails if a step is there twice."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    found: Shown = defaultdict(dict)
    paths = list((run / BOARD).iterdir())
    assert len(paths) == 1
    times = []
    for event in EventFileLoader(str(paths[0])).Load():
        times.append(event.wall_time)
        for value in event.summary.value:
            assert event.step not in found[value.tag]
            kind, tensor = value.metadata.plugin_data.plugin_name, value.tensor
            found[value.tag][event.step] = tensor.string_val[0].decode() if kind == "text" else tensor.float_val[0]
    assert times == sorted(times) and times[-1] <= time.time() + 1
    return found


def check(run: Path) -> None:
    """Raises AssertionError unless the events tell all that the logs do, and no more."""
    expected: Shown = defaultdict(dict)
    for line in read_lines(run / LOG):
        for name in ("loss", "lr", "grad_norm", "tokens_per_s", "mfu"):
            if line[name] is not None:
                expected[f"train/{name}"][line["step"]] = np.float32(line[name])
        expected["train/waited_share"][line["step"]] = np.float32(line["waited_s"] / line["seconds"])
    for line in read_lines(run / EVALS):
        for name, told in line["slices"].items():
            for key in ("bits_per_byte", "loss"):
                expected[f"{key}/{name}"][line["step"]] = np.float32(told[key])
    for line in read_lines(run / SAMPLES):
        lines = (line["prompt"] + line["text"]).split("\n")
        tag = f"samples/{line['prompt'] or 'a new document'}"
        expected[tag][line["step"]] = "".join(f"    {part}\n" for part in lines)
    assert shown(run) == expected


@pytest.mark.slow
def test_events_are_the_logs_lines(make_job: Callable[..., TrainJob]) -> None:
    pytest.importorskip("jax", reason="the jax extra is not installed")

    class CheckedAtStart(Hook):
        """Behind the standard hooks: when a run goes on, events have been cut back as the logs are."""

        def on_start(self, training: Training) -> None:
            check(run)
            self.last = max(shown(run)["train/loss"], default=None)

    job = make_job(9, eval_every=3, save_every=4)
    run, checked = Path(job.output), CheckedAtStart()
    samples = SampleTexts(job, 5, ("![gold](http://a.example/b.png)\n",))
    with pytest.raises(ZeroDivisionError):
        train(job, hooks=[samples, CrashAfter(6)])
    check(run)
    assert max(shown(run)["train/loss"]) == 5  # the seventh was not read any more
    train(job, hooks=[samples, checked])
    assert checked.last == 3
    check(run)
    assert len(shown(run)["train/loss"]) == 9 and set(shown(run)["bits_per_byte/all"]) == {0, 3, 6, 9}


LOGGING = """
import sys
from trainer.run.folder import LOG, RunFolder
from trainer.run.tensorboard import rewritten

folder = RunFolder(sys.argv[1])
board = rewritten(folder)
for step in range(int(sys.argv[2]), 10**9):
    numbers = {name: step / 2 for name in ("loss", "lr", "grad_norm", "tokens_per_s", "mfu")}
    line = {"step": step, "seconds": 1e-6, "waited_s": 1e-7, **numbers}
    folder.append(LOG, line)
    board.add(LOG, line)
"""


@pytest.mark.kill
def test_after_kill_9_no_step_is_there_twice(tmp_path: Path) -> None:
    """The logs are cut back to a checkpoint, and so is what TensorBoard shows; what was written is there at once."""
    for first in (0, 20, 30):
        RunFolder(str(tmp_path)).cut_logs(first)
        process = subprocess.Popen([sys.executable, "-c", LOGGING, tmp_path, str(first)], cwd=ROOT)
        until = time.monotonic() + 300
        while sum(1 for _ in read_lines(tmp_path / LOG)) < first + 40 and time.monotonic() < until:
            time.sleep(0.05)
        process.kill()
        process.wait()
        steps = sorted(shown(tmp_path)["train/loss"])
        logged = [line["step"] for line in read_lines(tmp_path / LOG)]
        assert len(logged) >= first + 40
        assert steps == list(range(len(steps)))
        assert len(logged) - 1 <= len(steps) <= len(logged)  # killed between the two, the log is one ahead


def test_what_is_not_finite_is_left_out(tmp_path: Path) -> None:
    line = {"step": 0, "loss": None, "lr": 0.1, "grad_norm": None, "tokens_per_s": 5.0, "mfu": None}
    (tmp_path / LOG).write_text(json.dumps({**line, "seconds": 2.0, "waited_s": 1.0}) + "\n")
    tensorboard_log.rewritten(RunFolder(str(tmp_path)))
    assert {tag: steps[0] for tag, steps in shown(tmp_path).items()} == {
        "train/lr": np.float32(0.1),
        "train/tokens_per_s": 5.0,
        "train/waited_share": 0.5,
    }


@pytest.mark.slow
def test_training_goes_on_without_the_library(
    make_job: Callable[..., TrainJob], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("jax", reason="the jax extra is not installed")
    find = importlib.util.find_spec
    monkeypatch.setattr(tensorboard_log, "find_spec", lambda name: None if name == "tensorboard" else find(name))
    job = make_job(2)
    train(job)
    assert capsys.readouterr().err.count("pip install tensorboard") == 1
    assert not (Path(job.output) / BOARD).exists()


def test_files_are_those_of_tensorboards_own_writer(tmp_path: Path) -> None:
    from tensorboard.compat.proto import summary_pb2
    from tensorboard.plugins.text.summary_v2 import text_pb
    from tensorboard.summary.writer.record_writer import RecordWriter

    events = (b"", b"123456789", bytes(range(256)) * 3)
    with (tmp_path / "theirs").open("wb") as file:
        for event in events:
            RecordWriter(file).write(event)
    assert b"".join(map(tensorboard_log.record, events)) == (tmp_path / "theirs").read_bytes()
    made: Any = summary_pb2.Summary  # pyright: ignore[reportAttributeAccessIssue] - made on import
    line = {"prompt": "a\nbâ", "text": " c"}
    expected = text_pb("samples/a\nbâ", "    a\n    bâ c\n")
    assert made(**tensorboard_log.sample(line)).SerializeToString() == expected.SerializeToString()


def test_little_is_imported_to_write(tmp_path: Path) -> None:
    code = (
        LOGGING.replace("10**9", "3")
        + "print({'torch', 'tensorflow', 'tensorboard.plugins', 'boto3'} & set(sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, tmp_path, "0"], cwd=ROOT, capture_output=True, text=True, env=os.environ
    )
    assert told.stdout == "set()\n", told.stderr
