"""Learning rates by the step, settings that can't be, counts of parameters and FLOPs, the guard, peaks."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from trainer.backend import StepResult
from trainer.faults import BadRun
from trainer.guard import MOST_IN_A_ROW, Guard
from trainer.initial_weights import initial_weights
from trainer.model_config import SIZES, ModelConfig, find_model, flops_per_token, from_hf, parameters, shapes, to_hf
from trainer.peaks import peak_flops
from trainer.schedules import Schedule


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule("wsd", 1.0, 10, 2, decay=0.4), [0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25]),
        (Schedule("wsd", 2.0, 4, 0, decay=0.5, floor=0.5), [2, 2, 2, 1.5]),
        (Schedule("cosine", 1.0, 5, 1), [1, 1, 0.853553, 0.5, 0.146447]),
        (Schedule("constant", 3.0, 3, 2), [1.5, 3, 3]),
    ],
)
def test_rates(schedule: Schedule, expected: list[float]) -> None:
    assert [schedule.rate(step) for step in range(schedule.steps)] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "peak", "steps", "warmup", "decay"),
    [
        ("linear", 1.0, 10, 0, 0.4),
        ("wsd", 0.0, 10, 0, 0.4),
        ("wsd", math.nan, 10, 0, 0.4),
        ("wsd", 1.0, 10, 10, 0.4),
        ("wsd", 1.0, 10, -1, 0.4),
        ("wsd", 1.0, 10, 0, 0.0),
    ],
)
def test_schedules_that_cannot_be(kind: str, peak: float, steps: int, warmup: int, decay: float) -> None:
    with pytest.raises(BadRun):
        Schedule(kind, peak, steps, warmup, decay)


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
    attention = 2 * 2 * 8 * 16 * 2 * 3  # two products, each 2 FLOPs · T · D, in 2 layers; forth once and back twice
    assert flops_per_token(untied) == 6 * sum(map(math.prod, matrices)) + attention


def test_a_model_from_json(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**SIZES["nano"], "tied": False}))
    assert find_model(str(path), 300, 64) == ModelConfig(300, 64, **SIZES["nano"], tied=False)
    for text in ("no json", '{"dims": 3}', "[1]", '{"dim": 30, "layers": 1, "heads": 4, "kv_heads": 4, "hidden": 8}'):
        path.write_text(text)
        with pytest.raises(BadRun):
            find_model(str(path), 300, 64)
    with pytest.raises(BadRun, match="nano, 30m"):
        find_model("7b", 300, 64)


def test_first_weights_are_the_seeds() -> None:
    config = find_model("nano", 300, 64)
    one, same, other = (initial_weights(config, seed) for seed in (1, 1, 2))
    name = "model.layers.3.mlp.down_proj.weight"
    assert np.array_equal(one[name], same[name])
    assert not np.array_equal(one[name], other[name])
    assert one[name].std() == pytest.approx(0.02 / math.sqrt(8), rel=0.05)
    assert one["model.embed_tokens.weight"].std() == pytest.approx(0.02, rel=0.05)


def result(loss: float, applied: bool = True) -> StepResult:
    return StepResult(loss, 1.0, np.array([loss]), applied)


def test_the_guard_tells_jumps_and_what_is_not_finite() -> None:
    guard = Guard()
    assert [guard.judge(result(9.0 - at / 20)) for at in range(30)] == [None] * 30
    assert guard.judge(result(9.5)) is None
    assert guard.judge(result(14.0)) == "spike"
    assert guard.judge(result(math.nan, applied=False)) == "not finite"
    assert guard.judge(result(8.0)) is None
    judged = [guard.judge(result(14.0)) for _ in range(60)]
    assert judged[0] == "spike"
    assert judged[-1] is None  # a new range


def test_the_guard_gives_up_on_what_goes_on() -> None:
    guard = Guard()
    for _ in range(MOST_IN_A_ROW - 1):
        guard.judge(result(math.nan, applied=False))
    assert not guard.is_hopeless
    guard.judge(result(math.nan, applied=False))
    assert guard.is_hopeless


def test_peaks_of_devices() -> None:
    assert peak_flops("NVIDIA H100 80GB HBM3") == 989e12
    assert peak_flops("NVIDIA H100 PCIe") == 756e12
    assert peak_flops("cpu") is None
