"""A shuffle by way of files: a unit of work writes its rows in order of their keys, another reads a range of them all.

What an engine groups is held in memory by whoever runs it in one process; here it lies in a folder, and nobody holds
more than one file's rows or one range of all files.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from schemas.storage import open_read

OFFSET = np.dtype("<i8")


def as_ranges(rows: np.ndarray, keys: np.ndarray, bounds: np.ndarray) -> bytes:
    """A file's bytes: where each range begins, in rows, and the rows in order of their keys.

    rows: of one dtype. keys: one a row.
    bounds: keys at which a new range begins, sorted; there is one range more than bounds.
    """
    order = np.argsort(keys, kind="stable")
    inner = np.searchsorted(keys[order], bounds, "left")
    offsets = np.concatenate(([0], inner, [len(rows)])).astype(OFFSET)
    return offsets.tobytes() + np.ascontiguousarray(rows[order]).tobytes()


def read_range(paths: Iterable[str], number: int, ranges: int, dtype: np.dtype) -> np.ndarray:
    """The rows of one range in all files, file by file. ranges: how many each file has. Raises OSError."""
    parts = [np.zeros(0, dtype)]
    for path in paths:
        with open_read(path) as file:
            file.seek(number * OFFSET.itemsize)
            begin, end = np.frombuffer(file.read(2 * OFFSET.itemsize), OFFSET).tolist()
            file.seek((ranges + 1) * OFFSET.itemsize + begin * dtype.itemsize)
            parts.append(np.frombuffer(file.read((end - begin) * dtype.itemsize), dtype))
    return np.concatenate(parts)
