"""Fit trees that all ask the same questions at a level, and write them as the integers of model.json.

CatBoost (Apache-2.0; `pip install catboost`, for this alone) fits them. Its trees are of that kind, and columns are
integers, so a border becomes an integer threshold without changing a verdict; leaves are rounded to votes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import floor
from pathlib import Path
from typing import Any

import numpy as np

from transforms.steps.extract.blocks.model import UNIT

NEVER = 2**31 - 1  # a threshold that no column exceeds


@dataclass(frozen=True)
class Settings:
    """How one set of trees is fitted. The names are CatBoost's."""

    iterations: int
    learning_rate: float
    depth: int = 6
    l2_leaf_reg: float = 5.0
    rsm: float = 0.25
    border_count: int = 48
    subsample: float = 0.5
    leaf_estimation_iterations: int = 2
    random_seed: int = 1


def fit(
    names: Sequence[str], columns: np.ndarray, labels: np.ndarray, weights: np.ndarray, settings: Settings
) -> dict[str, Any]:
    """Trees as in model.json. columns: blocks × columns."""
    from catboost import CatBoost, Pool  # type: ignore[import-not-found]

    model = CatBoost(
        asdict(settings)
        | {"loss_function": "CrossEntropy", "bootstrap_type": "MVS", "allow_writing_files": False, "verbose": False}
    )
    model.fit(Pool(columns.astype(np.float32), labels, weight=weights, feature_names=list(names)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        model.save_model(str(path), format="json")
        return as_integers(json.loads(path.read_text("utf-8")), names, settings.depth)


def as_integers(model: dict[str, Any], names: Sequence[str], depth: int) -> dict[str, Any]:
    """CatBoost's own JSON in integers, with the columns that are asked about alone."""
    trees = model["oblivious_trees"]
    used = sorted({split["float_feature_index"] for tree in trees for split in tree["splits"]})
    number = {index: position for position, index in enumerate(used)}
    scale, (bias,) = model["scale_and_bias"]
    return {
        "columns": [names[index] for index in used],
        "bias": round(bias * UNIT),
        "trees": [
            {
                "if": [[number[split["float_feature_index"]], floor(split["border"])] for split in tree["splits"]]
                + [[0, NEVER]] * (depth - len(tree["splits"])),
                "then": [round(value * scale * UNIT) for value in tree["leaf_values"]]
                + [0] * (2**depth - len(tree["leaf_values"])),
            }
            for tree in trees
        ],
    }
