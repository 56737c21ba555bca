"""What a training is given besides its settings, and the pieces that it is put together from."""

from __future__ import annotations

import hashlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.manifest import read_manifest
from schemas.shards import PlanInfo, ShardsInfo, read_plan, read_shards
from schemas.storage import is_local, join, size_of
from trainer.faults import BadRun
from trainer.settings import TrainSettings

PACKAGES = ("bateia", "numpy", "pyarrow", "jax", "optax", "torch", "safetensors", "tokenizers")


@dataclass(frozen=True)
class TrainJob:
    """What may differ between the first part of a run and its resumption. Steps: how often something is done.

    eval_rows: of each slice at most. sample_tokens: how long texts are that are written at evaluations, 0 for none.
    keep: checkpoints. devices: None for all there are. compiled: whether torch.compile is used.
    """

    output: str
    shards: ShardsInfo
    plan: PlanInfo
    settings: TrainSettings
    backend: str = "jax"
    save_every: int = 500
    eval_every: int = 250
    eval_rows: int = 256
    sample_tokens: int = 64
    prompts: tuple[str, ...] = ()
    keep: int = 2
    devices: int | None = None
    compiled: bool = True
    overwrite: bool = False
    quiet: bool = False

    @property
    def data(self) -> dict[str, Any]:
        """What a resumed run must find again. Documents that were forgotten meanwhile change none of it."""
        return {
            "layout_hash": self.shards.layout_hash,
            "plan": self.plan.name,
            "plan_hash": self.plan.dataset_hash,
            "tokenizer_sha256": self.shards.tokenizer_sha256,
        }


def read_data(shards: str, plan: str) -> tuple[ShardsInfo, PlanInfo]:
    """Finished shards and their plan. Raises BadRun, naming the remedy, if they are not finished or do not fit."""
    if not is_local(shards):
        raise BadRun(f"shards {shards}: training maps them into memory; copy them to a local disk first")
    try:
        info = read_shards(shards)
        found = info, read_plan(info, plan)
    except (ValueError, KeyError, TypeError) as error:
        raise BadRun(str(error)) from error
    check_sizes(shards)
    return found


def check_sizes(shards: str) -> None:
    """Raises BadRun if a file has another size than the manifest says."""
    manifest = read_manifest(shards)
    for file in manifest.files if manifest else ():
        size = size_of(join(shards, file.path))
        if size != file.bytes:
            told = "is missing" if size is None else f"has {size:,} bytes and should have {file.bytes:,}"
            raise BadRun(f"{join(shards, file.path)} {told}; make the shards anew with `bateia shard --overwrite`")


def code_hash() -> str:
    """sha256 over the trainer's source files by name, to tell whether two runs had the same code."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Of packages that a training's numbers depend on, those that are there."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
