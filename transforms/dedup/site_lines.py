"""Which lines a site repeats: pages to keys of lines by unit, and a range of all units' keys to those on many pages.

What lies between the two are hashes alone, in files (sorted_files.py): 16 bytes for each line of a page, and nobody
holds more than one unit's or one range of all units'.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from schemas.storage import join
from transforms.curate import CuratePages, CurateUnit
from transforms.sorted_files import as_ranges, read_range
from transforms.steps.curator import Outcome
from transforms.steps.templates.keys import keyed_lines, text_key
from transforms.steps.warc.reader import Response, Text, Unreadable
from transforms.units import Heartbeat, UnitFiles, UnitResult, read_units

LINE = np.dtype([("key", "<u8"), ("text", "<u8")])  # a line of a site, and the text that it stands in
LINES, RANGES = "work/lines", "work/ranges"  # folders of the two kinds of files


class LineTexts:
    """The lines of a unit's pages, as `CuratePages` adds them, with the texts that they stand in."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []

    def add(self, item: Response | Text | Unreadable, outcome: Outcome, warc_file: str) -> None:
        if outcome.text is None:
            return
        keys = {line.key for line in keyed_lines(item.url or "", outcome.text)}
        rows = np.empty(len(keys), LINE)
        rows["key"], rows["text"] = np.fromiter(keys, np.uint64, len(keys)), text_key(outcome.text)
        self._parts.append(rows)

    def rows(self, most: int) -> np.ndarray:
        """In the order of their keys; of each key the `most` smallest texts: enough to tell whether there are more."""
        return smallest_texts(np.concatenate([np.zeros(0, LINE), *self._parts]), most)


def smallest_texts(rows: np.ndarray, most: int) -> np.ndarray:
    """The distinct rows, of each key those with the `most` smallest texts, sorted."""
    if not len(rows):
        return rows
    rows = rows[np.lexsort((rows["text"], rows["key"]))]
    rows = rows[np.concatenate(([True], rows[1:] != rows[:-1]))]
    first = np.flatnonzero(np.concatenate(([True], rows["key"][1:] != rows["key"][:-1])))
    place = np.arange(len(rows)) - np.repeat(first, np.diff(first, append=len(rows)))
    return rows[place < most]


class FindLines(CuratePages):
    """One unit's texts, as extraction gives them, to the keys of their lines in ranges of keys."""

    def __init__(self, *given: Any, ranges: int, min_pages: int) -> None:
        """given: as CuratePages takes it."""
        super().__init__(*given)
        self._ranges, self._min_pages = ranges, min_pages

    def parts_of(self, unit: CurateUnit, files: UnitFiles) -> LineTexts:
        self._lines = LineTexts()  # anew for a unit of which a part could not be fetched
        return self._lines

    def run(self, unit: CurateUnit, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        result = super().run(unit, files, heartbeat)
        rows = self._lines.rows(self._min_pages)
        bounds = np.array([(number << 64) // self._ranges for number in range(1, self._ranges)], np.uint64)
        files.raw(f"{LINES}/{unit.name}.bin").add(as_ranges(rows, rows["key"], bounds))
        return replace(result, tally=result.tally | {"samples": [], "quality": []})  # no text stays


@dataclass(frozen=True)
class KeyRange:
    """A range of keys: the number-th of all."""

    name: str
    number: int


class CountLines:
    """A range of all units' lines to the keys that stand in `min_pages` texts or more, sorted."""

    def __init__(self, output: str, plan: str, ranges: int, min_pages: int) -> None:
        """output: of the run, as every worker names it. plan: path of the list of units."""
        self._output, self._plan, self._ranges, self._min_pages = output, plan, ranges, min_pages

    def setup(self) -> None:
        return

    def parse(self, line: dict[str, Any]) -> KeyRange:
        return KeyRange(**line)

    def run(self, unit: KeyRange, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        paths = [join(self._output, LINES, f"{line['name']}.bin") for line in read_units(self._plan)]
        rows = smallest_texts(read_range(paths, unit.number, self._ranges, LINE), self._min_pages)
        keys, texts = np.unique(rows["key"], return_counts=True)
        keys = keys[texts >= self._min_pages]
        files.raw(f"{RANGES}/{unit.name}.bin").add(keys.astype("<u8").tobytes())
        return UnitResult({"lines": len(texts), "templates": len(keys)})

    def close(self) -> None:
        return
