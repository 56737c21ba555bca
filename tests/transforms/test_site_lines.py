"""Lines with the texts that they stand in, and which of them stand in enough."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from transforms.dedup.site_lines import LINE, LINES, RANGES, CountLines, KeyRange, smallest_texts
from transforms.sorted_files import as_ranges
from transforms.units import Heartbeat, UnitFiles

PAIRS = [(1, 9), (1, 5), (1, 5), (1, 7), (2, 5), (1, 6), (2**64 - 1, 3), (2, 4)]


def rows(pairs: list[tuple[int, int]]) -> np.ndarray:
    return np.array(pairs, LINE)


def test_smallest_texts_of_a_line() -> None:
    left = [(1, 5), (1, 6), (2, 4), (2, 5), (2**64 - 1, 3)]
    assert smallest_texts(rows(PAIRS), 2).tolist() == left
    assert smallest_texts(rows([]), 2).tolist() == []


@pytest.mark.parametrize("ranges", [1, 7])
def test_lines_are_counted_over_all_units_as_if_they_were_one(tmp_path: Path, ranges: int) -> None:
    """A unit hands on three texts of a line at most: that is enough to tell whether three hold it."""
    draw = np.random.default_rng(3)
    units = [draw.integers(0, [60, 12], (200, 2)) for _ in range(4)]
    texts = defaultdict(set)
    bounds = np.array([(number << 64) // ranges for number in range(1, ranges)], np.uint64)
    for number, unit in enumerate(units):
        keys = unit[:, 0].astype(np.uint64) * np.uint64(2**58)  # over all ranges; some wrap to others
        for key, text in zip(keys.tolist(), unit[:, 1].tolist(), strict=True):
            texts[key].add(text)
        found = np.empty(len(unit), LINE)
        found["key"], found["text"] = keys, unit[:, 1]
        found = smallest_texts(found, 9)
        (tmp_path / LINES).mkdir(parents=True, exist_ok=True)
        (tmp_path / LINES / f"{number}.bin").write_bytes(as_ranges(found, found["key"], bounds))
    (tmp_path / "plan").write_text("".join(f'{{"name": "{number}"}}\n' for number in range(len(units))))
    work = CountLines(str(tmp_path), str(tmp_path / "plan"), ranges, 9)
    found = []
    for number in range(ranges):
        files = UnitFiles(str(tmp_path))
        work.run(KeyRange(str(number), number), files, Heartbeat(str(tmp_path), "x"))
        files.commit()
        found += np.frombuffer((tmp_path / RANGES / f"{number}.bin").read_bytes(), "<u8").tolist()
    expected = sorted(key for key, of in texts.items() if len(of) >= 9)
    assert expected
    assert len(expected) < len(texts)
    assert found == expected
