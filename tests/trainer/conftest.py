"""What tests of the trainer share: small shards, XLA's cache, and jobs of a tiny model."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from support.baselines import made_once
from support.shards import ShardWriter, encode, made_up
from trainer.model.config import ModelConfig
from trainer.run.job import TrainJob, read_data
from trainer.settings import Schedule, TrainSettings


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What XLA has compiled for one test is there for the next, in processes of their own too."""
    folder = str(made_once(tmp_path_factory, "compiled", lambda _: None))
    kept = {"JAX_COMPILATION_CACHE_DIR": folder, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    with mock.patch.dict(os.environ, kept):
        if importlib.util.find_spec("jax") is not None:
            import jax

            jax.config.update("jax_compilation_cache_dir", folder)
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        yield


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 documents to train in two shards, 6 to validate, rows of 32 + 1 tokens."""
    return made_once(tmp_path_factory, "shards", lambda folder: made_up(folder / "made-up")) / "made-up"


@pytest.fixture
def own_shards(tmp_path: Path) -> Callable[..., Path]:
    """Writes shards that a test may spoil."""
    return lambda **options: made_up(tmp_path / "own-shards", **options)


@pytest.fixture(scope="session")
def write_shards() -> Callable[..., Path]:
    """Writes shards of texts: a folder, texts to train on and texts to hold out in, the folder out."""

    def write(folder: Path, train: Sequence[str], val: Sequence[str]) -> Path:
        return ShardWriter(folder, train=[[encode(text) for text in train]], val=[encode(text) for text in val]).write()

    return write


TINY = {"dim": 32, "layers": 2, "heads": 4, "kv_heads": 2, "hidden": 48}


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    path = tmp_path / "model.json"
    path.write_text(json.dumps(TINY))
    return path


@pytest.fixture
def make_job(shards: Path, tmp_path: Path) -> Callable[..., TrainJob]:
    """A job of a tiny model; keywords: of its settings, or of the job itself."""

    def make(steps: int = 6, shards: Path = shards, **options: Any) -> TrainJob:
        info, plan = read_data(str(shards), "main")
        own = {name: options.pop(name) for name in list(options) if name in TrainJob.__dataclass_fields__}
        schedule = Schedule(options.pop("schedule", "wsd"), options.pop("lr", 0.01), steps, options.pop("warmup", 1))
        model = ModelConfig(info.vocab_size, plan.context, **{**TINY, **options.pop("model", {})})
        settings = TrainSettings(model, schedule, **{"batch_size": 4, **options})
        defaults = {"output": str(tmp_path / "run"), "quiet": True, "eval_every": 1000}
        return TrainJob(shards=info, plan=plan, settings=settings, **{**defaults, **own})

    return make
