"""Checkpoints: written whole or not at all, in a thread; the newest sound one is what a run goes on from.

checkpoints/step-00000100/ model.safetensors      weights, float32, Hugging Face's names
                           config.json            transformers' LlamaConfig
                           optimizer.safetensors  its state, the same names for every backend
                           state.json             step, settings, hashes; written last, of the others too
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.backend import Arrays, Snapshot
from trainer.faults import BadRun, BrokenRun

MODEL, CONFIG, OPTIMIZER, STATE = "model.safetensors", "config.json", "optimizer.safetensors", "state.json"
PREFIX, TEMPORARY = "step-", ".writing-"


@dataclass(frozen=True)
class Checkpoint:
    """A finished one. step: steps done."""

    folder: Path
    step: int
    state: dict[str, Any]

    def load(self) -> Snapshot:
        return Snapshot(load_arrays(self.folder / MODEL), load_arrays(self.folder / OPTIMIZER))

    def weights(self) -> Arrays:
        return load_arrays(self.folder / MODEL)

    def config(self) -> dict[str, Any]:
        return json.loads((self.folder / CONFIG).read_text())


def load_arrays(path: Path) -> Arrays:
    from safetensors.numpy import load_file

    return load_file(path)


class Checkpoints:
    """folder: of all of a run's. keep: how many of the newest stay. Only one is written at a time."""

    def __init__(self, folder: Path, keep: int = 2) -> None:
        self.folder, self._keep = folder, keep
        self._thread: threading.Thread | None = None
        self._fault: BaseException | None = None

    def save(self, step: int, snapshot: Snapshot, config: dict[str, Any], state: dict[str, Any]) -> None:
        """Begin to write; waits for the one before. Raises BrokenRun if that one could not be written."""
        self.wait()
        self._thread = threading.Thread(target=self._write, args=(step, snapshot, config, state))
        self._thread.start()

    def wait(self) -> None:
        """Until what was begun is written. Raises BrokenRun if it could not be; the ones before are as they were."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if (fault := self._fault) is not None:
            self._fault = None
            raise BrokenRun(
                f"a checkpoint in {self.folder} can't be written ({fault}); earlier ones are kept"
            ) from fault

    def _write(self, step: int, snapshot: Snapshot, config: dict[str, Any], state: dict[str, Any]) -> None:
        try:
            write(self.folder / f"{PREFIX}{step:08}", step, snapshot, config, state)
            self._prune()
        except BaseException as fault:  # told to the caller of `wait`
            self._fault = fault

    def _prune(self) -> None:
        for path in step_folders(self.folder)[: -self._keep]:
            shutil.rmtree(path)

    def newest(self) -> Checkpoint | None:
        """The newest whose files are all there with the sizes and hashes that it says. None if there is none."""
        for path in reversed(step_folders(self.folder)):
            if (found := read(path)) is not None:
                return found
        return None

    def clean(self) -> None:
        """Remove what a killed run was writing."""
        for path in self.folder.glob(f"{TEMPORARY}*"):
            shutil.rmtree(path)


def step_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"{PREFIX}*") if path.name.removeprefix(PREFIX).isdigit())


def write(folder: Path, step: int, snapshot: Snapshot, config: dict[str, Any], state: dict[str, Any]) -> None:
    """Under a temporary name, which becomes the final one when all is on the disk."""
    temporary = folder.parent / f"{TEMPORARY}{folder.name}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        files = {
            MODEL: put_arrays(temporary / MODEL, snapshot.weights),
            CONFIG: put(temporary / CONFIG, to_json(config)),
            OPTIMIZER: put_arrays(temporary / OPTIMIZER, snapshot.optimizer),
        }
        put(temporary / STATE, to_json({**state, "step": step, "files": files}))
        shutil.rmtree(folder, ignore_errors=True)  # one that `newest` found broken, or it would have been gone on from
        temporary.rename(folder)
        sync(folder.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def read(folder: Path) -> Checkpoint | None:
    """A checkpoint, or None if any of its files is not as it was written."""
    try:
        state = json.loads((folder / STATE).read_text())
        for name, told in state["files"].items():
            if (folder / name).stat().st_size != told["bytes"] or sha256(folder / name) != told["sha256"]:
                return None
        return Checkpoint(folder, state["step"], state)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def find_checkpoint(run: Path) -> Checkpoint:
    """The newest one of a run. Raises BadRun if there is none."""
    found = Checkpoints(run / "checkpoints").newest()
    if found is None:
        raise BadRun(f"{run} holds no finished checkpoint; give a folder that `bateia train` has written")
    return found


def put_arrays(path: Path, arrays: Arrays) -> dict[str, Any]:
    """Write tensors and bring them to the disk. Returns size and sha256."""
    from safetensors.numpy import save_file

    # Not ascontiguousarray, which makes a scalar a vector. The metadata is what transformers asks a file for.
    save_file({name: np.asarray(value, order="C") for name, value in arrays.items()}, path, {"format": "pt"})
    sync(path)
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def put(path: Path, data: bytes) -> dict[str, Any]:
    """Write and bring to the disk. Returns size and sha256."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def sync(path: Path) -> None:
    """Bring a file, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
