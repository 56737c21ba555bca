"""Which blocks and containers play the same part in a page's template: posts of a thread, cards of a list, bylines.

What one of them is, the others most likely are too: a thread's posts are text all together, and so are the names
beside them no text all together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.steps.extract.blocks.shape import Shape, share

DOUBLINGS = 3
PARTS = tuple(2 << number for number in range(DOUBLINGS))  # containers of a block whose names and classes are compared
RECORDS = ("outer", "inner")
FACTOR = 0x2545F4914F6CDD1D  # odd, and its bits look random
LEAST_RECORDS = 3  # containers of the same name and class side by side; fewer are no list


@dataclass
class Alike:
    """What is alike on a page of n blocks and m containers.

    parts: PARTS × n, equal for blocks whose 2, 4 or 8 containers have the same names and classes; rows share none.
    siblings: m, equal for containers of the same name and class side by side.
    record: RECORDS × n, the outermost or innermost container of a block that is one of a list; 0, the page, if none is.
    """

    parts: np.ndarray
    siblings: np.ndarray
    record: np.ndarray

    @classmethod
    def of(cls, shape: Shape) -> Alike:
        parents, chain, m = shape.parents, shape.chain, len(shape.parents)
        same, up, parts = shape.sign + 1, parents, []
        for number in range(DOUBLINGS):
            # Hashes of 64 bits, whose products wrap around: what differs is hardly ever made equal.
            mixed = same * FACTOR + number
            mixed ^= mixed >> 31
            same, up = 3 * mixed + mixed[up], up[up]
            parts.append(same[shape.node])
        siblings = numbered(parents * m + shape.sign)
        listed = (np.bincount(siblings) >= LEAST_RECORDS)[siblings].take(chain)
        outer = len(chain) - 1 - listed[::-1].argmax(axis=0)
        record = chain[np.stack([outer, listed.argmax(axis=0)]), np.arange(chain.shape[1])]
        return cls(numbered(np.stack(parts)), siblings, np.where(listed.any(axis=0), record, 0))

    def of_parts(self, rows: np.ndarray) -> np.ndarray:
        """Sums of the blocks' rows over all blocks of the same part: rows × PARTS × n."""
        return sums(self.parts.ravel(), np.tile(rows, len(PARTS))).take(self.parts, axis=1)

    def of_lists(self, held: np.ndarray) -> np.ndarray:
        """Sums of what containers hold over the list that each block's record is of: rows × RECORDS × n."""
        return sums(self.siblings, held).take(self.siblings.take(self.record), axis=1)


def numbered(keys: np.ndarray) -> np.ndarray:
    """The same numbers for the same keys, from 0."""
    return np.unique(keys, return_inverse=True)[1].reshape(keys.shape)


def sums(number: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Sums of each row by number."""
    return np.stack([np.bincount(number, weights=row) for row in rows]).astype(np.int64)


def alike_columns(shape: Shape, alike: Alike, text: np.ndarray, prose: np.ndarray, whole: int) -> dict[str, np.ndarray]:
    """Columns of features.py.

    text: n, equal for equal texts; prose: n, size of a block that reads as prose, else 0; whole: its sum.
    """
    n = len(text)
    count = np.bincount(alike.parts.ravel())[alike.parts]
    rows = np.stack([shape.size, shape.size * shape.linked // 1000, prose])
    size, linked, amount = alike.of_parts(rows)
    distinct = np.bincount(np.unique(alike.parts * n + text) // n)[alike.parts]
    columns = {
        "count": count,
        "mean": size // count,
        "linked": share(linked, size),
        "prose": share(amount, whole),
        "distinct": share(distinct, count),
    }
    out = {f"part_{name}_{part}": row for name, rows in columns.items() for part, row in zip(PARTS, rows, strict=True)}
    held = shape.held(rows)
    which = alike.siblings[alike.record]
    number = np.bincount(alike.siblings)[which]
    size, linked, amount, blocks = alike.of_lists(np.concatenate([held, (shape.ends - shape.firsts)[None]]))
    largest = np.zeros(len(alike.siblings), np.int64)
    np.maximum.at(largest, alike.siblings, held[0])
    columns = {
        "records": number,
        "linked": share(linked, size),
        "mean": amount // number,
        "mean_blocks": blocks // number,
        "largest": share(largest[which], size),
    }
    return out | {f"{of}_{name}": row for name, rows in columns.items() for of, row in zip(RECORDS, rows, strict=True)}


def alike_chances(shape: Shape, alike: Alike, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of context.py. rows: sizes, and sizes times chances in thousandths."""
    held = shape.held(rows)
    columns = {
        "chance_part": alike.of_parts(rows),
        "chance": held.take(alike.record, axis=1),
        "chance_list": alike.of_lists(held),
    }
    return {
        f"{name}_{of}": row
        for name, (size, mass) in columns.items()
        for of, row in zip(PARTS if name == "chance_part" else RECORDS, mass // np.maximum(size, 1), strict=True)
    }
