"""Training in PyTorch: compiled layers; rows are split and weights sharded where several processes train."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from schemas.faults import BadInput, BrokenRun
from trainer.backend.distributed_torch import local_part, orthogonal_together, own_rows, shard, whole
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
from trainer.model.decode_torch import TorchDecoder
from trainer.model.llama_torch import Llama
from trainer.optim.optim_torch import Optimizer, Tensors, orthogonal
from trainer.settings import TrainSettings


class TorchBackend:
    """`Backend` with one device a process.

    devices: None, or as many as there are processes
    group: processes that train together
    compiled: whether torch.compile is used, where there is a compiler for it
    """

    name, note = "torch", ""

    def __init__(
        self,
        settings: TrainSettings,
        snapshot: Snapshot,
        devices: int | None = None,
        group: Group | None = None,
        compiled: bool = True,
    ) -> None:
        self._settings, self._group = settings, group or SingleProcess()
        self.devices = self._group.world
        self._device = choose_device(settings, devices, self._group)
        gpu = self._device.type == "cuda"
        self.device_kind = torch.cuda.get_device_name(self._device) if gpu else "cpu"
        self._pieces = logits_pieces(settings, self.devices) if gpu else 1
        torch.set_float32_matmul_precision("high")  # TF32 where there is such a thing, as JAX does
        if compiled and not can_compile(self._device):
            compiled, self.note = False, "note: no C++ compiler is found, so PyTorch trains uncompiled, and slower"
        compiler = torch_compile if compiled else unchanged
        self._model = self._make_model(snapshot, compiler)
        self._parameters = {name: self._model.get_parameter(name) for name in shapes(settings.model)}
        self._optimizer = self._make_optimizer(snapshot, compiler)

    def _make_model(self, snapshot: Snapshot, compiler: Callable[..., Any]) -> Llama:
        settings = self._settings
        with torch.device("meta"):
            model = Llama(settings.model, getattr(torch, settings.dtype), settings.remat)
        model.pieces = self._pieces
        model.layer, model.loss = compiler(model.layer), compiler(model.loss)
        if self.devices > 1:
            shard(model, self._device)
        model.to_empty(device=self._device)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                held = local_part(parameter)
                held.copy_(part_of(snapshot.weights[name], parameter))
        return model

    def _make_optimizer(self, snapshot: Snapshot, compiler: Callable[..., Any]) -> Optimizer:
        weights = {name: local_part(parameter) for name, parameter in self._parameters.items()}
        optimizer = Optimizer(self._settings, weights, shapes(self._settings.model), self._orthogonal, compiler)
        for key, value in optimizer.state.items() if snapshot.optimizer else ():
            name = key.removeprefix("adam.").removeprefix("muon.").partition(".")[2]
            like = self._parameters.get(name)
            given = snapshot.optimizer[key]
            value.copy_(torch.as_tensor(given) if like is None else part_of(given, like))
        return optimizer

    def _orthogonal(self, matrices: Tensors) -> Tensors:
        dtype = getattr(torch, self._settings.dtype)
        if self.devices == 1:
            return orthogonal(matrices, dtype)
        return orthogonal_together(matrices, self._parameters, self._group, dtype)

    def step(self, batch: Batch, rate: float) -> Any:
        try:
            return self._step(batch, rate)
        except torch.OutOfMemoryError as error:
            raise out_of_memory(self._settings, self.devices, self._pieces) from error
        except Exception as error:
            if not is_of_compiler(error):
                raise
            first = str(error).strip().partition("\n")[0]
            raise BrokenRun(f"torch.compile failed ({first}); --no-compile trains without it, and slower") from error

    def _step(self, batch: Batch, rate: float) -> Any:
        row_sums = []
        for x, y, mask, segments in self._parts(batch, self._settings.accumulate):
            sums = (self._model(x, y, segments) * mask).sum(-1)
            sums.sum().backward()
            row_sums.append(sums.detach())
        gradients = {name: local_part(parameter.grad) for name, parameter in self._parameters.items()}
        if self._settings.only_row is not None:
            self._keep_row(gradients, self._settings.only_row)
        row_sums, learned_rows = torch.cat(row_sums), self._on_device((batch.mask_BxT != 0).sum(-1)).float()
        squares = torch.stack([value.float().square().sum() for value in gradients.values()]).sum()
        totals = self._summed(torch.stack([row_sums.sum(), learned_rows.sum(), squares]))
        learned = totals[1].clamp(min=1)
        loss, norm = totals[0] / learned, totals[2].sqrt() / learned
        sound = loss.isfinite() & norm.isfinite()
        factor = clipping(norm, self._settings.clip) / learned
        self._optimizer.update(gradients, factor, sound, self._on_device(np.float32(rate)))
        self._model.zero_grad(set_to_none=True)
        return loss, norm, self._interleaved(row_sums / learned_rows.clamp(min=1)), sound

    def _keep_row(self, gradients: Tensors, row: int) -> None:
        """Set gradients to zero but for one row of the output table, where this process holds it."""
        table = self._settings.output_table
        held = range(*own_rows(self._parameters[table]).indices(self._settings.model.vocab_size))
        for name, value in gradients.items():
            kept = value[row - held.start].clone() if name == table and row in held else None
            value.zero_()
            if kept is not None:
                value[row - held.start] = kept

    def result(self, pending: Any) -> StepResult:
        loss, norm, row_losses, applied = pending
        return StepResult(float(loss), float(norm), row_losses.cpu().numpy(), bool(applied))

    @torch.no_grad()
    def losses(self, batch: Batch) -> np.ndarray:
        """Each process computes its share of the rows, as many as the others."""
        try:
            own = Batch(*(array[self._group.rank :: self.devices] for array in batch.arrays()))
            ((x, y, _, segments),) = self._parts(own, 1)
            return self._interleaved(self._model(x, y, segments)).cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise out_of_memory(self._settings, self.devices, self._pieces) from error

    def snapshot(self) -> Snapshot:
        """Copies; of several processes the first has all and the others nothing."""
        weights = {name: self._whole(local_part(value), value) for name, value in self._parameters.items()}
        state = {}
        for key, value in self._optimizer.state.items():
            like = self._parameters.get(key.split(".", 2)[-1])
            state[key] = value.cpu().numpy().copy() if like is None else self._whole(value, like)
        return Snapshot(weights, state) if self._group.rank == 0 else Snapshot({}, {})

    def decoder(self) -> TorchDecoder:
        held = {name: whole(local_part(value), value, self._group) for name, value in self._parameters.items()}
        return TorchDecoder(held, self._settings.model)

    def _whole(self, local: Tensor, like: Tensor) -> np.ndarray:
        gathered = whole(local, like, self._group)
        return gathered.detach().cpu().numpy().copy() if self._group.rank == 0 else np.empty(0, np.float32)

    def _parts(self, batch: Batch, parts: int) -> list[tuple[Tensor, Tensor, Tensor, Tensor | None]]:
        """x, y, mask and segment ids (None where documents are not kept apart) of a batch in `parts` parts."""
        chunks = [self._on_device(array).chunk(parts) for array in batch.arrays()[:4]]
        separate = self._settings.separate_documents
        return [
            (x.long(), y.long(), mask, segments if separate else None)
            for x, y, mask, segments in zip(*chunks, strict=True)
        ]

    def _on_device(self, array: Any) -> Tensor:
        tensor = torch.as_tensor(array)
        if self._device.type != "cuda":
            return tensor
        return tensor.pin_memory().to(self._device, non_blocking=True)

    def _summed(self, values: Tensor) -> Tensor:
        if self.devices > 1:
            dist.all_reduce(values)
        return values

    def _interleaved(self, rows: Tensor) -> Tensor:
        """Rows of all processes in the batch's order: process r has every world-th row from the r-th on."""
        if self.devices == 1:
            return rows
        by_process = [torch.empty_like(rows) for _ in range(self.devices)]
        dist.all_gather(by_process, rows.contiguous())
        return torch.stack(by_process, dim=1).flatten(0, 1)


def choose_device(settings: TrainSettings, wanted: int | None, group: Group) -> torch.device:
    """The device of this process.

    Raises BadInput if other than one a process are wanted, or the processes can't split a batch evenly.
    """
    if wanted not in (None, group.world):
        raise BadInput(
            f"{wanted} devices are asked for, and PyTorch has one in each process ({group.world} now): start them by "
            f"`torchrun --nproc-per-node {wanted} -m pipelines train …`"
        )
    check_shared_rows(settings, group.world)
    return torch.device("cuda", group.local_rank) if torch.cuda.is_available() else torch.device("cpu")


def part_of(array: np.ndarray, like: Tensor) -> Tensor:
    """The rows of a whole array that this process holds."""
    return torch.as_tensor(array)[own_rows(like)]


def clipping(norm: Tensor, most: float) -> Tensor:
    """The factor that cuts a gradient's norm to `most`; 0 for no limit."""
    return (most / (norm + 1e-6)).clamp(max=1.0) if most else torch.ones_like(norm)


def torch_compile(function: Callable[..., Any]) -> Callable[..., Any]:
    return torch.compile(function, dynamic=False)


def is_of_compiler(error: Exception) -> bool:
    """Whether torch.compile failed. What is not compiled never imports its package, which takes a second."""
    package = sys.modules.get("torch._dynamo.exc")
    return package is not None and isinstance(error, package.TorchDynamoException)


def unchanged(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def can_compile(device: torch.device) -> bool:
    """Whether torch.compile finds the C++ compiler that it needs on CPUs."""
    return device.type != "cpu" or shutil.which(os.environ.get("CXX", "g++")) is not None
