"""Training in JAX: one compiled step with donated buffers, on one device, a mesh of them, or several processes."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache, lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import NamedSharding, PartitionSpec

from schemas.faults import BadInput
from trainer.backend.protocol import (
    Group,
    SingleProcess,
    Snapshot,
    StepResult,
    check_shared_rows,
    logits_pieces,
    out_of_memory,
)
from trainer.data.batches import Batch
from trainer.model.config import shapes
from trainer.model.decode_jax import JaxDecoder
from trainer.model.kernels_jax import cudnn_takes
from trainer.model.llama_jax import Weights, losses_at_end, stream_of
from trainer.optim.optim_jax import Optimizer, State, clip, state_arrays, state_of
from trainer.settings import Schedule, TrainSettings

ROWS = "rows"  # the mesh's one axis: rows of a batch are split among devices
Parts = tuple[jax.Array, ...]  # x, y, mask, segment ids; each (accumulate, rows of a part, T)


class JaxBackend:
    """`Backend` in which every device holds all weights and computes its share of a batch's rows.

    devices: how many of this process to use; None for all
    group: processes that train together, with all devices of each
    """

    name = "jax"

    def __init__(
        self,
        settings: TrainSettings,
        snapshot: Snapshot,
        devices: int | None = None,
        group: Group | None = None,
    ) -> None:
        self._settings, self._group = settings, group or SingleProcess()
        chosen = choose_devices(settings, devices, self._group)
        self.devices, self.device_kind = len(chosen), chosen[0].device_kind
        self.note = note_of(settings)
        mesh = jax.make_mesh((len(chosen),), (ROWS,), devices=chosen, axis_types=(jax.sharding.AxisType.Auto,))
        self._replicated = NamedSharding(mesh, PartitionSpec())
        self._split = NamedSharding(mesh, PartitionSpec(None, ROWS))
        # In one order, whatever a file's is: sums over all weights are taken in it, and must be the same to the bit.
        weights = {name: jnp.asarray(snapshot.weights[name]) for name in shapes(settings.model)}
        state = jax.eval_shape(Optimizer(settings).init, weights)
        if snapshot.optimizer:
            state = state_of(snapshot.optimizer, state)
        else:  # all of it begins at zero, for which nothing has to be compiled
            state = jax.tree.map(lambda part: np.zeros(part.shape, part.dtype), state)
        self._weights: Weights = jax.device_put(weights, self._replicated)
        self._state: State = jax.device_put(state, self._replicated)
        self._pieces = 1 if jax.default_backend() == "cpu" else logits_pieces(settings, self.devices)
        self._step, self._losses = compiled(computed_by(settings), self._replicated, self._pieces)

    def step(self, batch: Batch, rate: float) -> Any:
        try:
            parts = self._on_devices(batch, self._settings.accumulate)
            self._weights, self._state, pending = self._step(self._weights, self._state, parts, np.float32(rate))
        except jax.errors.JaxRuntimeError as error:
            raise explained(error, self._settings, self.devices, self._pieces) from error
        return pending

    def result(self, pending: Any) -> StepResult:
        try:
            loss, norm, row_losses, applied = jax.device_get(pending)
        except jax.errors.JaxRuntimeError as error:
            raise explained(error, self._settings, self.devices, self._pieces) from error
        return StepResult(float(loss), float(norm), self._interleaved(row_losses), bool(applied))

    def losses(self, batch: Batch) -> np.ndarray:
        """Each process computes its share of the rows, as many as the others."""
        try:
            own = Batch(*(array[self._group.rank :: self._group.world] for array in batch.arrays()))
            return self._interleaved(np.asarray(self._losses(self._weights, self._on_devices(own, 1))))
        except jax.errors.JaxRuntimeError as error:
            raise explained(error, self._settings, self.devices, self._pieces) from error

    def snapshot(self) -> Snapshot:
        """Copies, because the next step donates the buffers themselves."""
        weights, state = jax.device_get((self._weights, state_arrays(self._state)))
        return Snapshot(copied(weights), copied(state))

    def decoder(self) -> JaxDecoder:
        return JaxDecoder(
            {name: value.addressable_data(0) for name, value in self._weights.items()}, self._settings.model
        )

    def _on_devices(self, batch: Batch, parts: int) -> Parts:
        """The batch in `parts` parts; rows of each are split among the devices, or replicated if they don't divide."""
        arrays = tuple(array.reshape(parts, -1, array.shape[1]) for array in batch.arrays()[:4])
        even = arrays[0].shape[1] * self._group.world % self.devices == 0
        if self._group.world == 1:
            return jax.device_put(arrays, self._split if even else self._replicated)
        return tuple(jax.make_array_from_process_local_data(self._split, array) for array in arrays)

    def _interleaved(self, rows: np.ndarray) -> np.ndarray:
        """Rows of shape (parts, rows of a part, …), process after process in each part, in the batch's order.

        Process r has every world-th row from the r-th on.
        """
        by_process = rows.reshape(len(rows), self._group.world, -1, *rows.shape[2:])
        return by_process.swapaxes(1, 2).reshape(-1, *rows.shape[2:])


def choose_devices(settings: TrainSettings, wanted: int | None, group: Group) -> list[Any]:
    """Raises BadInput if there are not so many, or they can't split a batch evenly."""
    if group.world > 1 and wanted is not None:
        raise BadInput(f"{wanted} devices are asked for; {group.world} processes use all that they have, leave it out")
    present = jax.devices()
    if wanted is not None and not 1 <= wanted <= len(present):
        raise BadInput(f"{wanted} devices are asked for and there are {len(present)} ({present[0].device_kind})")
    check_shared_rows(settings, len(present[:wanted]))
    return present[:wanted]


def note_of(settings: TrainSettings) -> str:
    """Empty where attention is as fast as it can be."""
    model = settings.model
    if jax.default_backend() != "gpu" or settings.dtype != "bfloat16":
        return ""
    if cudnn_takes(model.context, model.heads, model.kv_heads, model.head_dim, settings.separate_documents):
        return ""
    return (
        f"note: cuDNN's attention does not take {model.context:,} positions of {model.heads} heads {model.head_dim} "
        "wide here, so JAX's own is computed, slower and in more memory"
    )


def computed_by(settings: TrainSettings) -> TrainSettings:
    """The settings with one value for all that a step is given, or that only decides on what it is given."""
    return replace(settings, schedule=Schedule("constant", 1.0, 1, 0), batch_size=settings.accumulate, seed=1)


@lru_cache(maxsize=8)
def compiled(settings: TrainSettings, replicated: NamedSharding, pieces: int) -> tuple[Any, Any]:
    """A step, and the losses of rows: the same functions for each training of a process that computes alike.

    Tracing them again takes a small model longer than a hundred steps.
    """
    step = partial(train_step, settings=settings, optimizer=Optimizer(settings), pieces=pieces)
    losses = partial(losses_in_parts, settings=settings, pieces=pieces)
    return (
        jax.jit(step, donate_argnums=(0, 1), out_shardings=replicated),
        jax.jit(losses, out_shardings=replicated),
    )


def train_step(
    weights: Weights,
    state: State,
    parts: Parts,
    rate: jax.Array,
    settings: TrainSettings,
    optimizer: Optimizer,
    pieces: int,
) -> tuple[Weights, State, Any]:
    """New weights, new state, and (loss, gradient's norm, losses of rows, whether the update was applied).

    pieces: as of `losses_at_end`, here and below
    """
    learned = jnp.maximum(jnp.sum(parts[2] != 0), 1).astype(jnp.float32)
    gradients, row_sums = gradients_of(weights, parts, settings, pieces)
    gradients = {name: value / learned for name, value in gradients.items()}
    if settings.only_row is not None:
        gradients = only_row(gradients, settings.output_table, settings.only_row)
    loss = jnp.sum(row_sums) / learned
    norm = jnp.sqrt(sum(jnp.sum(value * value) for value in gradients.values()))
    new_weights, new_state = optimizer.update(clip(gradients, norm, settings.clip), state, weights, rate)
    sound = jnp.isfinite(loss) & jnp.isfinite(norm)
    weights, state = jax.tree.map(partial(jnp.where, sound), (new_weights, new_state), (weights, state))
    row_losses = row_sums / jnp.maximum(jnp.sum(parts[2] != 0, axis=-1), 1)
    return weights, state, (loss, norm, row_losses, sound)


def only_row(gradients: Weights, table: str, row: int) -> Weights:
    """Zero but for one row of a table. Without weight decay a weight whose gradients are all zero never changes."""
    zeros = {name: jnp.zeros_like(value) for name, value in gradients.items()}
    return zeros | {table: zeros[table].at[row].set(gradients[table][row])}


def gradients_of(weights: Weights, parts: Parts, settings: TrainSettings, pieces: int) -> tuple[Weights, jax.Array]:
    """Gradients of the summed loss over all parts, and the sum of each row, (accumulate, rows of a part)."""
    grad_fn = jax.grad(partial(summed_loss, settings=settings, pieces=pieces), has_aux=True)
    if settings.accumulate == 1:
        gradients, row_sums = grad_fn(weights, tuple(array[0] for array in parts))
        return gradients, row_sums[None]

    def add(total: Weights, part: Parts) -> tuple[Weights, jax.Array]:
        gradients, row_sums = grad_fn(weights, part)
        return jax.tree.map(jnp.add, total, gradients), row_sums

    return jax.lax.scan(add, jax.tree.map(jnp.zeros_like, weights), parts)


def summed_loss(weights: Weights, part: Parts, settings: TrainSettings, pieces: int) -> tuple[jax.Array, jax.Array]:
    """Sum of the losses over learned tokens, and over those of each row, shape (rows,)."""
    row_sums = jnp.sum(masked_losses(weights, part, settings, pieces) * part[2], axis=-1)
    return jnp.sum(row_sums), row_sums


def masked_losses(weights: Weights, part: Parts, settings: TrainSettings, pieces: int) -> jax.Array:
    x_BxT, y_BxT, _, segment_ids_BxT = part
    segments = segment_ids_BxT if settings.separate_documents else None
    stream = stream_of(weights, settings.model, x_BxT, segments, jnp.dtype(settings.dtype), settings.remat)
    return losses_at_end(weights, settings.model, stream, y_BxT, pieces)


def losses_in_parts(weights: Weights, parts: Parts, settings: TrainSettings, pieces: int) -> jax.Array:
    return jax.lax.map(lambda part: masked_losses(weights, part, settings, pieces), parts)


def copied(arrays: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in arrays.items()}


def explained(error: Exception, settings: TrainSettings, devices: int, pieces: int) -> Exception:
    """`out_of_memory` for such a fault of a device; any other unchanged."""
    if "RESOURCE_EXHAUSTED" not in str(error) and "out of memory" not in str(error).lower():
        return error
    return out_of_memory(settings, devices, pieces)


class JaxGroup:
    """`Group` by JAX's collectives: gloo between CPUs, NCCL between GPUs.

    Its coordinator listens beside torchrun's own store: at MASTER_PORT + 1.
    """

    def __init__(self, rank: int, world: int, local_rank: int) -> None:
        self.rank, self.world, self.local_rank = rank, world, local_rank
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        port = int(os.environ.get("MASTER_PORT", "29500")) + 1
        address = f"{os.environ.get('MASTER_ADDR', '127.0.0.1')}:{port}"
        jax.distributed.initialize(address, world, rank, local_device_ids=[local_rank] if has_gpus() else None)
        self._asked: jax.Array | None = None

    def any_reduce(self, flag: bool) -> bool:
        return bool(multihost_utils.process_allgather(np.array(flag)).any())

    def any_soon(self, flag: bool) -> bool:
        """The answer of the call before. A device does its work in order, so that one is known once the step that was
        begun before it is done, while an answer to this call would wait for the step begun just now."""
        before, self._asked = self._asked, any_flag(flag)
        return before is not None and bool(np.asarray(before.addressable_data(0)))

    def broadcast(self, value: int) -> int:
        return int(multihost_utils.broadcast_one_to_all(np.array(value)))

    def close(self) -> None:
        jax.distributed.shutdown()


def any_flag(flag: bool) -> jax.Array:
    """Whether the flag is true in any process, begun and not waited for."""
    mesh, reduce = flags_of_all()
    own = np.full(jax.local_device_count(), flag)
    return reduce(jax.make_array_from_process_local_data(NamedSharding(mesh, PartitionSpec(ROWS)), own))


@cache
def flags_of_all() -> tuple[jax.sharding.Mesh, Any]:
    """All devices of all processes, and a compiled function that tells each whether a flag of any is true."""
    mesh = jax.make_mesh((jax.device_count(),), (ROWS,), axis_types=(jax.sharding.AxisType.Auto,))
    return mesh, jax.jit(jnp.any, out_shardings=NamedSharding(mesh, PartitionSpec()))


def has_gpus() -> bool:
    """By the packages installed: JAX itself can't be asked before the processes know each other."""
    from importlib.metadata import packages_distributions

    return "jax_cuda13_plugin" in packages_distributions() or "jax_cuda12_plugin" in packages_distributions()
