"""The model in numpy alone: its loss, gradients and update are those of both backends, and it is short."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.paths import ROOT
from support.runs import uneven_weights
from trainer import micro
from trainer.backend.make import make_backend
from trainer.backend.protocol import Snapshot
from trainer.data.batches import Batch, PlanReader
from trainer.model.config import ModelConfig
from trainer.run.job import TrainJob

SHAPES = {"tied": {}, "untied": {"tied": False, "kv_heads": 4}}
RATE = 0.003


def masked(batch: Batch) -> Batch:
    """Some tokens are not learned."""
    mask = batch.mask_BxT * (np.arange(batch.mask_BxT.shape[1]) % 5 > 0)
    return Batch(batch.x_BxT, batch.y_BxT, mask.astype(np.int32), batch.segment_ids_BxT, batch.positions_BxT)


def gradients_of(weights: dict[str, np.ndarray], config: ModelConfig, batch: Batch) -> dict[str, np.ndarray]:
    logits, _, back = micro.forward(weights, config, batch.x_BxT)
    return back(micro.loss_of(logits, batch.y_BxT, batch.mask_BxT)[1])


def assert_alike(found: dict[str, Any], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == np.float32, name
        np.testing.assert_allclose(found[name], value, atol=1e-5, rtol=1e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "shape"), [("jax", "tied"), ("torch", "tied"), ("torch", "untied")])
def test_it_is_the_backends(make_job: Callable[..., TrainJob], backend: str, shape: str) -> None:
    """Loss, gradients and weights of two steps. Adam's first moment after one step is the clipped gradient's tenth."""
    pytest.importorskip(backend, reason=f"the {backend} extra is not installed")
    job = make_job(optimizer="adamw", model=SHAPES[shape])
    config, batch = job.settings.model, masked(PlanReader(job.shards, job.plan).batch(0, 4))
    weights = uneven_weights(config, 10)
    theirs = make_backend(backend, job.settings, Snapshot(weights, {}), compiled=False)
    ours = {name: value.copy() for name, value in weights.items()}
    optimizer = micro.AdamW(ours)
    for step in (1, 2):
        told = theirs.result(theirs.step(batch, RATE))
        gradients = gradients_of(ours, config, batch)
        x, y, mask, *_ = batch.arrays()
        found = micro.train_step(ours, optimizer, config, x, y, mask, RATE)
        assert found == pytest.approx((told.loss, told.grad_norm), rel=1e-5)
        if step == 1:
            assert told.grad_norm > 1, "clipping is not tried"
            scale = np.float32((told.grad_norm + 1e-6) / (1 - optimizer.beta1))
            assert_alike(
                gradients, {name: value * scale for name, value in moments(theirs.snapshot(), "adam.mu.").items()}
            )
    after = theirs.snapshot()
    assert_alike(ours, after.weights)
    assert_alike(optimizer.mean, moments(after, "adam.mu."))
    assert_alike(optimizer.square, moments(after, "adam.nu."))


def moments(snapshot: Snapshot, prefix: str) -> dict[str, np.ndarray]:
    return {name[len(prefix) :]: value for name, value in snapshot.optimizer.items() if name.startswith(prefix)}


def test_gradients_are_slopes() -> None:
    """In float64, by finite differences: what no backend was asked about."""
    config = ModelConfig(vocab_size=11, context=6, dim=8, layers=2, heads=4, kv_heads=2, hidden=12)
    draw = np.random.default_rng(2)
    weights = {name: value.astype(np.float64) for name, value in uneven_weights(config, 10).items()}
    x, y = draw.integers(0, 11, (2, 2, 6))
    mask = draw.integers(0, 2, (2, 6))
    arrays = Batch(x, y, mask, mask, mask)
    gradients = gradients_of(weights, config, arrays)

    def loss() -> float:
        return micro.loss_of(micro.forward(weights, config, x)[0], y, mask)[0]

    for name, value in weights.items():
        at = tuple(draw.integers(0, size) for size in value.shape)
        kept, step = value[at], 1e-5
        value[at] = kept + step
        above = loss()
        value[at] = kept - step
        slope = (above - loss()) / (2 * step)
        value[at] = kept
        assert gradients[name][at] == pytest.approx(slope, rel=1e-5, abs=1e-8), name


def test_it_is_short_and_numpy_alone() -> None:
    source = (ROOT / "trainer" / "micro.py").read_text()
    assert len(source.splitlines()) <= 250
    imported = {node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    imported |= {a.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import) for a in node.names}
    ours = {"trainer.model.config", "trainer.model.initial"}
    assert imported == {"__future__", "collections.abc", "sys", "typing", "numpy", *ours}


@pytest.mark.slow
def test_it_learns_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "text"
    file.write_text("the pan washes sand. " * 40)
    micro.main(str(file), steps=20, length=3)
    *steps, _ = capsys.readouterr().out.splitlines()
    losses = [float(line.split()[3]) for line in steps]
    assert losses[0] == pytest.approx(np.log(256), rel=0.02)
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize(("text", "told"), [(None, "can't be read"), ("x" * 64, "has 64 bytes; give a file of more")])
def test_a_file_that_it_can_not_learn(tmp_path: Path, text: str | None, told: str) -> None:
    if text is not None:
        (tmp_path / "text").write_text(text)
    with pytest.raises(SystemExit, match=told):
        micro.main(str(tmp_path / "text"))
