"""Steps of a training in JAX: one compiled function with donated buffers, on one device or a mesh of them."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from trainer.backend import Snapshot, StepResult, check_shared_rows, out_of_memory
from trainer.batches import Batch
from trainer.faults import BadRun
from trainer.generate_jax import JaxSpeaker
from trainer.group import Alone, Group
from trainer.llama_jax import Weights, logits_of, losses_of
from trainer.model_config import shapes
from trainer.optim_jax import Optimizer, State, clip, state_arrays, state_of
from trainer.settings import TrainSettings

ROWS = "rows"  # the mesh's one axis: rows of a batch are shared among devices
Parts = tuple[jax.Array, ...]  # x, y, mask, segment ids; each (accumulate, rows of a part, T)


class JaxBackend:
    """devices: how many of this process to use; default: all. Every device holds all weights. group: of processes that
    have been made ready, with all devices of each."""

    name, note = "jax", ""

    def __init__(
        self,
        settings: TrainSettings,
        snapshot: Snapshot,
        devices: int | None = None,
        group: Group | None = None,
    ) -> None:
        self._settings, self._optimizer, self._group = settings, Optimizer(settings), group or Alone()
        chosen = choose_devices(settings, devices, self._group)
        self.devices, self.device_kind = len(chosen), chosen[0].device_kind
        mesh = jax.make_mesh((len(chosen),), (ROWS,), devices=chosen, axis_types=(jax.sharding.AxisType.Auto,))
        self._everywhere = NamedSharding(mesh, PartitionSpec())
        self._shared = NamedSharding(mesh, PartitionSpec(None, ROWS))
        # In one order, whatever a file's is: sums over all weights are taken in it, and must be the same to the bit.
        weights = {name: jnp.asarray(snapshot.weights[name]) for name in shapes(settings.model)}
        state = self._optimizer.begin(weights)
        if snapshot.optimizer:
            state = state_of(snapshot.optimizer, state)
        self._weights: Weights = jax.device_put(weights, self._everywhere)
        self._state: State = jax.device_put(state, self._everywhere)
        step = partial(train_step, settings=settings, optimizer=self._optimizer)
        self._step = jax.jit(step, donate_argnums=(0, 1), out_shardings=self._everywhere)
        self._losses = jax.jit(partial(losses_in_parts, settings=settings), out_shardings=self._everywhere)

    def step(self, batch: Batch, rate: float) -> Any:
        parts = self._place(batch, self._settings.accumulate)
        try:
            self._weights, self._state, told = self._step(self._weights, self._state, parts, np.float32(rate))
        except jax.errors.JaxRuntimeError as error:
            raise explained(error, self._settings, self.devices) from error
        return told

    def result(self, pending: Any) -> StepResult:
        try:
            loss, norm, row_losses, applied = jax.device_get(pending)
        except jax.errors.JaxRuntimeError as error:
            raise explained(error, self._settings, self.devices) from error
        return StepResult(float(loss), float(norm), self._interleaved(row_losses), bool(applied))

    def losses(self, batch: Batch) -> np.ndarray:
        """Of rows that all processes have; each computes its share of them, as many as the others."""
        own = Batch(*(array[self._group.rank :: self._group.world] for array in batch.arrays()))
        return self._interleaved(np.asarray(self._losses(self._weights, self._place(own, 1))))

    def snapshot(self) -> Snapshot:
        """Copies: the next step takes the buffers themselves."""
        weights, state = jax.device_get((self._weights, state_arrays(self._state)))
        return Snapshot(copied(weights), copied(state))

    def speaker(self) -> JaxSpeaker:
        return JaxSpeaker(
            {name: value.addressable_data(0) for name, value in self._weights.items()}, self._settings.model
        )

    def _place(self, batch: Batch, parts: int) -> Parts:
        """The batch in `parts` parts, each shared by the devices as evenly as they can share it."""
        split = tuple(array.reshape(parts, -1, array.shape[1]) for array in batch.arrays()[:4])
        even = split[0].shape[1] * self._group.world % self.devices == 0
        if self._group.world == 1:
            return jax.device_put(split, self._shared if even else self._everywhere)
        return tuple(jax.make_array_from_process_local_data(self._shared, array) for array in split)

    def _interleaved(self, rows: np.ndarray) -> np.ndarray:
        """(parts, rows of a part, …), process after process in each part, to the batch's order: process r has every
        world-th row from the r-th on."""
        by_process = rows.reshape(len(rows), self._group.world, -1, *rows.shape[2:])
        return by_process.swapaxes(1, 2).reshape(-1, *rows.shape[2:])


def choose_devices(settings: TrainSettings, wanted: int | None, group: Group) -> list[Any]:
    """Raises BadRun if there are not so many, or they can't share a batch evenly."""
    if group.world > 1 and wanted is not None:
        raise BadRun(f"{wanted} devices are asked for; {group.world} processes use all that they have, leave it out")
    found = jax.devices()
    if wanted is not None and not 1 <= wanted <= len(found):
        raise BadRun(f"{wanted} devices are asked for and there are {len(found)} ({found[0].device_kind})")
    check_shared_rows(settings, len(found[:wanted]))
    return found[:wanted]


def train_step(
    weights: Weights, state: State, parts: Parts, rate: jax.Array, settings: TrainSettings, optimizer: Optimizer
) -> tuple[Weights, State, Any]:
    """New weights, new state, and (loss, gradient's norm, losses of rows, whether it was applied)."""
    learned = jnp.maximum(jnp.sum(parts[2]), 1).astype(jnp.float32)
    gradients, row_sums = gradients_of(weights, parts, settings)
    gradients = {name: value / learned for name, value in gradients.items()}
    loss = jnp.sum(row_sums) / learned
    norm = jnp.sqrt(sum(jnp.sum(value * value) for value in gradients.values()))
    new_weights, new_state = optimizer.update(clip(gradients, norm, settings.clip), state, weights, rate)
    sound = jnp.isfinite(loss) & jnp.isfinite(norm)
    weights, state = jax.tree.map(partial(jnp.where, sound), (new_weights, new_state), (weights, state))
    row_losses = row_sums / jnp.maximum(jnp.sum(parts[2], axis=-1), 1)
    return weights, state, (loss, norm, row_losses, sound)


def gradients_of(weights: Weights, parts: Parts, settings: TrainSettings) -> tuple[Weights, jax.Array]:
    """Gradients of the summed loss over all parts, and the sum of each row, (accumulate, rows of a part)."""
    slope = jax.grad(partial(summed_loss, settings=settings), has_aux=True)
    if settings.accumulate == 1:
        gradients, row_sums = slope(weights, tuple(array[0] for array in parts))
        return gradients, row_sums[None]

    def add(total: Weights, part: Parts) -> tuple[Weights, jax.Array]:
        gradients, row_sums = slope(weights, part)
        return jax.tree.map(jnp.add, total, gradients), row_sums

    return jax.lax.scan(add, jax.tree.map(jnp.zeros_like, weights), parts)


def summed_loss(weights: Weights, part: Parts, settings: TrainSettings) -> tuple[jax.Array, jax.Array]:
    """Sum over learned tokens, and over those of each row, shape (rows,)."""
    row_sums = jnp.sum(masked_losses(weights, part, settings) * part[2], axis=-1)
    return jnp.sum(row_sums), row_sums


def masked_losses(weights: Weights, part: Parts, settings: TrainSettings) -> jax.Array:
    x_BxT, y_BxT, _, segment_ids_BxT = part
    segments = segment_ids_BxT if settings.separate_documents else None
    logits = logits_of(weights, settings.model, x_BxT, segments, jnp.dtype(settings.dtype), settings.remat)
    return losses_of(logits, y_BxT)


def losses_in_parts(weights: Weights, parts: Parts, settings: TrainSettings) -> jax.Array:
    return jax.lax.map(lambda part: masked_losses(weights, part, settings), parts)


def copied(arrays: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in arrays.items()}


def explained(error: Exception, settings: TrainSettings, devices: int) -> Exception:
    """An out-of-memory fault with its numbers and the knobs to turn; any other as it is."""
    if "RESOURCE_EXHAUSTED" not in str(error) and "out of memory" not in str(error).lower():
        return error
    return out_of_memory(settings, devices)
