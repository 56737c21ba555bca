"""Training a tokenizer in a process of its own, which a signal ends at once: the trainers hear none for minutes.

The sample lies in a file, so it is drawn once: what is trained again after Ctrl-C, by the same command, begins with it.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from pipelines.engine.children import module_path, python_command
from schemas.faults import BrokenRun
from transforms.steps.tokens.train_bpe import train_bpe
from transforms.steps.tokens.train_sentencepiece import train_sentencepiece

REFUSED = 3  # the child's exit code where the sample does not give such a tokenizer; its last line says why
LEARNT = re.compile(rb"Added: .*?size=(\d+)")  # sentencepiece/src/bpe_model_trainer.cc, every 20 tokens
SPECIAL_AND_BYTES = 276  # about: tokens that are not learnt
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def train_in_child(algorithm: str, sample: Path, model: Path, vocab_size: int, learnt: list[int]) -> bytes:
    """The trained model's bytes.

    sample: file of JSON lines, a text each
    model: file to write it to
    learnt: its only item is set to how many tokens are there, where the algorithm tells

    Raises ValueError as the trainers do, BrokenRun if the process ended by anything else.
    """
    command = python_command(
        "pipelines.stages.tokenizers.child", algorithm, str(sample), str(model), str(vocab_size), str(os.getpid())
    )
    environment = {**os.environ, "PYTHONPATH": module_path()}
    lines: list[bytes] = []
    children: list[subprocess.Popen[bytes]] = []
    with ended_by_signals(children):
        children.append(child := subprocess.Popen(command, env=environment, stderr=subprocess.PIPE))
        reader = threading.Thread(target=follow, args=(child.stderr, lines, learnt), daemon=True)
        reader.start()
        code = child.wait()
    reader.join()
    last = lines[-1].decode("utf-8", "replace").strip() if lines else ""
    if code == REFUSED:
        raise ValueError(last)
    if code:
        raise BrokenRun(f"training the tokenizer ended with exit code {code} ({last[:300]}); is there enough memory?")
    return model.read_bytes()


def follow(stream: Any, lines: list[bytes], learnt: list[int]) -> None:
    """Read what the child says until it ends; the last few lines are kept."""
    for line in stream:
        if found := LEARNT.search(line):
            learnt[0] = int(found[1]) + SPECIAL_AND_BYTES
        else:
            lines[:] = [*lines[-20:], line]


@contextmanager
def ended_by_signals(children: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """SIGINT and SIGTERM end the children first, then do what they would have done without them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, frame: FrameType | None) -> None:
        for child in children:
            child.kill()
        handler = before[signal.Signals(number)]
        signal.signal(number, handler)
        if callable(handler):
            handler(number, frame)
        else:
            os.kill(os.getpid(), number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    except BaseException:
        for child in children:
            child.kill()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def write_sample(path: Path, texts: Iterable[str]) -> None:
    """Whole or not at all, and flushed: what is written after it says that it is there."""
    from schemas.storage import write_whole  # loads pyarrow, without which the child starts in a third of the time

    with write_whole(str(path)) as file:
        for text in texts:
            file.write(json.dumps(text).encode() + b"\n")


def read_sample(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        yield from map(json.loads, file)


def main(algorithm: str, sample: str, model: str, vocab_size: str, parent: str) -> int:
    """What the child does. Returns its exit code. parent: process id, without which it ends"""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # handlers would wait for the end of the training
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it ended before it could be watched
        return REFUSED
    try:
        texts = read_sample(Path(sample))
        if algorithm == "sentencepiece":
            made = train_sentencepiece(texts, int(vocab_size), tell=True)
        else:
            made = train_bpe(texts, int(vocab_size)).encode()
    except ValueError as error:
        sys.stderr.write(f"\n{error}\n")
        return REFUSED
    Path(model).write_bytes(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
