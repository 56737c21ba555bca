"""What tests of the trainer share: small shards, and jobs of a tiny model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from support.baselines import made_once
from support.jax_options import configured
from support.shards import ShardWriter, encode, made_up
from trainer.model.config import ModelConfig
from trainer.run.job import TrainJob, read_data
from trainer.settings import Schedule, TrainSettings


@pytest.fixture
def optimized() -> Iterator[None]:
    """Trainings compiled as users have them: where much is computed, and where it is about every bit."""
    pytest.importorskip("jax", reason="the jax extra is not installed")
    from trainer.backend.backend_jax import compiled

    compiled.cache_clear()
    with configured({"jax_disable_most_optimizations": False}):
        yield
    compiled.cache_clear()


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
