"""AdamW and Muon by optax, over a flat dict of weights; the state under names that every backend shares."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from trainer.llama_jax import Weights
from trainer.settings import ADAM_EPS, MUON_BETA, MUON_EPS, MUON_RMS, NEWTON_SCHULZ, TrainSettings, is_matrix

State = dict[str, Any]  # "adam": optax.ScaleByAdamState, "muon": optax.contrib.MuonState


class Optimizer:
    """Decay is decoupled and for matrices only, norms are left alone."""

    def __init__(self, settings: TrainSettings) -> None:
        self._settings = settings
        self._adam = optax.scale_by_adam(settings.beta1, settings.beta2, ADAM_EPS)
        self._muon = optax.contrib.scale_by_muon(
            NEWTON_SCHULZ,
            beta=MUON_BETA,
            eps=MUON_EPS,
            weight_dimension_numbers=matrices,  # pyright: ignore[reportArgumentType]
        )

    def begin(self, weights: Weights) -> State:
        adam, muon = self._split(weights)
        return {"adam": self._adam.init(adam), "muon": self._muon.init(muon)}

    def update(self, gradients: Weights, state: State, weights: Weights, rate: jax.Array) -> tuple[Weights, State]:
        """New weights and state. gradients are clipped already."""
        adam, muon = self._split(gradients)
        adam, adam_state = self._adam.update(adam, state["adam"])
        muon, muon_state = self._muon.update(muon, state["muon"]) if muon else (muon, state["muon"])
        steps: Weights = {**adam, **{name: scaled(value) for name, value in muon.items()}}  # pyright: ignore
        decay = self._settings.weight_decay
        new = {
            name: value - rate * (steps[name] + (decay * value if value.ndim == 2 else 0.0))
            for name, value in weights.items()
        }
        return new, {"adam": adam_state, "muon": muon_state}

    def _split(self, weights: Weights) -> tuple[Weights, Weights]:
        """What Adam takes and what Muon does."""
        if self._settings.optimizer != "muon":
            return weights, {}
        muon = {name: value for name, value in weights.items() if is_matrix(name, value.ndim)}
        return {name: value for name, value in weights.items() if name not in muon}, muon


def matrices(weights: Weights) -> dict[str, optax.contrib.MuonDimensionNumbers]:
    """For optax: every weight is a matrix (out, in)."""
    return {name: optax.contrib.MuonDimensionNumbers(reduction_axis=1, output_axis=0) for name in weights}


def scaled(update: jax.Array) -> jax.Array:
    """An orthogonal update of the size that AdamW's have."""
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
    named = {"adam.count": adam.count, "muon.count": muon.count}
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
        "muon": muon._replace(count=jnp.asarray(arrays["muon.count"]), mu=part("muon.mu", muon.mu)),
    }
