"""Trainings from beginning to end: learning, resuming to the bit, faults, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from trainer.checkpoints import find_checkpoint
from trainer.faults import BadRun, BrokenRun
from trainer.finish import declare_finished, make_report
from trainer.job import TrainJob
from trainer.run_folder import EVALS, FAULTS, LOG, read_lines

pytest.importorskip("jax", reason="the jax extra is not installed")

from trainer.stopping import Stopper
from trainer.training import Training

Make = Callable[..., TrainJob]


def train(job: TrainJob, steps: int | None = None) -> Training:
    """Train to the end, or stop as if asked to after so many steps."""
    training = Training(job)
    with Stopper() as stopper:
        if steps is not None:
            settle = training._settle

            def counted(step: int, *told: Any) -> None:
                settle(step, *told)
                if step + 1 >= steps:
                    import signal

                    stopper.asked = signal.SIGTERM

            training._settle = counted  # pyright: ignore[reportAttributeAccessIssue]
        training.run(stopper)
    return training


def losses(job: TrainJob) -> list[tuple[int, float, float]]:
    return [(line["step"], line["loss"], line["grad_norm"]) for line in read_lines(Path(job.output) / LOG)]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_it_learns_by_heart(make_job: Make, optimizer: str) -> None:
    """A model of 50,000 parameters: 8 rows, again and again, come to less than a tenth of a nat a token."""
    shape = {"dim": 64, "hidden": 128}
    job = make_job(160, model=shape, optimizer=optimizer, batch_size=8, lr=0.01, weight_decay=0.0)
    with mock.patch("trainer.batches.PlanReader.spans", lambda self, row: self._plan.spans(row % 8)):
        train(job)
    assert losses(job)[-1][1] < 0.1


def test_it_learns_what_is_held_out(make_job: Make) -> None:
    """Bits per byte of held-out text fall below those of a bigram model that was fitted to the training text."""
    job = make_job(150, model={"dim": 48, "hidden": 96}, batch_size=16, eval_every=75)
    train(job)
    evals = list(read_lines(Path(job.output) / EVALS))
    assert [line["step"] for line in evals] == [0, 75, 150]
    bits = [line["slices"]["all"]["bits_per_byte"] for line in evals]
    assert bits[0] > bits[1] > bits[2]
    assert bits[0] == pytest.approx(math.log2(260), rel=0.02)
    assert bits[2] < bigram_bits(job)
    first, *_, last = evals[-1]["by_position"]
    assert first["from"] == 0 and last["to"] == 32 and last["loss"] < first["loss"]


def bigram_bits(job: TrainJob) -> float:
    """Of val/ by a model of pairs counted in train/, add-one smoothed; a token is a byte here, or the BOS."""
    folder = Path(job.shards.folder)
    train, val = (
        np.concatenate([np.fromfile(p, "<u2") for p in sorted((folder / s).glob("*.bin"))]) for s in ("train", "val")
    )
    counts = np.ones((260, 260))
    np.add.at(counts, (train[:-1], train[1:]), 1)
    bits = -np.log2(counts / counts.sum(axis=1, keepdims=True))[val[:-1], val[1:]]
    return float(bits[val[1:] > 3].mean())


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_run_that_stops_goes_on_to_the_bit(make_job: Make, tmp_path: Path, backend: str) -> None:
    pytest.importorskip(backend, reason=f"the {backend} extra is not installed")
    options = {"backend": backend, "compiled": False, "optimizer": "muon", "accumulate": 2, "eval_every": 5}
    whole = make_job(12, output=str(tmp_path / "whole"), **options)
    train(whole)
    parted = make_job(12, output=str(tmp_path / "parted"), **options)
    for stop in (3, 5, None):
        train(parted, stop)
    assert losses(parted) == losses(whole)
    one, other = (find_checkpoint(Path(job.output)) for job in (whole, parted))
    assert one.state["files"] == other.state["files"]
    assert one.step == other.step == 12
    evals = [list(read_lines(Path(job.output) / EVALS)) for job in (whole, parted)]
    assert evals[0] == evals[1]


def test_a_crash_between_checkpoints_is_done_again(make_job: Make, tmp_path: Path) -> None:
    whole = make_job(9, output=str(tmp_path / "whole"))
    train(whole)
    crashed = make_job(9, output=str(tmp_path / "crashed"), save_every=4)
    training = Training(crashed)
    step = training.backend.step

    def failing(batch: Any, rate: float) -> Any:
        return step(batch, rate) if training.steps < 7 else 1 / 0

    training.backend.step = failing  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ZeroDivisionError):
        training.run(Stopper())
    training.checkpoints.wait()
    with (tmp_path / "crashed" / LOG).open("a") as file:
        file.write('{"step": 6, "lo')  # a line that was cut
    assert len(losses(crashed)) > 4
    train(crashed)
    assert losses(crashed) == losses(whole)


def test_other_settings_are_refused(make_job: Make) -> None:
    train(make_job(6), 2)
    for options, told in (
        ({"lr": 0.02}, "schedule.peak was 0.01 and is 0.02"),
        ({"batch_size": 8}, "batch_size"),
        ({"model": {"dim": 64}}, "model.dim"),
        ({"seed": 2}, "seed"),
    ):
        with pytest.raises(BadRun, match=told):
            Training(make_job(6, **options))
    with pytest.raises(BadRun, match=r"schedule\.steps"):
        Training(make_job(7))
    train(make_job(6, save_every=1))


def test_another_plan_is_refused(make_job: Make, own_shards: Callable[..., Path]) -> None:
    train(make_job(6), 2)
    with pytest.raises(BadRun, match="data: plan_hash"):
        Training(make_job(6, shards=own_shards(packing="bos_bestfit")))


def test_a_finished_run_is_replaced_only_when_asked(make_job: Make) -> None:
    job = make_job(2)
    training = train(job)
    declare_finished(job, make_report(job, training.backend.device_kind, 1))
    with pytest.raises(BadRun, match="is finished"):
        Training(job)
    train(replace(job, overwrite=True))
    assert len(losses(job)) == 2


def test_foreign_folders_are_left_alone(make_job: Make, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(BadRun, match="thesis"):
            Training(make_job(overwrite=overwrite))
    assert (tmp_path / "run" / "thesis.txt").exists()


def test_a_batch_at_fault_is_named(make_job: Make) -> None:
    """A loss that is not finite leaves the weights, and ten of them end the training."""
    job = make_job(30, lr=0.01)
    training = Training(job)
    result = training.backend.result

    def poisoned(pending: Any) -> Any:
        told = result(pending)
        rows = told.row_losses.copy()
        rows[2] = math.nan
        return replace(told, loss=math.nan, row_losses=rows, applied=False)

    training.backend.result = poisoned  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(BrokenRun, match="10 steps in a row"):
        training.run(Stopper())
    faults = list(read_lines(Path(job.output) / FAULTS))
    assert len(faults) == 10
    assert faults[1]["rows"][0]["row"] == 6  # of step 1, whose rows are 4 to 7
    assert faults[1]["rows"][0]["documents"][0]["url"] == "https://train-0-1.example/"
    assert faults[1]["rows"][0]["loss"] is None


def test_a_report_tells_it_all(make_job: Make) -> None:
    from pipelines.train_page import render

    job = make_job(4, sample_tokens=5, eval_every=2, prompts=("<script>alert(1)</script>",))
    training = train(job)
    report = make_report(job, training.backend.device_kind, training.backend.devices)
    assert report["totals"]["steps"] == 4
    assert report["totals"]["tokens"] == 4 * 4 * 32
    page = render(json.loads(json.dumps(report)))
    assert "&lt;script&gt;" in page and "<script" not in page
    assert page.count("<polyline") == 6 and "(MFU)" not in page
    on_gpu = {"totals": report["totals"] | {"mfu": 0.4}, "curve": [line | {"mfu": 0.4} for line in report["curve"]]}
    assert "(MFU)" in render(report | on_gpu)
    manifest = declare_finished(job, report)
    assert {file.path.split("/")[0] for file in manifest.files} == {"checkpoints", "tokenizer"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0},
        {"accumulate": 3},
        {"optimizer": "sgd"},
        {"dtype": "float16"},
        {"clip": -1.0},
        {"schedule": "linear"},
        {"model": {"heads": 3}},
    ],
)
def test_settings_that_cannot_be(make_job: Make, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRun):
        make_job(**wrong)


def test_backends_and_devices_that_are_not_there(make_job: Make) -> None:
    with pytest.raises(BadRun, match="no backend"):
        Training(make_job(backend="abacus"))
    with pytest.raises(BadRun, match="devices are asked for"):
        Training(make_job(devices=7))
    with mock.patch("importlib.util.find_spec", lambda name: None), pytest.raises(BadRun, match=r"-e '\.\[torch\]'"):
        Training(make_job(backend="torch"))
    assert not Path(make_job().output).exists()
