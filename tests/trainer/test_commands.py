"""`bateia train`, `sample` and `export` as processes: kill -9, SIGTERM, two devices; and what they refuse."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.training import losses

pytest.importorskip("jax", reason="the jax extra is not installed")

Start = Callable[..., subprocess.Popen[str]]
Ended = subprocess.CompletedProcess[str]


@pytest.fixture
def options(shards: Path, tiny_model: Path) -> list[object]:
    given = ["--shards", shards, "--model", tiny_model, "--batch-size", 8, "--eval-every", 1000, "--sample-tokens", 0]
    return [*given, "--quiet"]


def wait_for(run: Path, steps: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        if len(losses(run)) >= steps:
            return
        time.sleep(0.01)
    raise AssertionError(
        f"ended with {process.returncode} before step {steps}: {process.stderr and process.stderr.read()}"
    )


@pytest.mark.slow
@pytest.mark.kill
@pytest.mark.usefixtures("optimized")
def test_killed_stopped_and_shared_runs_are_one(
    options: list[object], tmp_path: Path, bateia: Callable[..., Ended], bateia_process: Start
) -> None:
    """kill -9, then SIGTERM, then to the end: the losses are those of an undisturbed run, to the bit; on two devices
    they are so to 1e-4."""
    steps = ["--steps", 400, "--save-every", 20]
    run = tmp_path / "disturbed"
    killed = bateia_process("train", *options, *steps, "--output", run)
    wait_for(run, 50, killed)
    killed.kill()
    killed.communicate()
    assert not (run / "manifest.json").exists()
    stopped = bateia_process("train", *options, *steps, "--output", run)
    wait_for(run, 90, stopped)
    stopped.send_signal(signal.SIGTERM)
    _, told = stopped.communicate()
    assert stopped.returncode == 0, told
    assert "going on from step" in told and "The same command goes on from there" in told
    assert (ended := bateia("train", *options, *steps, "--output", run)).returncode == 0, ended.stderr

    whole = tmp_path / "whole"
    assert bateia("train", *options, *steps, "--output", whole).returncode == 0
    assert len(losses(whole)) == 400
    assert losses(run) == losses(whole)

    shared = tmp_path / "shared"
    two = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    process = bateia_process("train", *options, "--steps", 400, "--save-every", 1000, "--output", shared, **two)
    wait_for(shared, 20, process)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    found = losses(shared)
    for one, other in zip(found, losses(whole)[: len(found)], strict=True):
        assert one[1] == pytest.approx(other[1], rel=1e-4)
    # Elsewhere, on one device, it goes on where two have left it.
    ended = bateia("train", *options, "--steps", 400, "--save-every", 1000, "--output", shared)
    assert ended.returncode == 0, ended.stderr
    assert losses(shared)[-1][1] == pytest.approx(losses(whole)[-1][1], rel=0.05)


@pytest.mark.slow
def test_from_shards_to_text_and_export(options: list[object], tmp_path: Path, bateia: Callable[..., Ended]) -> None:
    run = tmp_path / "run"
    ended = bateia("train", *options, "--steps", 30, "--output", run, "--optimizer", "muon", "--schedule", "cosine")
    assert ended.returncode == 0, ended.stderr
    assert "bits per byte: all" in ended.stdout
    assert (run / "report.html").exists() and (run / "manifest.json").exists()

    prompt = ["--prompt", "the <s> pan\x1b[0m", "--tokens", 20]
    one, same, other = (bateia("sample", "--run", run, *prompt, "--seed", seed) for seed in (1, 1, 2))
    assert one.returncode == 0, one.stderr
    assert one.stdout.startswith("the <s> pan<U+001B>[0m")
    assert one.stdout == same.stdout != other.stdout
    shown = bateia("sample", "--run", run, "--tokens", 2, "--show-distribution")
    assert shown.returncode == 0 and "%" in shown.stdout

    assert bateia("export", "--run", run, "--format", "hf").returncode == 0
    assert "--overwrite" in bateia("export", "--run", run).stderr
    assert bateia("export", "--run", run, "--overwrite").returncode == 0


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--batch-size", "0"], "a batch of 0 rows"),
        (["--batch-size", "6", "--accumulate", "4"], "can't be computed in 4 equal parts"),
        (["--steps", "0"], "steps is a whole number above 0, not 0"),
        (["--lr", "nan"], "learning rate"),
        (["--model", "7b"], "no model is called '7b'"),
        (["--plan", "other"], "bateia plan"),
        (["--shards", "/nowhere"], "/nowhere does not exist; check the path"),
        (["--shards", "s3://bucket/shards"], "local disk"),
        (["--backend", "abacus"], "no backend"),
        (["--output", "s3://bucket/run"], "local folder"),
    ],
)
def test_bad_input_is_one_line(
    wrong: list[str], told: str, options: list[object], tmp_path: Path, bateia: Callable[..., Ended]
) -> None:
    ended = bateia("train", *options, "--steps", 2, "--output", tmp_path / "run", *wrong)
    assert ended.returncode == 2
    assert told in ended.stderr and ended.stderr.count("\n") == 1
    assert not (tmp_path / "run" / "log.jsonl").exists()


def test_sampling_asks_for_one_thing(tmp_path: Path, bateia: Callable[..., Ended]) -> None:
    for wrong in (["sample"], ["sample", "--run", "x", "--output", "y"], ["sample", "--run", tmp_path / "nowhere"]):
        ended = bateia(*wrong)
        assert ended.returncode == 2 and ended.stderr.count("\n") == 1
    assert bateia("sample", "--run", tmp_path).returncode == 2
    assert bateia("sample", "--run", tmp_path, "--top-p", "7").returncode == 2
    assert bateia("export", "--run", tmp_path).returncode == 2
    assert bateia("export", "--run", tmp_path, "--format", "gguf").returncode == 2
