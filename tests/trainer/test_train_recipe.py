"""A training as a recipe asks for it, and what becomes of it on given shards."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.cli.app import COMMANDS
from pipelines.cli.settings import given
from pipelines.stages.train import TrainRun, flags_of, plan_training
from schemas.faults import BadInput
from trainer.backend import make
from trainer.model.config import find_model
from trainer.run.folder import RunFolder
from trainer.run.job import TrainJob
from trainer.settings import Schedule, TrainRecipe, TrainSettings, default_rate


def test_what_is_not_said_is_worked_out() -> None:
    model = find_model("30m", 2048, 256)
    assert TrainRecipe(model="30m", steps=1000).settings_for(vocab_size=2048, context=256) == TrainSettings(
        model=model,
        schedule=Schedule("wsd", default_rate(model), steps=1000, warmup=20, decay=0.4),
        batch_size=16,
        accumulate=1,
        optimizer="muon",
        weight_decay=0.1,
        clip=1.0,
        dtype="float32",
        remat=False,
        separate_documents=False,
        seed=1,
    )


def test_what_is_said_is_taken(tmp_path: Path) -> None:
    shape = {"dim": 32, "layers": 2, "heads": 4, "kv_heads": 2, "hidden": 48}
    (tmp_path / "m.json").write_text(json.dumps(shape))
    values: dict[str, Any] = {
        **{"batch_size": 6, "accumulate": 3, "optimizer": "adamw", "weight_decay": 0.5, "clip": 0.0},
        **{"dtype": "bfloat16", "remat": True, "separate_documents": True, "seed": 9},
    }
    schedule = {"schedule": "cosine", "lr": 0.25, "warmup": 0, "decay": 0.125}
    recipe = TrainRecipe(model=str(tmp_path / "m.json"), steps=7, **schedule, **values)
    settings = recipe.settings_for(vocab_size=300, context=64)
    assert settings.schedule == Schedule("cosine", 0.25, 7, 0, 0.125)
    assert (settings.model.vocab_size, settings.model.context, settings.model.hidden) == (300, 64, 48)
    assert {name: getattr(settings, name) for name in values} == values


def test_a_command_asks_for_what_a_recipe_does_by_itself() -> None:
    """Every setting is an option, and without it means the same."""
    args = COMMANDS["train"].parser().parse_args(["--shards", "s", "--output", "o", "--steps", "50"])
    assert TrainRecipe(**given(args, TrainRecipe)) == TrainRecipe(steps=50)


def test_the_options_that_a_recipe_makes_make_the_recipe() -> None:
    recipe = TrainRecipe(steps=7, lr=0.25, warmup=0, remat=True, schedule="cosine", decay=0.125, seed=9)
    args = COMMANDS["train"].parser().parse_args(["--shards", "s", "--output", "o", *flags_of(recipe)])
    assert TrainRecipe(**given(args, TrainRecipe)) == recipe


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"optimizer": "sgd"}, "no optimizer is called 'sgd'; known: adamw, muon"),
        ({"dtype": "float16"}, "no computation in 'float16'; known: float32, bfloat16"),
        ({"schedule": "linear"}, "no schedule is called 'linear'"),
        ({"lr": 0.0}, "a learning rate of 0.0 can't be"),
        ({"lr": math.nan}, "a learning rate of nan can't be"),
        ({"warmup": 10}, "a warm-up of 10 steps does not fit into 10"),
        ({"decay": 0.0}, "a schedule's decay is a share of the steps above 0"),
        ({"batch_size": 0}, "a batch of 0 rows is none"),
        ({"batch_size": 6, "accumulate": 4}, "6 rows can't be computed in 4 equal parts"),
        ({"clip": -1.0}, "clipping and weight decay are numbers from 0 up"),
        ({"weight_decay": math.inf}, "clipping and weight decay are numbers from 0 up"),
    ],
)
def test_what_cannot_be_is_refused_before_there_are_shards(values: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput) as raised:
        TrainRecipe(**{"steps": 10, **values})
    assert str(raised.value).startswith(told)


def test_a_model_is_looked_up_on_the_shards() -> None:
    with pytest.raises(BadInput, match="no model is called 'mega'"):
        TrainRecipe(steps=10, model="mega").settings_for(vocab_size=300, context=64)


# --- The dtype that suits the device ----------------------------------------------------------------------------------


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a device computed in bfloat16."""
    monkeypatch.setattr("trainer.run.resume.best_dtype", lambda backend: "bfloat16")


def planned(shards: Path, tmp_path: Path, **options: Any) -> TrainJob:
    recipe = TrainRecipe(steps=options.pop("steps", 3), **options.pop("recipe", {}))
    return plan_training(str(shards), "main", recipe, output=str(tmp_path / "run"), **options)


def test_a_cpu_computes_in_float32(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no framework is loaded to find that out."""
    monkeypatch.setattr(make, "DEVICE_FILES", ())
    monkeypatch.setattr(make, "jax_device_has_bfloat16", lambda device: pytest.fail("was asked"))
    assert planned(shards, tmp_path).settings.dtype == "float32"


def test_a_run_keeps_the_dtype_that_it_began_with(shards: Path, tmp_path: Path, on_gpu: None) -> None:
    """Wherever it goes on; what is asked for is heeded, and refused as any other setting."""
    assert planned(shards, tmp_path / "new").settings.dtype == "bfloat16"
    begun = planned(shards, tmp_path, recipe={"dtype": "float32"})
    asked = {"settings": begun.settings.as_dict(), "data": begun.data}
    RunFolder(begun.output).prepare(asked, overwrite=False)
    assert planned(shards, tmp_path).settings == begun.settings
    assert planned(shards, tmp_path, recipe={"dtype": "bfloat16"}).settings.dtype == "bfloat16"
    assert planned(shards, tmp_path, overwrite=True).settings.dtype == "bfloat16"


def test_a_whole_run_asks_no_device(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its training is another process, which needs the device's memory."""
    monkeypatch.setattr("trainer.run.resume.best_dtype", lambda backend: pytest.fail("was asked"))
    run = TrainRun(str(tmp_path / "run"), str(shards), "main", TrainRecipe(steps=3))
    assert not run.is_finished() and run.finished_differences() == []


@pytest.mark.parametrize(
    ("device", "has_it"),
    [
        (SimpleNamespace(platform="cpu"), False),
        (SimpleNamespace(platform="tpu"), True),
        (SimpleNamespace(platform="gpu", compute_capability="7.5"), False),
        (SimpleNamespace(platform="gpu", compute_capability="8.0"), True),
        (SimpleNamespace(platform="gpu", compute_capability="10.0"), True),
        (SimpleNamespace(platform="gpu", compute_capability="gfx942"), True),
    ],
)
def test_which_devices_compute_in_bfloat16(device: Any, has_it: bool) -> None:
    assert make.jax_device_has_bfloat16(device) is has_it


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_framework_is_asked_where_there_may_be_a_device(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(backend, reason=f"the {backend} extra is not installed")
    monkeypatch.setattr(make, "DEVICE_FILES", ("null",))
    assert make.best_dtype(backend) in ("float32", "bfloat16")
