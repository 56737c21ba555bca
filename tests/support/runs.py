"""Trained runs that nobody trained: a folder with a checkpoint of given weights and the tokenizer of bytes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from support.shards import BOS, EOS, PAD, byte_tokenizer
from trainer.backend.protocol import Snapshot
from trainer.model.config import ModelConfig, to_hf
from trainer.model.initial import initial_weights
from trainer.run.checkpoints import write


def write_run(folder: Path, config: ModelConfig, weights: dict[str, np.ndarray], tokenizer: str | None = None) -> Path:
    """tokenizer: the text of its tokenizer.json"""
    (folder / "tokenizer").mkdir(parents=True)
    (folder / "tokenizer" / "tokenizer.json").write_text(tokenizer or byte_tokenizer())
    (folder / "run.json").write_text(json.dumps({"data": {}}))
    write(folder / "checkpoints" / "step-00000007", 7, Snapshot(weights, {}), to_hf(config, BOS, EOS, PAD), {})
    return folder


def uneven_weights(config: ModelConfig, size: float = 3.0) -> dict[str, np.ndarray]:
    """First weights, larger and with norms that are not 1, so that attention is not level and logits are not nought."""
    draw = np.random.default_rng(5)
    return {
        name: value * np.float32(size) if value.ndim == 2 else draw.uniform(0.5, 1.5, value.shape).astype(np.float32)
        for name, value in initial_weights(config, 3).items()
    }
