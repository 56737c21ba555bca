"""What the model's first verdicts say together: of neighbours, of containers, of containers alike, of the page.

A block is seldom text alone: where all around is text a short line is too, and a fluent paragraph in a list of teasers
is not. So a second model decides, which also sees what the first one held of everything around.
"""

from __future__ import annotations

import numpy as np

from transforms.steps.extract.blocks.alike import Alike, alike_chances
from transforms.steps.extract.blocks.features import LIKES, Columns, shifted
from transforms.steps.extract.blocks.model import choose
from transforms.steps.extract.blocks.shape import LEVELS, Shape, running, share


def context(out: Columns, shape: Shape, alike: Alike, chance: np.ndarray) -> None:
    """Add columns. chance: thousandths that a block is text, of the first model."""
    n = len(chance)
    index, size = np.arange(n), shape.size
    mass = size * chance // 1000
    rows = np.stack([size, mass])
    totals = running(rows)
    out.add(chance=chance)
    for by in (-3, -2, -1, 1, 2, 3):
        out.add_all([f"chance_at_{by}"], shifted(chance, by)[None])
    for by in (2, 5, 12, 30):
        low, high = np.maximum(index - by, 0), np.minimum(index + by + 1, n)
        before, after = totals[:, :-1] - totals.take(low, axis=1), totals.take(high, axis=1) - totals[:, 1:]
        out.add_all(
            [f"chance_before_{by}", f"chance_after_{by}"],
            np.stack([share(before[1], before[0]), share(after[1], after[0])]),
        )
    held = shape.held(rows)
    per = held.take(shape.lines, axis=1)
    whole = totals[:, -1]
    out.add_all([f"chance_in_{level}" for level in LEVELS], share(per[1], per[0]))
    out.add_all([f"mass_in_{level}" for level in LEVELS], share(per[1], int(whole[1])))
    of_sign = shape.alike(held)
    which = shape.sign[shape.lines[:LIKES]]
    out.add_all([f"chance_alike_{level}" for level in LEVELS[:LIKES]], share(of_sign[1], of_sign[0])[which])
    likely = chance >= 600
    first = np.flatnonzero(likely)
    begin, stop = (int(first[0]), int(first[-1])) if len(first) else (0, n)
    seen = np.maximum.accumulate(np.where(likely, index, -999))
    coming = np.minimum.accumulate(np.where(likely, index, 9999)[::-1])[::-1]
    out.add(since_likely=np.minimum(index - seen, 999), until_likely=np.minimum(coming - index, 999))
    out.add(since_first_likely=index - begin, until_last_likely=stop - index)
    cut = int(chance[choose(chance, shape.words())].min())
    out.add(over_cut=chance - cut)
    numbers = {
        "cut": cut,
        "chance": int(whole[1]) * 1000 // max(int(whole[0]), 1),
        "mass": int(whole[1]),
        "best": int(chance.max()),
        "likely": int((size * likely).sum()) * 1000 // max(int(whole[0]), 1),
        "certain": int((mass * (chance >= 850)).sum()) * 1000 // max(int(whole[1]), 1),
    }
    out.add_all([f"page_{name}" for name in numbers], np.array(list(numbers.values()))[:, None])
    out.add(**alike_chances(shape, alike, np.stack([size, size * chance])))
