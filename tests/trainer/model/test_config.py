"""Sizes, parameters and FLOPs of a model, its JSON file and first weights."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from schemas.faults import BadInput
from trainer.model.config import (
    SIZES,
    ModelConfig,
    find_model,
    flops_per_token,
    from_hf,
    parameters,
    parts,
    shapes,
    to_hf,
)
from trainer.model.initial import initial_weights


@pytest.mark.parametrize("size", SIZES)
def test_parameters_are_counted(size: str) -> None:
    config = find_model(size, 32_768, 1024)
    assert parameters(config) == sum(math.prod(shape) for shape in shapes(config).values())
    assert from_hf(to_hf(config, 1, 2, None)) == config


def test_sizes_are_what_they_are_called() -> None:
    assert parameters(find_model("nano", 2048, 256)) <= 1_000_000
    assert parameters(find_model("30m", 32_768, 1024)) == pytest.approx(30e6, rel=0.1)
    assert parameters(find_model("124m", 50_257, 1024)) == pytest.approx(124e6, rel=0.01)
    assert parameters(find_model("350m", 32_768, 1024)) == pytest.approx(350e6, rel=0.1)
    assert parameters(find_model("1b", 32_768, 1024)) == pytest.approx(1e9, rel=0.1)


def test_flops_are_counted() -> None:
    untied = ModelConfig(100, 8, dim=16, layers=2, heads=2, kv_heads=1, hidden=24, tied=False)
    matrices = [shape for name, shape in shapes(untied).items() if "embed" not in name]
    attention = 2 * 2 * 8 * 16 * 2 * 3  # two products, each 2 FLOPs · T · D, in 2 layers; 1 forward, 2 backward
    assert flops_per_token(untied) == 6 * sum(map(math.prod, matrices)) + attention


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_parts_are_the_whole(size: str, tied: bool) -> None:
    config = replace(find_model(size, 2048, 256), tied=tied)
    found = parts(config, 256)
    assert sum(part.count * part.parameters for part in found) == parameters(config)
    assert 3 * sum(part.count * part.flops for part in found) == flops_per_token(config)
    saved = sum(part.count * part.flops for part in found) - sum(part.count * part.flops for part in parts(config, 1))
    assert saved == 4 * config.layers * config.dim * 255


def test_a_model_from_json(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**SIZES["nano"], "tied": False}))
    assert find_model(str(path), 300, 64) == ModelConfig(300, 64, **SIZES["nano"], tied=False)
    for text in ("no json", '{"dims": 3}', "[1]", '{"dim": 30, "layers": 1, "heads": 4, "kv_heads": 4, "hidden": 8}'):
        path.write_text(text)
        with pytest.raises(BadInput):
            find_model(str(path), 300, 64)
    with pytest.raises(BadInput, match="nano, 30m"):
        find_model("7b", 300, 64)


def test_first_weights_are_the_seeds() -> None:
    config = find_model("nano", 300, 64)
    one, same, other = (initial_weights(config, seed) for seed in (1, 1, 2))
    name = "model.layers.3.mlp.down_proj.weight"
    assert np.array_equal(one[name], same[name])
    assert not np.array_equal(one[name], other[name])
    assert one[name].std() == pytest.approx(0.02 / math.sqrt(8), rel=0.05)
    assert one["model.embed_tokens.weight"].std() == pytest.approx(0.02, rel=0.05)
