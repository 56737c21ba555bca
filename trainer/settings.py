"""What a training's numbers depend on: a run goes on only with the very same."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from trainer.faults import BadRun
from trainer.model_config import ModelConfig, as_dict
from trainer.schedules import Schedule

OPTIMIZERS = ("adamw", "muon")
DTYPES = ("float32", "bfloat16")
ADAM_EPS = 1e-8
MUON_BETA, MUON_EPS = 0.95, 1e-8
MUON_RMS = 0.2  # what AdamW's updates measure, so both take the same learning rate (arXiv 2502.16982, section 2.2)
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan's quintic, five times (https://kellerjordan.github.io/posts/muon/)
ITERATIONS = 5
GRAM_ASPECT = 1.5  # columns to rows, from which on iterating x xᵀ takes fewer operations than iterating x


@dataclass(frozen=True)
class TrainSettings:
    """batch_size: rows of a step, on all devices together. accumulate: parts that a batch is computed in, one after the
    other. clip: norm that gradients are cut to, 0 for none. dtype: of computation; weights are always float32.
    remat: layers are computed again on the way back, to save memory. separate_documents: attention does not reach into
    another document of the row."""

    model: ModelConfig
    schedule: Schedule
    batch_size: int
    accumulate: int = 1
    optimizer: str = "adamw"
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    clip: float = 1.0
    dtype: str = "float32"
    remat: bool = False
    separate_documents: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise BadRun(f"no optimizer is called '{self.optimizer}'; known: {', '.join(OPTIMIZERS)}")
        if self.dtype not in DTYPES:
            raise BadRun(f"no computation in '{self.dtype}'; known: {', '.join(DTYPES)}")
        if self.batch_size < 1:
            raise BadRun(f"a batch of {self.batch_size} rows is none; give 1 or more")
        if self.accumulate < 1 or self.batch_size % self.accumulate:
            raise BadRun(f"{self.batch_size} rows can't be computed in {self.accumulate} equal parts")
        if not (0 <= self.clip < math.inf and 0 <= self.weight_decay < math.inf):
            raise BadRun("clipping and weight decay are numbers from 0 up")

    @property
    def steps(self) -> int:
        return self.schedule.steps

    @property
    def tokens_per_step(self) -> int:
        return self.batch_size * self.model.context

    def as_dict(self) -> dict[str, Any]:
        """Nested plain values, as run.json and state.json hold them."""
        return asdict(self) | {"model": as_dict(self.model)}


def default_rate(model: ModelConfig) -> float:
    """0.036 / √width: .0032 for nano, .0013 for 124m. Wider models bear less; ours, to begin with, not a law."""
    return round(0.036 / math.sqrt(model.dim), 6)


def is_matrix(name: str, dimensions: int) -> bool:
    """Whether Muon may take a weight: a matrix inside a layer. Embedding and head stay with Adam, as in nanochat."""
    return dimensions == 2 and name.startswith("model.layers.")
