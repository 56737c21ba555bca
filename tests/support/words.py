"""A small work for units: it writes a word so many times. Tests and the processes they kill share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from transforms.units import Heartbeat, UnitFiles, UnitResult

SCHEMA = pa.schema([("text", pa.string())])


@dataclass(frozen=True)
class Word:
    name: str
    word: str
    times: int


class Repeat:
    """Writes a word to a Parquet file, to a file of bytes and to a table. fails_at: raises before that row."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.fails_at, self.done = fails_at, 0

    def setup(self) -> None:
        return

    def parse(self, line: dict[str, Any]) -> Word:
        return Word(**line)

    def run(self, unit: Word, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        self.done += 1
        for row in range(unit.times):
            if row == self.fails_at:
                raise OSError(28, "No space left on device")
            files.rows(f"data/{unit.name}.parquet", lambda: SCHEMA).add({"text": unit.word})
            files.raw(f"raw/{unit.name}.bin").add(unit.word.encode())
            heartbeat(row + 1, words=row + 1)
        files.table(f"tables/{unit.name}.parquet", pa.table({"times": [unit.times]}))
        return UnitResult({"words": unit.times}, child_cpu_s=0.5)

    def close(self) -> None:
        return


UNIT = Word("en/part-0", "gold", 3)
