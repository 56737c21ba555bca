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

from schemas.faults import BadInput, BrokenRun
from trainer.backend.protocol import Arrays, Snapshot
from trainer.run.folder import TEMPORARY, sync, write_folder

MODEL, CONFIG, OPTIMIZER, STATE = "model.safetensors", "config.json", "optimizer.safetensors", "state.json"
PREFIX = "step-"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose files are as they were written.

    step: steps done
    state: state.json
    """

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
    """The checkpoints of a run, one of which is written at a time.

    folder: that holds them
    keep: how many of the newest stay
    keep_every: those of every so many steps stay too; None for none
    every: steps from one to the next; of a run that was stopped in between there are others, until a later one is there
    """

    def __init__(self, folder: Path, keep: int = 2, keep_every: int | None = None, every: int = 1) -> None:
        self.folder, self._keep, self._keep_every, self._every = folder, keep, keep_every, every
        self._thread: threading.Thread | None = None
        self._fault: BaseException | None = None

    def save(self, step: int, snapshot: Snapshot, config: dict[str, Any], state: dict[str, Any]) -> None:
        """Begin to write one in a thread, when the one before is written. Raises BrokenRun if that one failed."""
        self.wait()
        self._thread = threading.Thread(target=self._write, args=(step, snapshot, config, state))
        self._thread.start()

    @property
    def is_writing(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> None:
        """Wait until what was begun is written. Raises BrokenRun if it could not be; earlier ones are unchanged."""
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
            self._prune(step)
        except BaseException as fault:  # raised to the caller of `wait`
            self._fault = fault

    def _prune(self, sound: int) -> None:
        """Remove those older than the newest ones up to the newest sound one, of that step: later ones are damaged."""
        done = [path for path in step_folders(self.folder) if step_of(path) <= sound]
        kept = [path for path in done if step_of(path) % self._every == 0 or step_of(path) == sound][-self._keep :]
        older = [path for path in done if path not in kept]
        gone = [path for path in older if self._keep_every is None or step_of(path) % self._keep_every]
        for path in gone:
            shutil.rmtree(path)
        if gone:
            sync(self.folder)  # a power cut must not bring any of it back beside a finished run

    def newest(self) -> Checkpoint | None:
        """The newest whose files are all there with the sizes and hashes that it says. None if there is none."""
        return next((one for path in reversed(step_folders(self.folder)) if (one := read(path)) is not None), None)

    def at(self, step: int) -> Checkpoint | None:
        """That of a step, whose files have their sizes; their hashes are not looked at."""
        return read(self.folder / f"{PREFIX}{step:08}", hashed=False)

    def damaged(self, sound: Checkpoint | None) -> list[Path]:
        """Folders of later steps than the newest sound one's."""
        return [path for path in step_folders(self.folder) if sound is None or step_of(path) > sound.step]

    def clean(self, sound: Checkpoint | None) -> None:
        """Remove what a killed run was writing, and what it had no time to remove. sound: the newest one."""
        for path in folders_in(self.folder, TEMPORARY):
            shutil.rmtree(path)
        if sound is not None:
            self._prune(sound.step)


def step_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folders_in(folder, PREFIX) if path.name.removeprefix(PREFIX).isdigit())


def folders_in(folder: Path, prefix: str) -> list[Path]:
    """Those whose names begin so. Raises OSError if they can't be listed, which `glob` passes over."""
    return [path for path in folder.iterdir() if path.name.startswith(prefix)] if folder.is_dir() else []


def step_of(folder: Path) -> int:
    return int(folder.name.removeprefix(PREFIX))


def write(folder: Path, step: int, snapshot: Snapshot, config: dict[str, Any], state: dict[str, Any]) -> None:
    """Replaces a folder of this name: one that `newest` found broken, or it would have been gone on from."""
    with write_folder(folder) as temporary:
        files = {
            MODEL: put_arrays(temporary / MODEL, snapshot.weights),
            CONFIG: put(temporary / CONFIG, to_json(config)),
            OPTIMIZER: put_arrays(temporary / OPTIMIZER, snapshot.optimizer),
        }
        put(temporary / STATE, to_json({**state, "step": step, "files": files}))


def read(folder: Path, hashed: bool = True) -> Checkpoint | None:
    """A checkpoint, or None if any of its files is not as it was written. hashed: whether its bytes are looked at."""
    try:
        state = json.loads((folder / STATE).read_text())
        for name, entry in state["files"].items():
            path = folder / name
            if path.stat().st_size != entry["bytes"] or (hashed and sha256(path) != entry["sha256"]):
                return None
        return Checkpoint(folder, state["step"], state)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def run_of(name: str) -> str:
    """The folder of RUN or RUN@STEP."""
    folder, at, step = name.rpartition("@")
    return folder if at and step.isdigit() and not Path(name).is_dir() else name


def find_checkpoint(run: Path) -> Checkpoint:
    """The newest one of a run, or that of RUN@STEP. Raises BadInput if there is none."""
    folder = Path(run_of(str(run)))
    if folder != run:
        step = int(run.name.rpartition("@")[2])
        found = read(folder / "checkpoints" / f"{PREFIX}{step:08}")
        if found is None:
            kept = ", ".join(str(step_of(path)) for path in step_folders(folder / "checkpoints")) or "none"
            raise BadInput(
                f"{folder} holds no sound checkpoint of step {step:,}; there is {kept} (--keep-every keeps more)"
            )
        return found
    newest = Checkpoints(run / "checkpoints").newest()
    if newest is None:
        raise BadInput(f"{run} holds no finished checkpoint; give a folder that `bateia train` has written")
    return newest


def put_arrays(path: Path, arrays: Arrays) -> dict[str, Any]:
    """Write tensors and flush them to the disk. Returns size and sha256."""
    from safetensors.numpy import save_file

    # Not ascontiguousarray, which makes a scalar a vector. The metadata is what transformers asks a file for.
    save_file({name: np.asarray(value, order="C") for name, value in arrays.items()}, path, {"format": "pt"})
    sync(path)
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def put(path: Path, data: bytes) -> dict[str, Any]:
    """Write and flush to the disk. Returns size and sha256."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
