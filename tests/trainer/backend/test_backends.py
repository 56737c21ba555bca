"""JAX and PyTorch train alike: losses, weights and the optimizer's state, and a run of one goes on in the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.faults import BadInput, BrokenRun
from support.training import train as train_run
from trainer.backend.make import make_backend
from trainer.backend.protocol import Backend, Snapshot, logits_pieces
from trainer.data.batches import Batch, PlanReader
from trainer.generate.sampling import Sampling, generate
from trainer.model.initial import initial_weights
from trainer.run.folder import LOG, read_lines
from trainer.run.job import TrainJob

for package in ("jax", "torch"):
    pytest.importorskip(package, reason=f"the {package} extra is not installed")

Make = Callable[..., TrainJob]
BACKENDS = ("jax", "torch")


def backend_of(name: str, job: TrainJob, snapshot: Snapshot | None = None) -> Backend:
    first = Snapshot(initial_weights(job.settings.model, 3), {})
    return make_backend(name, job.settings, snapshot or first, compiled=False)


def batches(job: TrainJob, steps: int) -> list[Batch]:
    reader = PlanReader(job.shards, job.plan)
    return [reader.batch(step, job.settings.batch_size) for step in range(steps)]


def failing_batch(job: TrainJob, fault: Exception) -> Batch:
    """A batch that raises when a step takes its arrays to the device."""

    class Failing(Batch):
        def arrays(self) -> tuple[np.ndarray, ...]:
            raise fault

    (batch,) = batches(job, 1)
    return Failing(*batch.arrays())


def train(backend: Backend, given: list[Batch], rate: float = 0.01) -> list[Any]:
    return [backend.result(backend.step(batch, rate)) for batch in given]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "adamw"},
        {"optimizer": "muon", "accumulate": 2, "model": {"layers": 1}},
        {"optimizer": "muon", "remat": True, "separate_documents": True, "model": {"layers": 1}},
        {"optimizer": "adamw", "clip": 0.0, "model": {"tied": False, "kv_heads": 4}},
    ],
)
def test_losses_are_the_same(make_job: Make, options: dict[str, Any]) -> None:
    job = make_job(6, **options)
    ours, theirs = (train(backend_of(name, job), batches(job, 6)) for name in BACKENDS)
    for one, other in zip(ours, theirs, strict=True):
        assert one.loss == pytest.approx(other.loss, abs=1e-4)
        assert one.grad_norm == pytest.approx(other.grad_norm, rel=1e-3)
        np.testing.assert_allclose(one.row_losses, other.row_losses, atol=1e-4)
    assert ours[-1].loss < ours[0].loss - 0.1


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize(("first", "second"), [("jax", "torch"), ("torch", "jax")])
def test_one_goes_on_where_the_other_stopped(make_job: Make, optimizer: str, first: str, second: str) -> None:
    job = make_job(6, optimizer=optimizer)
    given = batches(job, 6)
    undisturbed = backend_of(first, job)
    expected = train(undisturbed, given)
    begun = backend_of(first, job)
    train(begun, given[:3])
    resumed = backend_of(second, job, begun.snapshot())
    found = train(resumed, given[3:])
    assert [r.loss for r in found] == pytest.approx([r.loss for r in expected[3:]], abs=1e-4)
    one, other = undisturbed.snapshot(), resumed.snapshot()
    assert one.weights.keys() == other.weights.keys() and one.optimizer.keys() == other.optimizer.keys()
    for name, value in one.weights.items():
        assert value.dtype == other.weights[name].dtype and value.shape == other.weights[name].shape
        np.testing.assert_allclose(value, other.weights[name], atol=2e-4)


@pytest.mark.slow
def test_a_run_of_one_is_resumed_by_the_other(make_job: Make, tmp_path: Path) -> None:
    """By the loop itself: logs and checkpoints of one are the other's."""
    shared, alone = (str(tmp_path / name) for name in ("shared", "alone"))
    for backend, stop in (("torch", 3), ("jax", 6), ("torch", None)):
        train_run(make_job(9, output=shared, backend=backend, compiled=False), stop)
    train_run(make_job(9, output=alone))
    logs = [[line["loss"] for line in read_lines(Path(folder) / LOG)] for folder in (shared, alone)]
    assert logs[0] == pytest.approx(logs[1], abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKENDS)
def test_a_step_that_is_not_finite_changes_nothing(make_job: Make, name: str) -> None:
    job = make_job(6, optimizer="muon")
    backend, given = backend_of(name, job), batches(job, 3)
    train(backend, given[:1])
    before = backend.snapshot()
    weights = {key: value.copy() for key, value in before.weights.items()}
    weights["model.layers.0.mlp.up_proj.weight"][0, 0] = np.nan
    broken = backend_of(name, job, Snapshot(weights, before.optimizer))
    (told,) = train(broken, given[1:2])
    after = broken.snapshot()
    assert not told.applied and not np.isfinite(told.loss)
    for key, value in before.optimizer.items():
        np.testing.assert_array_equal(after.optimizer[key], value)
    for key, value in weights.items():
        np.testing.assert_array_equal(after.weights[key], value)


def test_trainings_that_compute_alike_are_compiled_once(make_job: Make) -> None:
    """Whatever their rates, seeds and rows; one that computes anything else has functions of its own."""
    from trainer.backend.backend_jax import computed_by

    first = computed_by(make_job(6).settings)
    for alike in ({"steps": 9, "warmup": 3}, {"lr": 0.5, "schedule": "cosine"}, {"seed": 2}, {"batch_size": 8}):
        assert computed_by(make_job(**alike).settings) == first
    others = (
        *({"accumulate": 2}, {"optimizer": "muon"}, {"clip": 0.0}, {"weight_decay": 0.5}, {"dtype": "bfloat16"}),
        *({"remat": True}, {"separate_documents": True}, {"model": {"layers": 1}}),
    )
    assert first not in [computed_by(make_job(**other).settings) for other in others]
    assert len({computed_by(make_job(**other).settings) for other in others}) == len(others)


@pytest.mark.slow
def test_half_precision_is_near(make_job: Make) -> None:
    """bfloat16 of both backends stays near float32, and weights stay float32."""
    job, half = make_job(6), make_job(6, dtype="bfloat16")
    expected = [r.loss for r in train(backend_of("jax", job), batches(job, 6))]
    for name in BACKENDS:
        backend = backend_of(name, half)
        found = [r.loss for r in train(backend, batches(half, 6))]
        assert found == pytest.approx(expected, abs=0.02) and found != expected
        assert all(value.dtype == np.float32 for value in backend.snapshot().weights.values())


@pytest.mark.slow
def test_texts_are_the_same(make_job: Make) -> None:
    job = make_job(6)
    decoders = [backend_of(name, job).decoder() for name in BACKENDS]
    prompt = [1, *np.random.default_rng(2).integers(4, 260, 9).tolist()]
    texts = [list(generate(s, prompt, Sampling(40, seed=7), frozenset())) for s in decoders]  # longer than the context
    assert texts[0] == texts[1]
    one, other = (decoder.logits(prompt) for decoder in decoders)
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert one.dtype == np.float32 and one.shape == (10, 260)


@pytest.mark.slow
def test_compiled_and_not_are_one(make_job: Make) -> None:
    job = make_job(3, optimizer="muon", model={"layers": 1})  # a layer is what is compiled
    given = batches(job, 3)
    plain = train(backend_of("torch", job), given)
    first = Snapshot(initial_weights(job.settings.model, 3), {})
    compiled = train(make_backend("torch", job.settings, first, compiled=True), given)
    assert [r.loss for r in compiled] == pytest.approx([r.loss for r in plain], abs=1e-4)


def test_one_process_has_one_device(make_job: Make) -> None:
    with pytest.raises(BadInput, match="torchrun --nproc-per-node 2"):
        make_backend("torch", make_job(2).settings, Snapshot({}, {}), 2)


@pytest.mark.parametrize("name", BACKENDS)
def test_out_of_memory_names_the_knobs(make_job: Make, name: str) -> None:
    """Devices' own exceptions, raised while a step is begun or rows are evaluated."""
    import jax
    import torch

    job = make_job(2, batch_size=8, accumulate=2)
    fault = {
        "jax": jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes."),
        "torch": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB."),
    }[name]
    backend, batch = backend_of(name, job), failing_batch(job, fault)
    with pytest.raises(BrokenRun, match=r"4 rows of 32 tokens.*logits.*--accumulate 4.*--remat.*bfloat16"):
        backend.step(batch, 0.01)
    with pytest.raises(BrokenRun, match=r"out of memory.*--accumulate 4"):
        backend.losses(batch)


@pytest.mark.slow
def test_counts_of_updates_are_the_same_in_each_framework(make_job: Make) -> None:
    """Of Muon's too, which makes none where AdamW makes all."""
    job = make_job(2, optimizer="adamw")
    counts = []
    for name in BACKENDS:
        backend = backend_of(name, job)
        backend.result(backend.step(batches(job, 1)[0], 0.01))
        state = backend.snapshot().optimizer
        counts.append({key: int(state[key]) for key in ("adam.count", "muon.count")})
    assert counts == [{"adam.count": 1, "muon.count": 0}] * len(BACKENDS)


@pytest.mark.slow
def test_muon_is_optax_own() -> None:
    """A few updates of matrices of several shapes, in both backends."""
    import jax.numpy as jnp
    import optax
    import torch

    from trainer.optim.optim_jax import Muon, muon_update
    from trainer.optim.optim_torch import momenta, orthogonal

    generator = np.random.default_rng(1)
    shapes = {"a": (8, 8), "b": (6, 16), "c": (16, 6), "d": (8, 8)}
    whole = {name: optax.contrib.MuonDimensionNumbers(1, 0) for name in shapes}
    reference = optax.contrib.scale_by_muon(weight_dimension_numbers=whole)  # pyright: ignore[reportArgumentType]
    zeros = {name: jnp.zeros(shape) for name, shape in shapes.items()}
    expected, ours = reference.init(zeros), Muon(jnp.zeros((), jnp.int32), dict(zeros))
    mu = {name: torch.zeros(shape) for name, shape in shapes.items()}
    for count in (1, 2, 3):
        drawn = {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
        gradients = {name: jnp.asarray(value) for name, value in drawn.items()}
        wanted: Any
        wanted, expected = reference.update(gradients, expected)
        found, ours = muon_update(gradients, ours)
        hats = {name: torch.empty(shape) for name, shape in shapes.items()}
        given = [(hats[name], torch.tensor(drawn[name]), mu[name]) for name in shapes]
        momenta(given, torch.tensor(count), torch.tensor(1.0), torch.tensor(True))
        turned = orthogonal(hats)
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, atol=2e-5)
            np.testing.assert_allclose(turned[name].numpy(), value, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKENDS)
def test_logits_in_pieces_are_logits_at_once(make_job: Make, name: str) -> None:
    """What GPUs do where logits are large, done here: the same losses and gradients."""
    job = make_job(2, model={"layers": 1, "tied": name == "jax"})
    (batch,) = batches(job, 1)
    weights = initial_weights(job.settings.model, 3)
    (losses, gradients), (pieced, others) = (
        (jax_gradients if name == "jax" else torch_gradients)(job, weights, batch, pieces) for pieces in (1, 4)
    )
    np.testing.assert_allclose(pieced, losses, rtol=1e-5)
    for key, value in gradients.items():
        np.testing.assert_allclose(others[key], value, atol=1e-5, err_msg=key)


def jax_gradients(job: TrainJob, weights: Any, batch: Batch, pieces: int) -> tuple[Any, Any]:
    import jax

    from trainer.backend.backend_jax import gradients_of

    parts = tuple(array[None] for array in batch.arrays()[:4])
    step = jax.jit(lambda weights, parts: gradients_of(weights, parts, job.settings, pieces))
    gradients, row_sums = step(weights, parts)
    return row_sums, gradients


def torch_gradients(job: TrainJob, weights: Any, batch: Batch, pieces: int) -> tuple[Any, Any]:
    import torch

    from trainer.model.llama_torch import Llama

    model = Llama(job.settings.model)
    model.pieces = pieces
    model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    losses = model(*(torch.tensor(array).long() for array in batch.arrays()[:2]))
    losses.sum().backward()
    return losses.detach(), {name: value.grad for name, value in model.named_parameters()}


@pytest.mark.parametrize(
    ("rows", "context", "vocabulary", "devices", "pieces"),
    [(16, 256, 2048, 1, 1), (16, 1024, 50_304, 1, 4), (16, 1024, 50_304, 4, 1), (4, 8192, 128_000, 1, 16)],
)
def test_pieces_of_logits_are_a_gigabyte(
    make_job: Make, rows: int, context: int, vocabulary: int, devices: int, pieces: int
) -> None:
    job = make_job(2, batch_size=rows)
    settings = replace(job.settings, model=replace(job.settings.model, vocab_size=vocabulary, context=context))
    assert logits_pieces(settings, devices) == pieces


@pytest.mark.slow
def test_muon_in_stacks_is_muon_one_by_one() -> None:
    """What GPUs do, done here: in float32 the same numbers; in bfloat16 updates about as near to orthogonal."""
    import jax
    import jax.numpy as jnp
    import torch

    from trainer.optim.optim_jax import Weights, orthogonal, orthogonal_in_stacks
    from trainer.optim.optim_torch import iterated

    @jax.jit
    def made(drawn: Weights) -> tuple[Weights, Weights, Weights]:
        one_by_one = {name: orthogonal(value) for name, value in drawn.items()}
        return one_by_one, orthogonal_in_stacks(drawn, jnp.float32), orthogonal_in_stacks(drawn, jnp.bfloat16)

    generator = np.random.default_rng(1)
    shapes = {"a": (6, 8), "b": (8, 6), "c": (6, 8), "alone": (5, 5)}
    drawn = {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    expected, stacked, half = made({name: jnp.asarray(value) for name, value in drawn.items()})
    normed = np.stack([value / np.linalg.norm(value) for value in (drawn["a"], drawn["b"].T, drawn["c"])])
    by_torch = iterated(torch.tensor(normed).bfloat16()).float().numpy()
    for name, value in expected.items():
        np.testing.assert_allclose(stacked[name], value, atol=1e-5)
        assert half[name].dtype == jnp.float32
    for update in (*half.values(), *by_torch):
        sizes = np.linalg.svd(np.asarray(update), compute_uv=False)
        assert sizes.min() > 0.6 and sizes.max() < 1.25  # the iteration's own range, by Jordan, is .68 to 1.13


def test_compilers_that_fail_or_are_not_there(make_job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """None at all: it trains as it is, and says so. A fault of the compiler: what to do is told."""
    from torch._dynamo.exc import InternalTorchDynamoError

    job = make_job(2)
    first = Snapshot(initial_weights(job.settings.model, 3), {})
    (batch,) = batches(job, 1)
    monkeypatch.setenv("CXX", "no-such-compiler")
    backend = make_backend("torch", job.settings, first)
    assert "no C++ compiler" in backend.note
    assert np.isfinite(train(backend, [batch])[0].loss)

    fault = InternalTorchDynamoError("fatal error: Python.h\nand more")
    with pytest.raises(BrokenRun, match=r"Python\.h\); --no-compile"):
        backend.step(failing_batch(job, fault), 0.01)


def test_a_flag_of_jax_processes_is_known_one_call_later() -> None:
    """So that no call waits for the step that was begun before it."""
    from trainer.backend.backend_jax import JaxGroup

    group = object.__new__(JaxGroup)  # this process alone, without a coordinator
    group._asked = None
    assert [group.any_soon(flag) for flag in (False, True, False, False)] == [False, False, True, False]
