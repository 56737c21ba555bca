"""`bateia run`: stage after stage, passing over what is finished."""

from __future__ import annotations

import importlib.util
import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from support.command import Call, Start
from support.outputs import hash_of


@pytest.mark.slow
def test_it_runs_every_stage_and_then_passes_over_them(
    warcs: list[str], documents: Path, corpus: Path, bateia: Call, tmp_path: Path
) -> None:
    command = ("run", "tiny", "--input", *warcs, "--output", tmp_path / "o", "--until", "shards", "--quiet")
    ended = bateia(*command)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "pages read" in ended.stdout
    assert "documents read" in ended.stdout
    assert "bytes a token" in ended.stdout
    for stage, alone in (("documents", documents), ("corpus", corpus)):
        assert hash_of(tmp_path / "o" / stage) == hash_of(alone)
    again = bateia(*command)
    assert again.returncode == 0
    assert again.stdout.splitlines() == [
        f"[1/3 curate] {tmp_path}/o/documents is finished",
        f"[2/3 dedup] {tmp_path}/o/corpus is finished",
        f"[3/3 shard] {tmp_path}/o/shards is finished",
    ]


@pytest.mark.slow
def test_it_goes_on_where_it_stopped(warcs: list[str], corpus: Path, bateia: Call, tmp_path: Path) -> None:
    command = ("run", "tiny", "--input", *warcs, "--output", tmp_path / "o", "--until", "shards", "--quiet")
    with mock.patch("pipelines.stages.dedup.run.rewrite", side_effect=OSError(28, "No space left on device")):
        ended = bateia(*command)
    assert ended.returncode == 1
    assert "The same command goes on from there." in ended.stderr
    ended = bateia(*command)
    assert ended.returncode == 0
    assert ended.stdout.startswith(f"[1/3 curate] {tmp_path}/o/documents is finished\n")
    assert hash_of(tmp_path / "o" / "corpus") == hash_of(corpus)


def test_a_stage_that_fails_is_the_last(warcs: list[str], bateia: Call, tmp_path: Path) -> None:
    with mock.patch("pipelines.stages.curate.run.CurateRun.execute", side_effect=OSError("broken")):
        ended = bateia("run", "--recipe", "tiny", "--input", *warcs, "--output", tmp_path / "o", "--quiet")
    assert ended.returncode == 1
    assert not (tmp_path / "o" / "corpus").exists()


@pytest.mark.slow
def test_other_options_do_not_pass_for_a_finished_run(warcs: list[str], bateia: Call, tmp_path: Path) -> None:
    command = ("run", "--input", *warcs, "--output", tmp_path / "o", "--quiet", "--until", "shards", "--recipe")
    assert bateia(*command, "tiny").returncode == 0
    ended = bateia(*command, "tiny", "--keep-dropped")
    assert ended.returncode == 2
    assert "is finished with other settings: keep_dropped was False and is True" in ended.stderr
    assert bateia(*command, "tiny", "--overwrite").returncode == 0


@pytest.mark.slow
def test_until_says_where_to_stop(warcs: list[str], bateia: Call, tmp_path: Path) -> None:
    command = ("run", "--recipe", "tiny", "--input", *warcs, "--output", tmp_path / "o", "--quiet", "--until")
    assert bateia(*command, "documents").returncode == 0
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["documents"]
    assert bateia(*command, "corpus").returncode == 0
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["corpus", "documents"]


RECIPE = """
from pipelines.recipes.tiny import TINY
from trainer.settings import TrainRecipe
from transforms.steps.tokens.settings import PlanSettings, TrainTokenizer
SMALL = TINY.vary(
    TrainTokenizer(vocab_size=512), PlanSettings(context=32), TrainRecipe(model={model!r}, steps={steps}, batch_size=4),
    name=TINY.name,
)
UNTRAINED = replace(SMALL, name="small", train=None)
"""
MODEL = {"dim": 32, "layers": 1, "heads": 2, "kv_heads": 1, "hidden": 48}


@pytest.fixture
def small(tmp_path: Path) -> Callable[[int], str]:
    """A recipe file whose model is trained in a moment: steps in, what names the recipe out."""

    def write(steps: int) -> str:
        (tmp_path / "model.json").write_text(json.dumps(MODEL))
        code = RECIPE.format(model=str(tmp_path / "model.json"), steps=steps)
        (tmp_path / "recipe.py").write_text(f"from dataclasses import replace\n{code}")
        return f"{tmp_path}/recipe.py:SMALL"

    return write


@pytest.mark.slow
@pytest.mark.engine
def test_a_recipe_goes_on_to_its_model(
    warcs: list[str],
    documents: Path,
    corpus: Path,
    small: Callable[[int], str],
    bateia: Call,
    bateia_process: Start,
    tmp_path: Path,
) -> None:
    """From a corpus that an earlier run has made."""
    command = ("run", small(400), "--input", *warcs, "--output", tmp_path / "o")
    shutil.copytree(documents, tmp_path / "o" / "documents")
    shutil.copytree(corpus, tmp_path / "o" / "corpus")
    process = bateia_process(*command)
    log, until = tmp_path / "o" / "model" / "log.jsonl", time.monotonic() + 300
    while not (log.exists() and log.read_bytes().count(b"\n") > 5) and time.monotonic() < until:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)  # handed on to the training, which saves and ends in good order
    _, err = process.communicate(timeout=300)
    assert "The same command goes on from there." in err.splitlines()[-1]
    steps = log.read_bytes().count(b"\n")
    assert 5 < steps < 400
    process = bateia_process(*command)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert [line.split("]")[0] for line in out.splitlines()[:3]] == ["[1/4 curate", "[2/4 dedup", "[3/4 shard"]
    assert "400 steps" in out and "going on from step" in err
    again = bateia(*command)
    assert again.returncode == 0
    assert again.stdout.splitlines()[-1] == f"[4/4 train] {tmp_path}/o/model is finished"


def test_a_model_that_is_not_trained_is_told_before_anything_is_read(
    warcs: list[str], small: Callable[[int], str], bateia: Call, tmp_path: Path
) -> None:
    recipe = small(5).replace("SMALL", "UNTRAINED")
    ended = bateia("run", recipe, "--input", *warcs, "--output", tmp_path / "o", "--until", "model")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "recipe 'small' trains no model; leave --until model out" in ended.stderr
    assert not (tmp_path / "o").exists()


def test_a_missing_trainer_is_told_before_anything_is_read(
    warcs: list[str], bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "optax" else found(name))
    ended = bateia("run", "tiny", "--input", *warcs, "--output", tmp_path / "o")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "needs the package optax: install it with `pip install -e '.[jax]'`, or end before it" in ended.stderr
    assert not (tmp_path / "o").exists()
