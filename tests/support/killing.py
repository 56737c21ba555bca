"""A run that ends at a named moment of its writing.

The moment is one of a file that is written whole or not at all: `created` (before there is anything of it), `half`
(with half of some bytes written) or `committed` (as it has got its name). So it is the same however a stage is built.
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

from schemas.storage import PendingFile
from support.paths import ROOT

KILL_AT = "BATEIA_TEST_KILL_AT"
START_UP = Path(__file__).parent / "start_up"


@dataclass
class Killing:
    """Who is sent which signal, and when.

    pattern: of the file's path, as of fnmatch.
    passed: how many such moments of a process go by before.
    whom: the process that writes, or the driver whose worker it is.
    """

    pattern: str
    moment: Literal["created", "half", "committed"]
    passed: int = 0
    whom: Literal["self", "driver"] = "self"
    signal: str = "SIGKILL"

    def environment(self) -> dict[str, str]:
        """Variables with which a run's processes, workers too, do as they are asked from their start on."""
        paths = [str(START_UP), str(ROOT), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {KILL_AT: json.dumps(asdict(self)), "PYTHONPATH": os.pathsep.join(paths)}

    @staticmethod
    def from_json(text: str) -> Killing:
        return Killing(**json.loads(text))

    def is_due(self, moment: str, path: str) -> bool:
        if moment != self.moment or not fnmatch(path, self.pattern):
            return False
        self.passed -= 1
        return self.passed < 0

    def strike(self) -> None:
        driver = int(os.environ.get("BATEIA_DRIVER") or os.getpid())
        with suppress(ProcessLookupError):  # the other worker was first, and the driver is gone
            os.kill(driver if self.whom == "driver" else os.getpid(), signal.Signals[self.signal])
        time.sleep(60)  # until the signal is there, or this worker sees that its driver is gone


def install(killing: Killing) -> None:
    """Have this process watch what it writes."""
    create, commit = PendingFile.__init__, PendingFile.commit

    def created(self: PendingFile, path: str, durable: bool = True) -> None:
        if killing.is_due("created", path):
            killing.strike()
        create(self, path, durable)
        write = self.file.write

        def half(data: Any) -> int:
            if len(data) > 100 and killing.is_due("half", path):
                write(bytes(data)[: len(data) // 2])
                self.file.flush()
                killing.strike()
            return write(data)

        self.file.write = half

    def committed(self: PendingFile) -> None:
        commit(self)
        if killing.is_due("committed", self.path):
            killing.strike()

    PendingFile.__init__, PendingFile.commit = created, committed
