"""Trained runs that nobody trained: a folder with a checkpoint of given weights and the tokenizer of bytes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from support.shards import BOS, EOS, PAD, byte_tokenizer
from trainer.backend.protocol import Snapshot
from trainer.model.config import ModelConfig, to_hf
from trainer.model.initial import initial_weights
from trainer.run.checkpoints import write
from trainer.run.job import read_data


def write_run(
    folder: Path,
    config: ModelConfig,
    weights: dict[str, np.ndarray],
    tokenizer: str | None = None,
    shards: Path | None = None,
    batch_size: int = 4,
) -> Path:
    """tokenizer: the text of its tokenizer.json. shards: of which it has tokenizer and plan, as if trained on them."""
    if shards is None:
        (folder / "tokenizer").mkdir(parents=True)
        (folder / "tokenizer" / "tokenizer.json").write_text(tokenizer or byte_tokenizer())
    else:
        shutil.copytree(shards / "tokenizer", folder / "tokenizer")
    settings = {"batch_size": batch_size}
    (folder / "run.json").write_text(json.dumps({"settings": settings, "data": data_of(shards) if shards else {}}))
    write(folder / "checkpoints" / "step-00000007", 7, Snapshot(weights, {}), to_hf(config, BOS, EOS, PAD), {})
    return folder


def data_of(shards: Path) -> dict[str, str]:
    info, plan = read_data(str(shards), "main")
    known = {"plan": "main", "layout_hash": info.layout_hash, "plan_hash": plan.dataset_hash}
    return known | {"tokenizer_sha256": info.tokenizer_sha256}


def uneven_weights(config: ModelConfig, size: float = 3.0) -> dict[str, np.ndarray]:
    """First weights, larger and with norms that are not 1, so that attention is not level and logits are not nought."""
    draw = np.random.default_rng(5)
    return {
        name: value * np.float32(size) if value.ndim == 2 else draw.uniform(0.5, 1.5, value.shape).astype(np.float32)
        for name, value in initial_weights(config, 3).items()
    }
