"""Two processes train one model: the losses of one alone, and what they leave goes on in one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.paths import ROOT
from trainer.run.checkpoints import find_checkpoint
from trainer.run.folder import EVALS, LOG, read_lines

Start = Callable[..., subprocess.Popen[str]]
Ended = subprocess.CompletedProcess[str]
STEPS = 40


@pytest.fixture
def options(shards: Path, tiny_model: Path) -> list[object]:
    given = ["--shards", shards, "--model", tiny_model, "--batch-size", 8, "--accumulate", 2, "--steps", STEPS]
    return [*given, "--eval-every", 20, "--sample-tokens", 4, "--quiet", "--no-compile"]


def start_torch(*args: object) -> list[subprocess.Popen[str]]:
    """By torchrun, which is one process here and two below it."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "pipelines"]
    return [start([*launcher, *args, "--backend", "torch"], {"OMP_NUM_THREADS": "1"})]


def start_jax(*args: object) -> list[subprocess.Popen[str]]:
    """By hand: torchrun's variables are all that it takes."""
    port = str(free_port() - 1)
    told = [{"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_PORT": port} for rank in (0, 1)]
    return [start(["-m", "pipelines", *args, "--backend", "jax"], env) for env in told]


def start(args: list[object], env: dict[str, str]) -> subprocess.Popen[str]:
    command, told = [sys.executable, *map(str, args)], {**os.environ, **env}
    return subprocess.Popen(command, cwd=ROOT, env=told, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def losses(run: Path) -> list[float]:
    return [line["loss"] for line in read_lines(run / LOG)]


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.parametrize(("backend", "begin"), [("torch", start_torch), ("jax", start_jax)])
def test_two_are_as_one(
    backend: str,
    begin: Callable[..., list[subprocess.Popen[str]]],
    options: list[object],
    tmp_path: Path,
    bateia: Callable[..., Ended],
) -> None:
    """Two begin, SIGTERM stops them, one ends it: losses are those of one alone to 1e-4, evaluations too."""
    pytest.importorskip(backend, reason=f"the {backend} extra is not installed")
    shared, alone = tmp_path / "shared", tmp_path / "alone"
    processes = begin("train", *options, "--output", shared)
    until = time.monotonic() + 300
    while len(losses(shared)) < 12 and time.monotonic() < until and processes[0].poll() is None:
        time.sleep(0.02)
    for process in processes:
        process.send_signal(signal.SIGTERM)
    told = [process.communicate(timeout=300)[0] for process in processes]
    assert 12 <= len(losses(shared)) < STEPS, told
    assert find_checkpoint(shared).step == len(losses(shared)), told
    assert sum(one.count("stopped after") for one in told) == 1, "the first process tells it, and no other"
    ended = bateia("train", *options, "--output", shared, "--backend", backend)
    assert ended.returncode == 0, ended.stderr
    assert bateia("train", *options, "--output", alone, "--backend", backend).returncode == 0
    assert losses(shared) == pytest.approx(losses(alone), abs=1e-4)
    bits = [[line["slices"]["all"]["bits_per_byte"] for line in read_lines(run / EVALS)] for run in (shared, alone)]
    assert bits[0] == pytest.approx(bits[1], abs=1e-4)


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.parametrize(("backend", "begin"), [("torch", start_torch), ("jax", start_jax)])
def test_a_refusal_is_told_once(
    backend: str, begin: Callable[..., list[subprocess.Popen[str]]], options: list[object], tmp_path: Path
) -> None:
    """What only the first process finds out ends the others too."""
    pytest.importorskip(backend, reason=f"the {backend} extra is not installed")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    processes = begin("train", *options, "--output", tmp_path / "run")
    told = "".join(process.communicate(timeout=300)[0] for process in processes)
    assert all(process.returncode for process in processes)
    assert told.count("holds other files, such as thesis.txt") == 1


def test_incomplete_groups_are_refused(
    options: list[object], tmp_path: Path, bateia: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    ended = bateia("train", *options, "--output", tmp_path / "run")
    assert ended.returncode == 2 and "RANK" in ended.stderr and "torchrun" in ended.stderr
