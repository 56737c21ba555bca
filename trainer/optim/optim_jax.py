"""AdamW by optax and Muon, over a flat dict of weights; the state under names that every backend shares."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from trainer.model.llama_jax import Weights
from trainer.settings import (
    ADAM_EPS,
    GRAM_ASPECT,
    ITERATIONS,
    MUON_BETA,
    MUON_EPS,
    MUON_RMS,
    NEWTON_SCHULZ,
    TrainSettings,
    is_matrix,
)


class Muon(NamedTuple):
    """Muon's state.

    updates: how many were made
    mu: momentum of each matrix
    """

    updates: jax.Array
    mu: Weights


State = dict[str, Any]  # "adam": optax.ScaleByAdamState, "muon": Muon


class Optimizer:
    """Weight decay is decoupled and for matrices only; norms have none."""

    def __init__(self, settings: TrainSettings) -> None:
        self._settings = settings
        self._adam = optax.scale_by_adam(settings.beta1, settings.beta2, ADAM_EPS)

    def init(self, weights: Weights) -> State:
        adam, muon = self._split(weights)
        return {
            "adam": self._adam.init(adam),
            "muon": Muon(jnp.zeros((), jnp.int32), jax.tree.map(jnp.zeros_like, muon)),
        }

    def update(self, gradients: Weights, state: State, weights: Weights, rate: jax.Array) -> tuple[Weights, State]:
        """New weights and state. gradients are clipped already."""
        adam, muon = self._split(gradients)
        adam, adam_state = self._adam.update(adam, state["adam"])
        dtype = jnp.dtype(self._settings.dtype)
        muon, muon_state = muon_update(muon, state["muon"], dtype) if muon else (muon, state["muon"])
        steps: Weights = {**adam, **{name: scaled(value) for name, value in muon.items()}}  # pyright: ignore
        decay = self._settings.weight_decay
        new = {
            name: value - rate * (steps[name] + (decay * value if value.ndim == 2 else 0.0))
            for name, value in weights.items()
        }
        return new, {"adam": adam_state, "muon": muon_state}

    def _split(self, weights: Weights) -> tuple[Weights, Weights]:
        """Weights that Adam updates, and those that Muon does."""
        if self._settings.optimizer != "muon":
            return weights, {}
        muon = {name: value for name, value in weights.items() if is_matrix(name, value.ndim)}
        return {name: value for name, value in weights.items() if name not in muon}, muon


def muon_update(gradients: Weights, state: Muon, dtype: Any = jnp.float32) -> tuple[Weights, Muon]:
    """Orthogonal updates and the new state.

    As optax.contrib.scale_by_muon, which takes CPUs twice as long because it maps over batches of one matrix.

    dtype: of the iterations on devices that are no CPUs
    """
    count = state.updates + 1
    ahead, here = (1 - MUON_BETA**steps for steps in (count + 1, count))
    mu = {name: (1 - MUON_BETA) * value + MUON_BETA * state.mu[name] for name, value in gradients.items()}
    hats = {
        name: MUON_BETA * (mu[name] / ahead) + (1 - MUON_BETA) * (value / here) for name, value in gradients.items()
    }
    if jax.default_backend() == "cpu":
        return {name: orthogonal(value) for name, value in hats.items()}, Muon(count, mu)
    return orthogonal_in_stacks(hats, dtype), Muon(count, mu)


def orthogonal_in_stacks(matrices: Weights, dtype: Any) -> Weights:
    """`orthogonal` of each, those of equal shape, turned or not, as one product: GPUs are slow in many small ones.

    dtype: of the iterations, which bear bfloat16 (Jordan 2024)
    """
    by_shape: dict[tuple[int, ...], list[str]] = {}
    for name, value in matrices.items():
        by_shape.setdefault(tuple(sorted(value.shape)), []).append(name)
    updates: Weights = {}
    for names in by_shape.values():
        stack = jnp.stack([value if is_wide(value := matrices[name]) else value.T for name in names])
        turned = jax.vmap(lambda x: newton_schulz(normed(x).astype(dtype)))(stack).astype(stack.dtype)
        updates |= {name: x if is_wide(matrices[name]) else x.T for name, x in zip(names, turned, strict=True)}
    return {name: updates[name] for name in matrices}


def is_wide(matrix: jax.Array) -> bool:
    return matrix.shape[0] <= matrix.shape[1]


def orthogonal(matrix: jax.Array) -> jax.Array:
    """About U Vᵀ of the matrix's singular value decomposition, by the Newton–Schulz iteration.

    Source: Jordan 2024, https://kellerjordan.github.io/posts/muon/
    """
    x = normed(matrix if is_wide(matrix) else matrix.T)
    if jax.default_backend() == "cpu" and x.shape[1] > GRAM_ASPECT * x.shape[0]:
        x = gram_factor(x @ x.T) @ x
    else:
        x = newton_schulz(x)
    return x if is_wide(matrix) else x.T


def normed(matrix: jax.Array) -> jax.Array:
    return matrix / (jnp.linalg.norm(matrix) + MUON_EPS)


def newton_schulz(x: jax.Array) -> jax.Array:
    """x: (rows, columns), rows ≤ columns, of norm 1"""
    a, b, c = NEWTON_SCHULZ
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * (square @ square)) @ x
    return x


def gram_factor(square: jax.Array) -> jax.Array:
    """What all iterations together multiply x by, computed from x xᵀ alone, which is smaller than x.

    Every iteration multiplies x by a polynomial of x xᵀ. Full float32 only, as its products reach into the hundreds.
    """
    a, b, c = NEWTON_SCHULZ
    ones = jnp.eye(len(square))
    whole = ones
    for iteration in range(ITERATIONS):
        factor = a * ones + b * square + c * (square @ square)
        whole = factor @ whole if iteration else factor
        if iteration + 1 < ITERATIONS:
            square = factor @ square @ factor
    return whole


def scaled(update: jax.Array) -> jax.Array:
    """An orthogonal update, scaled to the size of AdamW's."""
    return update * (MUON_RMS * math.sqrt(max(update.shape)))


def clip(gradients: Weights, norm: jax.Array, most: float) -> Weights:
    """Gradients whose norm is at most `most`; 0 for no limit."""
    if not most:
        return gradients
    factor = jnp.minimum(1.0, most / (norm + 1e-6))  # torch's clip_grad_norm_ adds the same
    return {name: value * factor for name, value in gradients.items()}


def state_arrays(state: State) -> dict[str, jax.Array]:
    """The state under shared names."""
    adam, muon = state["adam"], state["muon"]
    named = {"adam.count": adam.count, "muon.count": muon.updates}
    for prefix, part in (("adam.mu", adam.mu), ("adam.nu", adam.nu), ("muon.mu", muon.mu)):
        named |= {f"{prefix}.{name}": value for name, value in part.items()}
    return named


def state_of(arrays: dict[str, np.ndarray], fresh: State) -> State:
    """The state from shared names, in the structure of a fresh one."""

    def part(prefix: str, like: Weights) -> Weights:
        return {name: jnp.asarray(arrays[f"{prefix}.{name}"]) for name in like}

    adam, muon = fresh["adam"], fresh["muon"]
    return {
        "adam": adam._replace(
            count=jnp.asarray(arrays["adam.count"]), mu=part("adam.mu", adam.mu), nu=part("adam.nu", adam.nu)
        ),
        "muon": Muon(jnp.asarray(arrays["muon.count"]), part("muon.mu", muon.mu)),
    }
