"""The model against one written down in numpy: trained forward, cached forward, exported; masks, parts, precision."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.shards.layout import BESTFIT
from support.training import train
from trainer.backend.protocol import Snapshot
from trainer.data.batches import Batch, PlanReader
from trainer.generate.sampling import Sampling, generate, generate_many
from trainer.model.config import ModelConfig, to_hf
from trainer.model.initial import initial_weights
from trainer.run.job import TrainJob

pytest.importorskip("jax", reason="the jax extra is not installed")

import jax
import jax.numpy as jnp

from trainer.backend.backend_jax import JaxBackend
from trainer.model.decode_jax import JaxDecoder, on_device
from trainer.model.kernels_jax import in_blocks
from trainer.model.llama_jax import logits_of

CONFIG = ModelConfig(90, 160, dim=32, layers=2, heads=4, kv_heads=2, hidden=48)
UNTIED = ModelConfig(90, 160, dim=32, layers=2, heads=4, kv_heads=4, hidden=48, tied=False, rope_theta=500.0)
forward = jax.jit(logits_of, static_argnums=1)  # op by op, each would be compiled by itself


def reference_logits(weights: dict[str, np.ndarray], config: dict[str, Any], tokens: list[int]) -> np.ndarray:
    """logits_TxV in float64 by transformers' conventions, with no code of ours. config: its config.json."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    heads, kv_heads, width = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    eps, length = config["rms_norm_eps"], len(tokens)
    angles = np.outer(np.arange(length), 1.0 / config["rope_theta"] ** (np.arange(0, width, 2) / width))
    cos, sin = (np.concatenate([part, part], axis=1) for part in (np.cos(angles), np.sin(angles)))

    def norm(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * weight

    def turn(x: np.ndarray) -> np.ndarray:
        half = width // 2
        return x * cos + np.concatenate([-x[:, half:], x[:, :half]], axis=1) * sin

    x = w["model.embed_tokens.weight"][tokens]
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        y = norm(x, w[at + "input_layernorm.weight"])
        q, k, v = (y @ w[f"{at}self_attn.{name}_proj.weight"].T for name in "qkv")
        mixed = []
        for head in range(heads):
            own = slice(head * width, (head + 1) * width)
            group = head // (heads // kv_heads)
            shared = slice(group * width, (group + 1) * width)
            scores = turn(q[:, own]) @ turn(k[:, shared]).T / np.sqrt(width)
            scores[np.triu_indices(length, 1)] = -np.inf
            powers = np.exp(scores - scores.max(-1, keepdims=True))
            mixed.append(powers / powers.sum(-1, keepdims=True) @ v[:, shared])
        x = x + np.concatenate(mixed, axis=1) @ w[at + "self_attn.o_proj.weight"].T
        y = norm(x, w[at + "post_attention_layernorm.weight"])
        gate = y @ w[at + "mlp.gate_proj.weight"].T
        x = x + (gate / (1 + np.exp(-gate)) * (y @ w[at + "mlp.up_proj.weight"].T)) @ w[at + "mlp.down_proj.weight"].T
    table = w["model.embed_tokens.weight"] if config["tie_word_embeddings"] else w["lm_head.weight"]
    return norm(x, w["model.norm.weight"]) @ table.T


def random_weights(config: ModelConfig) -> dict[str, np.ndarray]:
    """Large enough that every part of the model matters, norms too."""
    generator = np.random.default_rng(3)
    first = initial_weights(config, 5)
    return {
        name: value * 6 if value.ndim == 2 else (value + generator.normal(0, 0.3, value.shape)).astype(np.float32)
        for name, value in first.items()
    }


def some_tokens(count: int, vocabulary: int = 90) -> list[int]:
    return np.random.default_rng(4).integers(0, vocabulary, count).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("config", [CONFIG, UNTIED])
def test_logits_are_the_references(config: ModelConfig) -> None:
    weights, tokens = random_weights(config), some_tokens(150)
    expected = reference_logits(weights, to_hf(config, 1, 2, None), tokens)
    found = forward(on_device(weights), config, jnp.array([tokens]))[0]
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(found, expected, atol=2e-5, rtol=1e-4)


def decoders(weights: dict[str, np.ndarray], config: ModelConfig) -> list[Any]:
    """Of each framework that is installed."""
    made: list[Any] = [JaxDecoder(on_device(weights), config)]
    if importlib.util.find_spec("torch") is not None:
        from trainer.model import decode_torch

        made.append(decode_torch.TorchDecoder(decode_torch.on_device(weights), config))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("config", [CONFIG, UNTIED])
def test_a_cache_changes_nothing(config: ModelConfig) -> None:
    """Rows of different lengths, up to a full context, each at its own position."""
    weights = random_weights(config)
    texts = [some_tokens(160), some_tokens(20)[3:], some_tokens(9)[:2], some_tokens(60)[20:]]
    starts = [150, 1, 1, 13]
    expected = [reference_logits(weights, to_hf(config, 1, 2, None), text) for text in texts]
    for decoder in decoders(weights, config):
        found_BxV = decoder.begin([text[:start] for text, start in zip(texts, starts, strict=True)], room=10)
        for at in range(10):
            for row, start in enumerate(starts):
                if start + at <= len(texts[row]):
                    told = expected[row][start + at - 1]
                    np.testing.assert_allclose(found_BxV[row], told, atol=2e-5, rtol=1e-4, err_msg=f"{row} {at}")
            ends = (min(start + at, len(text) - 1) for text, start in zip(texts, starts, strict=True))
            found_BxV = decoder.append([text[end] for text, end in zip(texts, ends, strict=True)])


@pytest.mark.slow
def test_logits_and_scores_leave_the_cache_as_it_is() -> None:
    weights, tokens = random_weights(CONFIG), some_tokens(150)
    expected = reference_logits(weights, to_hf(CONFIG, 1, 2, None), tokens)
    logs_TxV = expected - np.log(np.exp(expected).sum(-1, keepdims=True))
    for decoder in decoders(weights, CONFIG):
        decoder.begin([tokens[:5]])
        for length in (1, 37, 150):
            np.testing.assert_allclose(decoder.logits(tokens[:length]), expected[:length], atol=2e-5, rtol=1e-4)
        scored = decoder.score([tokens[:length] for length in (1, 37, 2, 150)])
        for (nats_T, greedy_T), length in zip(scored, (1, 37, 2, 150), strict=True):
            told_T = -logs_TxV[np.arange(length - 1), tokens[1:length]]
            np.testing.assert_allclose(nats_T, told_T, atol=2e-5, rtol=1e-4)
            assert greedy_T.tolist() == (expected[: length - 1].argmax(-1) == tokens[1:length]).tolist()
        np.testing.assert_allclose(decoder.append(tokens[5:6])[0], expected[5], atol=2e-5, rtol=1e-4)


@pytest.mark.slow
def test_scores_of_texts_that_begin_alike_are_those_of_each_alone() -> None:
    weights, tokens = random_weights(CONFIG), some_tokens(150)
    texts = [tokens[:40], tokens[:41], tokens[:150], tokens[:40], [*tokens[:90], *tokens[3:20]], tokens[60:]]
    texts += [[*tokens[:30], other] for other in tokens[100:130]]
    for decoder in decoders(weights, CONFIG):
        for text, (nats_T, greedy_T) in zip(texts, decoder.score(texts), strict=True):
            expected = reference_logits(weights, to_hf(CONFIG, 1, 2, None), text[:-1])
            logs_TxV = expected - np.log(np.exp(expected).sum(-1, keepdims=True))
            told_T = -logs_TxV[np.arange(len(text) - 1), text[1:]]
            np.testing.assert_allclose(nats_T, told_T, atol=2e-5, rtol=1e-4)
            assert greedy_T.tolist() == (expected.argmax(-1) == text[1:]).tolist()


@pytest.mark.slow
def test_many_texts_are_the_single_ones_in_each_framework() -> None:
    config, tokens = replace(CONFIG, layers=1), some_tokens(150)
    prompts = [tokens[:150], tokens[3:5], tokens[40:80]]
    found = []
    for decoder in decoders(random_weights(config), config):
        sampling = Sampling(24, temperature=1.0)  # the first one goes beyond the context
        together = generate_many(decoder, prompts, sampling, frozenset({1}), range(3))
        for seed, (prompt, text) in enumerate(zip(prompts, together, strict=True)):
            alone = list(generate(decoder, prompt, replace(sampling, seed=seed), frozenset({1})))
            assert [token for token in text.tokens if token != 1] == alone
        found.append([text.tokens for text in together])
    assert all(texts == found[0] for texts in found)


@pytest.mark.slow
def test_separate_documents_do_not_see_each_other() -> None:
    weights, tokens = on_device(random_weights(CONFIG)), some_tokens(150)
    segments = jnp.array([[1] * 70 + [2] * 60 + [0] * 20])
    together = forward(weights, CONFIG, jnp.array([tokens]), segments)[0]
    apart = forward(weights, CONFIG, jnp.array([tokens[70:130]]))[0]
    np.testing.assert_allclose(together[70:130], apart, atol=1e-4, rtol=1e-3)  # rotation is relative, so they agree
    assert np.isfinite(np.asarray(together)).all()


@pytest.mark.slow
@pytest.mark.parametrize("separate", [False, True])
def test_attention_in_blocks_is_jaxs(separate: bool) -> None:
    q, k, v = (jax.random.normal(jax.random.key(at), (2, 150, heads, 16)) for at, heads in enumerate((4, 2, 2)))
    segments = jnp.array([[1] * 90 + [2] * 60, [1] * 150]) if separate else None
    mask = (segments[:, :, None] == segments[:, None, :])[:, None] if segments is not None else None
    expected = jax.jit(partial(jax.nn.dot_product_attention, is_causal=True))(q, k, v, mask=mask)
    np.testing.assert_allclose(jax.jit(in_blocks)(q, k, v, segments), expected, atol=1e-5)


def first_step(job: TrainJob, batch: Batch) -> tuple[Any, Snapshot]:
    backend = JaxBackend(job.settings, Snapshot(initial_weights(job.settings.model, 1), {}), devices=1)
    told = backend.result(backend.step(batch, 0.01))
    return told, backend.snapshot()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "tolerance"),
    [({"accumulate": 4}, 1e-5), ({"remat": True}, 1e-6), ({"dtype": "bfloat16"}, 0.02)],
)
def test_parts_and_memory_saved_change_nothing(
    make_job: Callable[..., TrainJob], options: dict[str, Any], tolerance: float
) -> None:
    job, changed = (make_job(model={"layers": 1}, **given) for given in ({}, options))
    batch = PlanReader(job.shards, job.plan).batch(0, 4)
    (one, before), (other, after) = first_step(job, batch), first_step(changed, batch)
    assert other.loss == pytest.approx(one.loss, rel=tolerance)
    assert other.grad_norm == pytest.approx(one.grad_norm, rel=max(tolerance, 1e-4) * 5)
    assert other.row_losses.shape == (4,)
    if tolerance < 1e-3:
        for name, value in before.weights.items():
            np.testing.assert_allclose(after.weights[name], value, atol=1e-4, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_what_is_masked_teaches_nothing(
    make_job: Callable[..., TrainJob], own_shards: Callable[..., Path], optimizer: str
) -> None:
    """Short rows: other numbers where the mask is 0, after all that counts, give the same step."""
    job = make_job(shards=own_shards(packing=BESTFIT), optimizer=optimizer)
    reader = PlanReader(job.shards, job.plan)
    batch = reader.batch_of([row for row in range(reader.rows) if len(reader.row(row)) < reader.context][:4])
    other_y = np.where(batch.mask_BxT, batch.y_BxT, 77).astype(np.int32)
    other_x = np.where(batch.segment_ids_BxT, batch.x_BxT, 66).astype(np.int32)
    spoiled = Batch(other_x, other_y, batch.mask_BxT, batch.segment_ids_BxT, batch.positions_BxT)
    (one, before), (other, after) = first_step(job, batch), first_step(job, spoiled)
    assert (batch.mask_BxT == 0).any()
    assert one.loss == pytest.approx(other.loss, rel=1e-6)
    np.testing.assert_allclose(
        after.weights["model.layers.0.mlp.up_proj.weight"],
        before.weights["model.layers.0.mlp.up_proj.weight"],
        atol=1e-6,
    )
    assert np.array_equal(one.row_losses.shape, (4,))


def test_the_loss_is_the_references(make_job: Callable[..., TrainJob]) -> None:
    job = make_job()
    weights = random_weights(job.settings.model)
    batch = PlanReader(job.shards, job.plan).batch(0, 4)
    backend = JaxBackend(job.settings, Snapshot(weights, {}), devices=1)
    config = to_hf(job.settings.model, 1, 2, 3)
    expected = []
    for x, y in zip(batch.x_BxT.tolist(), batch.y_BxT.tolist(), strict=True):
        logits = reference_logits(weights, config, x)
        logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        expected.append([-logs[at, token] for at, token in enumerate(y)])
    np.testing.assert_allclose(backend.losses(batch), expected, atol=1e-4)
    told = backend.result(backend.step(batch, 0.0))
    assert told.loss == pytest.approx(np.mean(expected), rel=1e-5)


def test_a_step_that_is_not_finite_changes_nothing(make_job: Callable[..., TrainJob]) -> None:
    job = make_job()
    weights = random_weights(job.settings.model)
    weights["model.norm.weight"] = weights["model.norm.weight"] * np.float32(np.inf)
    backend = JaxBackend(job.settings, Snapshot(weights, {}), devices=1)
    before = backend.snapshot()
    told = backend.result(backend.step(PlanReader(job.shards, job.plan).batch(0, 4), 0.01))
    assert not told.applied
    after = backend.snapshot()
    assert all(np.array_equal(after.weights[name], value) for name, value in before.weights.items())
    assert all(np.array_equal(after.optimizer[name], value) for name, value in before.optimizer.items())


@pytest.mark.slow
def test_an_export_is_the_model(make_job: Callable[..., TrainJob], tmp_path: Path) -> None:
    """Weights and config.json by themselves give the logits that the run's own model gives."""
    from safetensors.numpy import load_file

    from trainer.export import FILES, export_hf
    from trainer.generate.generator import load_generator

    job = make_job(steps=2)
    train(job)
    output = tmp_path / "hf"
    export_hf(Path(job.output), output)
    assert sorted(path.name for path in output.iterdir()) == sorted(FILES)
    config = json.loads((output / "config.json").read_text())
    generator = load_generator(job.output)
    tokens = [generator.bos, *generator.text.encode("the pan washes")]
    expected = reference_logits(load_file(output / "model.safetensors"), config, tokens)[-1]
    np.testing.assert_allclose(generator.decoder.begin([tokens])[0], expected, atol=1e-5)
    card = (output / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: transformers\n") and "| Steps of training | 2 |" in card
    assert f"| Vocabulary | {config['vocab_size']} |" in card and str(tmp_path) not in card
    names = json.loads((output / "tokenizer_config.json").read_text())
    # A base ends a text by the next one's beginning.
    assert (names["bos_token"], names["eos_token"], names["pad_token"]) == ("<s>", "<s>", "<pad>")


@pytest.mark.slow
def test_transformers_loads_an_export(make_job: Callable[..., TrainJob], tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from trainer.export import export_hf
    from trainer.generate.generator import load_generator
    from trainer.generate.sampling import Sampling

    job = make_job(steps=2)
    train(job)
    export_hf(Path(job.output), tmp_path / "hf")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "hf").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "hf")
    generator = load_generator(job.output)
    prompt = "the pan washes"
    tokens = [generator.bos, *generator.text.encode(prompt)]
    assert tokenizer.encode(prompt, add_special_tokens=False) == tokens[1:]
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0, -1].numpy()
    np.testing.assert_allclose(generator.decoder.begin([tokens])[0], logits, atol=1e-5)
    theirs = model.generate(torch.tensor([tokens]), max_new_tokens=12, do_sample=False)[0, len(tokens) :].tolist()
    ours = "".join(generator.stream(prompt, Sampling(12, temperature=0)))
    assert ours == tokenizer.decode(theirs, skip_special_tokens=True)


@pytest.mark.slow
def test_a_device_without_cudnns_attention_takes_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU, done here, where cuDNN is not: it is tried, left out, and told; the numbers are the same."""
    import jax

    from trainer.backend.backend_jax import note_of
    from trainer.model import kernels_jax
    from trainer.settings import Schedule, TrainSettings

    draw = np.random.default_rng(1)
    q, k, v = (jnp.asarray(draw.normal(size=(2, 9, heads, 8)), jnp.bfloat16) for heads in (4, 2, 2))
    expected = jax.jit(in_blocks)(q, k, v, None)
    settings = TrainSettings(CONFIG, Schedule("wsd", 0.1, 5, 0), 4, dtype="bfloat16")
    assert note_of(settings) == ""
    monkeypatch.setattr("jax.default_backend", lambda: "gpu")
    assert kernels_jax.implementation(q, k, False) is None
    assert kernels_jax.implementation(q.astype(jnp.float32), k, False) is None
    found = jax.jit(kernels_jax.causal_attention)(q, k, v, None)
    np.testing.assert_allclose(found.astype(jnp.float32), expected.astype(jnp.float32), atol=0.03)
    assert "does not take 160 positions of 4 heads 8 wide" in note_of(settings)
    monkeypatch.setattr(kernels_jax, "cudnn_takes", lambda *shape: shape == (9, 4, 2, 8, False))
    assert kernels_jax.implementation(q, k, False) == "cudnn" and kernels_jax.implementation(q, k, True) is None


@pytest.mark.slow
def test_many_texts_are_what_transformers_writes_greedily() -> None:
    """In both frameworks, of texts of several lengths at once, each up to its first stop."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    weights, tokens, stop = random_weights(CONFIG), some_tokens(150), 1
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**to_hf(CONFIG, 0, stop, 2))).eval()
    model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()}, strict=False)
    prompts = [tokens[:100], tokens[3:5], tokens[40:80], tokens[7:8], tokens[9:14], tokens[60:93]]
    theirs: list[list[int]] = []
    for prompt in prompts:
        given = torch.tensor([prompt])
        whole = model.generate(given, attention_mask=torch.ones_like(given), max_new_tokens=24, do_sample=False)
        theirs.append(whole[0, len(prompt) :].tolist())
    assert len({tuple(text) for text in theirs}) == len(prompts)
    for decoder in decoders(weights, CONFIG):
        for some in (prompts, prompts[1:2]):
            ours = generate_many(decoder, some, Sampling(24, temperature=0), frozenset({stop}), [0] * len(some))
            assert [text.tokens for text in ours] == [theirs[prompts.index(prompt)] for prompt in some]
