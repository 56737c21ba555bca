"""A run's logs as TensorBoard shows them: RUN/tensorboard/, an event for each of their lines.

The logs are the truth. They are cut back to a checkpoint when a run goes on, which events can't be: the folder is then
written anew from them, so that no step is in it twice.
"""

from __future__ import annotations

import shutil
import struct
import time
from collections.abc import Iterator
from heapq import merge
from importlib.util import find_spec
from itertools import repeat
from typing import Any

from schemas.faults import named
from trainer.run.folder import BOARD, EVALS, LOG, SAMPLES, RunFolder
from trainer.run.loop import Hook, Training

PACKAGE = "tensorboard"
STRING = 7  # of TensorFlow's DataType: DT_STRING
MISSING = f"note: nothing is written for TensorBoard, whose package is not here: `pip install {PACKAGE}`"


class TensorBoard(Hook):
    """Shows in TensorBoard what is logged, where its package is installed."""

    def __init__(self) -> None:
        self._board: Board | None = None

    def on_start(self, training: Training) -> None:
        if not training.is_first:
            return
        if find_spec(PACKAGE) is None:
            training.note(MISSING)
        else:
            self._board = rewritten(training.folder)

    def on_log(self, name: str, line: dict[str, Any]) -> None:
        if self._board is not None:
            self._board.add(name, line)


def rewritten(folder: RunFolder) -> Board:
    """A new file of events in place of all before, with what the logs hold."""
    shutil.rmtree(folder.path / BOARD, ignore_errors=True)
    board = Board(folder, time.time() - sum(line["seconds"] for line in folder.lines(LOG)))
    for name, line in logged(folder):
        board.add(name, line)
    return board


def logged(folder: RunFolder) -> Iterator[tuple[str, dict[str, Any]]]:
    """Lines of the logs with their log's name, in the order in which they were written."""

    def order(item: tuple[str, dict[str, Any]]) -> tuple[int, bool]:
        name, line = item
        return line["step"] + (name == LOG), name != LOG  # a step's line is written when it is done

    yield from merge(*(zip(repeat(name), folder.lines(name)) for name in (LOG, EVALS, SAMPLES)), key=order)


class Board:
    """One file of events, whose times are those of computing: evaluations and interruptions of a run take none.

    began: Unix time of the run's first step
    """

    def __init__(self, folder: RunFolder, began: float) -> None:
        from tensorboard.compat.proto import event_pb2

        self._now = began
        self._event: Any = event_pb2.Event  # pyright: ignore[reportAttributeAccessIssue] - made on import
        self._path = folder.path / BOARD / f"events.out.tfevents.{time.time():.0f}"
        self._path.parent.mkdir()
        # Unbuffered: each event is one write, and there for a reader at once, whatever becomes of this process.
        self._file = self._path.open("wb", buffering=0)
        self._write(file_version="brain.Event:2")
        # A TensorBoard that is open forgets here what it has read of an earlier file.
        self._write(session_log={"status": "START"})

    def add(self, name: str, line: dict[str, Any]) -> None:
        """Write a line of a log as an event."""
        if name == LOG:
            self._now += line["seconds"]
            self._write(step=line["step"], summary=scalars(step_values(line)))
        elif name == EVALS:
            self._write(step=line["step"], summary=scalars(eval_values(line)))
        elif name == SAMPLES:
            self._write(step=line["step"], summary=sample(line))

    def _write(self, **parts: Any) -> None:
        try:
            self._file.write(record(self._event(wall_time=self._now, **parts).SerializeToString()))
        except OSError as error:
            raise named(error, str(self._path)) from error.__cause__


def step_values(line: dict[str, Any]) -> dict[str, float | None]:
    """Values of a line of log.jsonl by TensorBoard's tag."""
    names = ("loss", "lr", "grad_norm", "tokens_per_s", "mfu")
    return {**{f"train/{name}": line[name] for name in names}, "train/waited_share": line["waited_s"] / line["seconds"]}


def eval_values(line: dict[str, Any]) -> dict[str, float | None]:
    """Values of a line of evals.jsonl by tag: a chart for bits per byte and one for the loss, of all slices."""
    slices = line["slices"].items()
    return {f"{key}/{name}": means[key] for key in ("bits_per_byte", "loss") for name, means in slices}


def scalars(values: dict[str, float | None]) -> dict[str, Any]:
    """A Summary of the values that there are."""
    return {"value": [{"tag": tag, "simple_value": value} for tag, value in values.items() if value is not None]}


def sample(line: dict[str, Any]) -> dict[str, Any]:
    """A Summary of a text of the model.

    Indented, it is code to Markdown: a text from the web may hold the address of a picture, which TensorBoard's page
    would fetch.
    """
    text = "".join(f"    {part}\n" for part in f"{line['prompt']}{line['text']}".split("\n"))
    value = {
        "tag": f"samples/{line['prompt'] or 'a new document'}",
        "metadata": {"plugin_data": {"plugin_name": "text"}},
        "tensor": {"dtype": STRING, "tensor_shape": {}, "string_val": [text.encode("utf-8", "replace")]},
    }
    return {"value": [value]}


def record(data: bytes) -> bytes:
    """An event as it lies in a file: its length and itself, each with a checksum, little-endian.

    TensorBoard's own writer gives the same, and loads half a second's worth of modules for it.
    """
    length = struct.pack("<Q", len(data))
    return length + checksum(length) + data + checksum(data)


def checksum(data: bytes) -> bytes:
    """CRC-32C (Castagnoli), rotated and shifted as TensorFlow's records have it (tensorflow/core/lib/hash/crc32c.h)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ CRC_OF_BYTE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    return byte


CRC_OF_BYTE = [crc_of_byte(byte) for byte in range(256)]
