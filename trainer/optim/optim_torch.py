"""AdamW and Muon in PyTorch, step for step what `trainer.optim.optim_jax` does; the state under the same names.

Not torch.optim's: an update that is not finite must leave everything as it was without waiting for the device, the
state must be the other backend's, and Muon's matrices of equal shape are one product on a GPU.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable

import torch
from torch import Tensor

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

Tensors = dict[str, Tensor]


class Optimizer:
    """Weight decay is decoupled and for matrices only; norms have none.

    weights: updated in place; in each process what it holds
    shapes: of the whole weights
    orthogonal: makes updates of the momenta of matrices
    compiled: compiles a function, or returns it unchanged
    """

    def __init__(
        self,
        settings: TrainSettings,
        weights: Tensors,
        shapes: dict[str, tuple[int, ...]],
        orthogonal: Callable[[Tensors], Tensors],
        compiled: Callable[[Callable[..., None]], Callable[..., None]],
    ) -> None:
        self._settings, self._weights, self._shapes = settings, weights, shapes
        by_muon = settings.optimizer == "muon"
        self._muon = [name for name in weights if by_muon and is_matrix(name, len(shapes[name]))]
        self._adam = [name for name in weights if name not in self._muon]
        first = next(iter(weights.values()))
        self.state = {
            "adam.count": torch.zeros((), dtype=torch.int32, device=first.device),
            "muon.count": torch.zeros((), dtype=torch.int32, device=first.device),
        }
        for prefix, names in (("adam.mu", self._adam), ("adam.nu", self._adam), ("muon.mu", self._muon)):
            self.state |= {f"{prefix}.{name}": torch.zeros_like(weights[name]) for name in names}
        self._orthogonal = orthogonal
        self._adam_step, self._momenta, self._muon_step = map(compiled, (adam_step, momenta, muon_step))

    @torch.no_grad()
    def update(self, gradients: Tensors, factor: Tensor, sound: Tensor, rate: Tensor) -> None:
        """Update weights and state in place.

        gradients: of the summed loss
        factor: by which they become the mean's, clipped
        sound: whether loss and gradient are finite, bool of shape (); if not, nothing changes
        rate: learning rate, shape ()
        """
        settings, state = self._settings, self.state
        counts = {
            "adam.count": state["adam.count"] + sound,
            "muon.count": state["muon.count"] + sound * bool(self._muon),
        }
        if self._adam:
            given = [self._given(name, "adam.mu", "adam.nu", gradients=gradients) for name in self._adam]
            self._adam_step(given, counts["adam.count"], factor, sound, rate, settings.beta1, settings.beta2)
        if self._muon:
            hats = {name: torch.empty_like(self._weights[name]) for name in self._muon}
            given = [(hats[name], gradients[name], state[f"muon.mu.{name}"]) for name in self._muon]
            self._momenta(given, counts["muon.count"], factor, sound)
            steps = self._orthogonal(hats)
            sizes = {name: MUON_RMS * math.sqrt(max(self._shapes[name])) for name in self._muon}
            pairs = [(self._weights[name], steps[name], sizes[name]) for name in self._muon]
            self._muon_step(pairs, sound, rate, settings.weight_decay)
        for key, count in counts.items():
            state[key].copy_(count)

    def _given(self, name: str, *prefixes: str, gradients: Tensors) -> tuple[Tensor | float, ...]:
        decay = self._settings.weight_decay if len(self._shapes[name]) == 2 else 0.0
        return self._weights[name], gradients[name], *(self.state[f"{p}.{name}"] for p in prefixes), decay


def adam_step(
    given: list[tuple[Tensor, Tensor, Tensor, Tensor, float]],
    count: Tensor,
    factor: Tensor,
    sound: Tensor,
    rate: Tensor,
    beta1: float,
    beta2: float,
) -> None:
    """One AdamW update in place.

    given: weight, gradient, first moment, second moment and weight decay of each
    count: updates up to this one, shape ()
    """
    steps = count.float()
    first, second = 1 - beta1**steps, 1 - beta2**steps
    for weight, gradient, mu, nu, decay in given:
        scaled = gradient * factor
        new_mu = (1 - beta1) * scaled + beta1 * mu
        new_nu = (1 - beta2) * (scaled * scaled) + beta2 * nu
        step = (new_mu / first) / ((new_nu / second).sqrt() + ADAM_EPS)
        weight.copy_(torch.where(sound, weight - rate * (step + decay * weight), weight))
        mu.copy_(torch.where(sound, new_mu, mu))
        nu.copy_(torch.where(sound, new_nu, nu))


def momenta(given: list[tuple[Tensor, Tensor, Tensor]], count: Tensor, factor: Tensor, sound: Tensor) -> None:
    """Nesterov momentum, bias-corrected, as Muon's input.

    given: where the result goes, gradient and momentum of each
    """
    steps = count.float()
    ahead, here = 1 - MUON_BETA ** (steps + 1), 1 - MUON_BETA**steps
    for hat, gradient, mu in given:
        scaled = gradient * factor
        new_mu = (1 - MUON_BETA) * scaled + MUON_BETA * mu
        hat.copy_(MUON_BETA * (new_mu / ahead) + (1 - MUON_BETA) * (scaled / here))
        mu.copy_(torch.where(sound, new_mu, mu))


def muon_step(pairs: list[tuple[Tensor, Tensor, float]], sound: Tensor, rate: Tensor, decay: float) -> None:
    """One Muon update in place.

    pairs: weight, orthogonal update and the size to scale it to, of each
    """
    for weight, step, size in pairs:
        weight.copy_(torch.where(sound, weight - rate * (size * step + decay * weight), weight))


def orthogonal(matrices: Tensors, dtype: torch.dtype = torch.float32) -> Tensors:
    """About U Vᵀ of each matrix's singular value decomposition, by the Newton–Schulz iteration.

    GPUs take those of equal shape together; CPUs are faster one by one.
    Source: Jordan 2024, https://kellerjordan.github.io/posts/muon/

    dtype: as of `newton_schulz`
    """
    first = next(iter(matrices.values()))
    by_shape: dict[object, list[str]] = defaultdict(list)
    for name, value in matrices.items():
        by_shape[name if first.device.type == "cpu" else tuple(sorted(value.shape))].append(name)
    updates = {}
    for names in by_shape.values():
        wides = [matrices[name] if wide(matrices[name]) else matrices[name].mT for name in names]
        results = newton_schulz(torch.stack(wides), dtype) if len(wides) > 1 else [newton_schulz(wides[0], dtype)]
        for name, update in zip(names, results, strict=True):
            updates[name] = update if wide(matrices[name]) else update.mT
    return updates


def wide(matrix: Tensor) -> bool:
    return matrix.shape[0] <= matrix.shape[1]


def newton_schulz(x: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """x: (rows, columns), rows ≤ columns, or several of them along a first axis

    dtype: of the iterations on devices that are no CPUs, which bear bfloat16 (Jordan 2024)
    """
    x = x / (torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True) + MUON_EPS)
    if x.device.type == "cpu" and x.ndim == 2 and x.shape[-1] > GRAM_ASPECT * x.shape[-2]:
        return gram_factor(x @ x.mT) @ x
    given = x.dtype
    x = iterated(x if x.device.type == "cpu" else x.to(dtype))
    return x.to(given)


def iterated(x: Tensor) -> Tensor:
    """All iterations of Newton and Schulz, in x's dtype."""
    a, b, c = NEWTON_SCHULZ
    add = torch.addmm if x.ndim == 2 else torch.baddbmm
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = add(x, add(square, square, square, beta=b, alpha=c), x, beta=a)
    return x


def gram_factor(square: Tensor) -> Tensor:
    """What all iterations together multiply x by, computed from x xᵀ alone, which is smaller than x.

    Every iteration multiplies x by a polynomial of x xᵀ. Full float32 only, as its products reach into the hundreds.
    """
    a, b, c = NEWTON_SCHULZ
    whole = square
    for iteration in range(ITERATIONS):
        factor = torch.addmm(square, square, square, beta=b, alpha=c)
        factor.diagonal().add_(a)
        whole = factor @ whole if iteration else factor
        if iteration + 1 < ITERATIONS:
            square = factor @ square @ factor
    return whole
