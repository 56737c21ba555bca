"""Trainings from beginning to end: learning, resuming to the bit, faults, and what is refused."""

from __future__ import annotations

import importlib.util
import json
import math
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from schemas.faults import BadInput, BrokenRun
from support.training import CrashAfter, first_rows, losses, train
from trainer.backend.protocol import Snapshot, StepResult
from trainer.generate.samples import SampleTexts
from trainer.model.initial import initial_weights
from trainer.run.checkpoints import find_checkpoint
from trainer.run.finish import declare_finished, make_report
from trainer.run.folder import EVALS, FAULTS, LOG, SAMPLES, read_lines
from trainer.run.hooks import standard_hooks
from trainer.run.job import TrainJob
from trainer.run.loop import Hook, StepDone, Training
from trainer.run.stopping import Stopper

pytest.importorskip("jax", reason="the jax extra is not installed")

from trainer.backend.backend_jax import JaxBackend

Make = Callable[..., TrainJob]


class Recorder(Hook):
    """Remembers what it was called with, by its methods' names."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def on_start(self, training: Training) -> None:
        self.calls.append(("start", training.steps))

    def on_step(self, training: Training, done: StepDone) -> None:
        self.calls.append(("step", done.step))

    def on_eval(self, training: Training) -> None:
        self.calls.append(("eval", training.steps))

    def on_save(self, training: Training, snapshot: Snapshot) -> None:
        self.calls.append(("save", training.steps))

    def on_end(self, training: Training) -> None:
        self.calls.append(("end", training.steps))

    def on_log(self, name: str, line: dict[str, Any]) -> None:
        self.calls.append(("log", f"{name} {line['step']}"))


@pytest.mark.slow
def test_hooks_are_called_in_the_order_of_the_run(make_job: Make) -> None:
    """A step's line is logged after the step, an evaluation is before the checkpoint of the same step."""
    job, hook = make_job(5, eval_every=2, save_every=4), Recorder()
    train(job, hooks=[hook])
    assert [call for call in hook.calls if call[0] != "log"] == [
        ("start", 0),
        *(("eval", 0), ("step", 0), ("step", 1)),
        *(("eval", 2), ("step", 2), ("step", 3)),
        *(("eval", 4), ("save", 4), ("step", 4)),
        *(("eval", 5), ("save", 5)),
        ("end", 5),
    ]
    logged = [what for name, what in hook.calls if name == "log"]
    assert logged[:4] == [f"{EVALS} 0", f"{LOG} 0", f"{LOG} 1", f"{EVALS} 2"] and len(logged) == 5 + 4


@pytest.mark.slow
def test_without_hooks_it_trains_alike(make_job: Make, tmp_path: Path) -> None:
    """What hooks do changes no number; without them there are checkpoints and no logs."""
    hooked, bare = (make_job(4, output=str(tmp_path / name), save_every=2) for name in ("hooked", "bare"))
    train(hooked, hooks=[SampleTexts(hooked, 3)])
    assert Training(bare).run(Stopper())
    one, other = (find_checkpoint(Path(job.output)) for job in (hooked, bare))
    assert one.state["files"] == other.state["files"]
    assert not (tmp_path / "bare" / LOG).exists()


def test_what_a_hook_raises_ends_the_run_for_all(make_job: Make) -> None:
    """The others are told of the end, and a checkpoint that was begun is whole."""
    job, hook = make_job(9, save_every=4), Recorder()
    with pytest.raises(ZeroDivisionError):
        train(job, hooks=[hook, CrashAfter(5)])
    assert hook.calls[-1] == ("end", 5)
    assert find_checkpoint(Path(job.output)).step == 4


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_it_learns_by_heart(make_job: Make, tmp_path: Path, optimizer: str) -> None:
    """A model of 50,000 parameters: 8 rows, again and again, come to less than a tenth of a nat a token."""
    shape = {"dim": 64, "hidden": 128}
    job = make_job(160, model=shape, optimizer=optimizer, batch_size=8, lr=0.01, weight_decay=0.0)
    train(replace(job, plan=first_rows(job.plan, 8, tmp_path)))
    assert losses(job.output)[-1][1] < 0.1


@pytest.mark.slow
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


@pytest.fixture
def several_threads() -> Iterator[None]:
    """As PyTorch has them outside of tests, where it is installed."""
    if importlib.util.find_spec("torch") is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("optimized", "several_threads")
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_run_that_stops_goes_on_to_the_bit(make_job: Make, tmp_path: Path, backend: str) -> None:
    pytest.importorskip(backend, reason=f"the {backend} extra is not installed")
    options = {"backend": backend, "compiled": False, "optimizer": "muon", "accumulate": 2, "eval_every": 5}
    whole = make_job(12, output=str(tmp_path / "whole"), **options)
    train(whole)
    parted = make_job(12, output=str(tmp_path / "parted"), **options)
    for stop in (3, 5, None):
        train(parted, stop)
    assert losses(parted.output) == losses(whole.output)
    one, other = (find_checkpoint(Path(job.output)) for job in (whole, parted))
    assert one.state["files"] == other.state["files"]
    assert one.step == other.step == 12
    evals = [list(read_lines(Path(job.output) / EVALS)) for job in (whole, parted)]
    assert evals[0] == evals[1]


@pytest.mark.slow
def test_a_crash_between_checkpoints_is_done_again(make_job: Make, tmp_path: Path) -> None:
    whole = make_job(9, output=str(tmp_path / "whole"))
    train(whole)
    crashed = make_job(9, output=str(tmp_path / "crashed"), save_every=4)
    with pytest.raises(ZeroDivisionError):
        train(crashed, hooks=[CrashAfter(6)])
    with (tmp_path / "crashed" / LOG).open("a") as file:
        file.write('{"step": 6, "lo')  # a line that was cut
    assert len(losses(crashed.output)) > 4
    train(crashed)
    assert losses(crashed.output) == losses(whole.output)


@pytest.mark.slow
def test_other_settings_are_refused(make_job: Make) -> None:
    train(make_job(6), 2)
    for options, told in (
        ({"lr": 0.02}, "schedule.peak was 0.01 and is 0.02"),
        ({"batch_size": 8}, "batch_size"),
        ({"model": {"dim": 64}}, "model.dim"),
        ({"seed": 2}, "seed"),
    ):
        with pytest.raises(BadInput, match=told):
            Training(make_job(6, **options))
    train(make_job(6, save_every=1))


@pytest.mark.slow
def test_more_steps_go_on_and_nothing_else_may_differ(make_job: Make) -> None:
    """A finished run of 4 steps becomes one of 7: the first 4 are not done again."""
    train(make_job(4))
    declare_finished(make_job(4), make_report(make_job(4), "cpu", 1))
    first = losses(make_job(4).output)
    for job, told in (
        (make_job(4, save_every=1), "is finished; give more --steps"),
        (make_job(3), "has 4 steps done; give more --steps than that"),
        (make_job(5, lr=0.02), "schedule.peak was 0.01 and is 0.02"),
        (make_job(4, seed=2), "finished run with other settings .seed"),
    ):
        with pytest.raises(BadInput, match=told):
            Training(job)
    assert (Path(make_job(4).output) / "run.json").exists()
    train(make_job(7))
    assert losses(make_job(4).output)[:4] == first and len(losses(make_job(4).output)) == 7


@pytest.mark.slow
def test_a_left_evaluation_is_done_when_the_run_goes_on(make_job: Make) -> None:
    job = make_job(6, eval_every=3)
    with Stopper() as stopper:
        training = Training(job, [LeaveEvaluation(3, stopper), *standard_hooks(job)])
        assert training.run(stopper) is False
    assert [line["step"] for line in read_lines(Path(job.output) / EVALS)] == [0]
    train(job)
    assert [line["step"] for line in read_lines(Path(job.output) / EVALS)] == [0, 3, 6]


class LeaveEvaluation(Hook):
    """Asks to stop, as Ctrl-C does, when the evaluation after so many steps begins."""

    def __init__(self, steps: int, stopper: Stopper) -> None:
        self._steps, self._stopper = steps, stopper

    def on_eval(self, training: Training) -> None:
        if training.steps == self._steps:
            self._stopper.asked = signal.SIGINT


@pytest.mark.parametrize(
    ("steps", "given", "every"),
    [(6, None, 1), (7, None, 2), (500, None, 84), (1500, None, 250), (9, 250, 250)],
)
def test_short_runs_are_evaluated_five_times_between_their_ends(
    make_job: Make, steps: int, given: int | None, every: int
) -> None:
    assert make_job(steps, eval_every=given).evaluated_every == every
    if given is None and steps > 6:
        assert (steps - 1) // every >= 3


def test_another_plan_is_refused(make_job: Make, own_shards: Callable[..., Path]) -> None:
    train(make_job(6), 2)
    with pytest.raises(BadInput, match="data: plan_hash"):
        Training(make_job(6, shards=own_shards(packing="bos_bestfit")))


@pytest.mark.slow
def test_a_finished_run_is_replaced_only_when_asked(make_job: Make) -> None:
    job = make_job(2)
    training = train(job)
    declare_finished(job, make_report(job, training.backend.device_kind, 1))
    with pytest.raises(BadInput, match="is finished"):
        Training(job)
    train(replace(job, overwrite=True))
    assert len(losses(job.output)) == 2


def test_foreign_folders_are_left_alone(make_job: Make, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(BadInput, match="thesis"):
            Training(make_job(overwrite=overwrite))
    assert (tmp_path / "run" / "thesis.txt").exists()


class Poisoned(JaxBackend):
    """Its results are not finite, from a batch's third row."""

    def result(self, pending: Any) -> StepResult:
        result = super().result(pending)
        rows = result.row_losses.copy()
        rows[2] = math.nan
        return replace(result, loss=math.nan, row_losses=rows, applied=False)


@pytest.mark.slow
def test_a_batch_at_fault_is_named(make_job: Make) -> None:
    """A loss that is not finite leaves the weights, and ten of them end the training."""
    job = make_job(30, lr=0.01)
    poisoned = Poisoned(job.settings, Snapshot(initial_weights(job.settings.model, job.settings.seed), {}))
    with pytest.raises(BrokenRun, match="10 steps in a row"):
        train(job, backend=poisoned)
    faults = list(read_lines(Path(job.output) / FAULTS))
    assert len(faults) == 10
    assert faults[1]["rows"][0]["row"] == 6  # of step 1, whose rows are 4 to 7
    assert faults[1]["rows"][0]["documents"][0]["url"] == "https://train-0-1.example/"
    assert faults[1]["rows"][0]["loss"] is None


@pytest.mark.slow
def test_texts_are_sampled_at_each_evaluation(make_job: Make) -> None:
    """Of the weights as they then are, from the same seed each time; a prompt that can't be read is refused first."""
    job = make_job(4, eval_every=2)
    train(job, hooks=[SampleTexts(job, 6, ("the pan",))])
    samples = [(line["step"], line["prompt"]) for line in read_lines(Path(job.output) / SAMPLES)]
    assert samples == [(step, prompt) for step in (0, 2, 4) for prompt in ("", "the pan")]
    with pytest.raises(BadInput, match="UTF-8"):
        SampleTexts(job, 6, ("\udcff",))
    with pytest.raises(BadInput, match="tokens are 1 or more"):
        SampleTexts(job, -1)


@pytest.mark.slow
def test_a_report_tells_it_all(make_job: Make) -> None:
    from pipelines.reports.render import decode
    from pipelines.reports.training import TrainingReport, render_page

    def page_from(report: dict[str, Any]) -> str:
        return render_page(decode(report, TrainingReport, "the report"))

    job = make_job(4, eval_every=2)
    training = train(job, hooks=[SampleTexts(job, 5, ("<script>alert(1)</script>",))])
    report = make_report(job, training.backend.device_kind, training.backend.devices)
    assert report["totals"]["steps"] == 4
    assert report["totals"]["tokens"] == 4 * 4 * 32
    page = page_from(json.loads(json.dumps(report)))
    assert "&lt;script&gt;" in page and "<script" not in page
    assert page.count("<polyline") == 6 and "(MFU)" not in page
    on_gpu = {"totals": report["totals"] | {"mfu": 0.4}, "curve": [line | {"mfu": 0.4} for line in report["curve"]]}
    assert "(MFU)" in page_from(report | on_gpu)
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
    with pytest.raises(BadInput):
        make_job(**wrong)


def test_backends_and_devices_that_are_not_there(make_job: Make) -> None:
    with pytest.raises(BadInput, match="no backend"):
        Training(make_job(backend="abacus"))
    with pytest.raises(BadInput, match="devices are asked for"):
        Training(make_job(devices=7))
    with mock.patch("importlib.util.find_spec", lambda name: None), pytest.raises(BadInput, match=r"-e '\.\[torch\]'"):
        Training(make_job(backend="torch"))
    assert not Path(make_job().output).exists()
