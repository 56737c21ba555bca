"""What a training is given besides its settings, and what identifies its data, code and packages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from schemas.faults import BadInput
from schemas.manifest import read_manifest
from schemas.manifest import versions as versions_of
from schemas.setting import setting
from schemas.shards.layout import PlanInfo, ShardsInfo, read_plan, read_shards
from schemas.storage import is_local, join, size_of
from trainer.settings import TrainSettings

EVAL_EVERY, EVALS_BETWEEN = 250, 5  # steps; evaluations between a run's ends
PACKAGES = ("bateia", "numpy", "pyarrow", "jax", "optax", "torch", "safetensors", "tokenizers")


@dataclass(frozen=True)
class Parent:
    """The run whose weights a training begins with, its optimizer's state left behind.

    run: its folder
    step: of the checkpoint
    weights_sha256: of its model.safetensors
    path: of that file
    """

    run: str
    step: int
    weights_sha256: str
    path: Path

    def weights(self) -> dict[str, np.ndarray]:
        from safetensors.numpy import load_file

        return load_file(self.path)


@dataclass(frozen=True)
class TrainJob:
    """A training. Shards, plan and settings are the same whenever the run is resumed; the rest may differ.

    output: the run's folder
    stage: train, or sft or rl, which begin with the weights of `parent`
    asked: what else a run of that stage depends on, and a resumed one must be asked for again
    ends_with: token that ends what the model writes, where it is not the BOS that ends documents in the shards
    """

    output: str
    shards: ShardsInfo
    plan: PlanInfo
    settings: TrainSettings
    backend: str = setting("jax", "jax or torch", metavar="NAME")
    save_every: int = setting(500, "steps between checkpoints", metavar="N")
    keep: int = setting(2, "checkpoints to keep", metavar="N")
    keep_every: int | None = setting(
        None, "keep those of every so many steps too, for RUN@STEP", none="no others", metavar="N"
    )
    eval_every: int | None = setting(
        None, "steps between evaluations", none="250, in short runs a sixth of the steps", metavar="N"
    )
    eval_rows: int = setting(256, "rows of each held-out slice, at most", metavar="N")
    devices: int | None = setting(None, "how many to use", none="all", metavar="N")
    compiled: bool = setting(True, "torch: whether layers are compiled; without, it starts at once and trains slower")
    overwrite: bool = setting(False, "replace what an earlier run wrote")
    quiet: bool = setting(False, "no progress line")
    stage: str = "train"
    parent: Parent | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    ends_with: int | None = None

    def __post_init__(self) -> None:
        for name in ("save_every", "keep", "keep_every", "eval_every", "eval_rows"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise BadInput(f"{name.replace('_', '-')} is a whole number above 0, not {getattr(self, name)}")

    @property
    def evaluated_every(self) -> int:
        """Steps between evaluations, so that five at least are between the first and the last, if there are steps."""
        return self.eval_every or min(EVAL_EVERY, -(-self.settings.steps // (EVALS_BETWEEN + 1)))

    @property
    def data(self) -> dict[str, Any]:
        """What a resumed run must find again. Documents that were forgotten meanwhile change none of it."""
        return {
            "layout_hash": self.shards.layout_hash,
            "plan": self.plan.name,
            "plan_hash": self.plan.dataset_hash,
            "tokenizer_sha256": self.shards.tokenizer_sha256,
            **self._later(),
        }

    def _later(self) -> dict[str, Any]:
        """Of a stage after pretraining: which, whose weights it begins with, and what else was asked for."""
        if self.parent is None:
            return {}
        told = {"run": self.parent.run, "step": self.parent.step, "weights_sha256": self.parent.weights_sha256}
        return {"stage": self.stage, "from": told, **self.asked}

    def state(self) -> dict[str, Any]:
        """The content of a checkpoint's state.json besides the step."""
        return {
            "settings": self.settings.as_dict(),
            "data": self.data,
            "dataset_hash": self.shards.dataset_hash,
            "code_hash": code_hash(),
            "versions": versions(),
            "backend": self.backend,
        }


def read_data(shards: str, plan: str) -> tuple[ShardsInfo, PlanInfo]:
    """Finished shards and their plan. Raises BadInput, naming the remedy, if they are not finished or do not fit."""
    if not is_local(shards):
        raise BadInput(f"shards {shards}: training maps them into memory; copy them to a local disk first")
    info = read_shards(shards)
    read = info, read_plan(info, plan)
    check_sizes(shards)
    return read


def check_sizes(shards: str) -> None:
    """Raises BadInput if a file has another size than the manifest says."""
    manifest = read_manifest(shards)
    for file in manifest.files if manifest else ():
        size = size_of(join(shards, file.path))
        if size != file.bytes:
            fault = "is missing" if size is None else f"has {size:,} bytes and should have {file.bytes:,}"
            remedy = "make the shards anew by `bateia shard` with --overwrite"
            raise BadInput(f"{join(shards, file.path)} {fault}; {remedy}")


def code_hash() -> str:
    """sha256 over the trainer's source files by path, to tell whether two runs had the same code."""
    digest, root = hashlib.sha256(), Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Of packages that a training's numbers depend on, those that are there."""
    return versions_of(PACKAGES)
