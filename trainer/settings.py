"""What a training's numbers depend on: as asked for (TrainRecipe), and worked out for its data (TrainSettings)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from schemas.faults import BadInput
from schemas.setting import setting
from trainer.model.config import SIZES, ModelConfig, as_dict, find_model

OPTIMIZERS = ("adamw", "muon")
DTYPES = ("float32", "bfloat16")
AUTO = "auto"  # of DTYPES, the one that suits the device: `trainer.run.resume.settled`
SCHEDULES = ("wsd", "cosine", "constant")
ADAM_EPS = 1e-8
MUON_BETA, MUON_EPS = 0.95, 1e-8
MUON_RMS = 0.2  # what AdamW's updates measure, so both take the same learning rate (arXiv 2502.16982, section 2.2)
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan's quintic, five times (https://kellerjordan.github.io/posts/muon/)
ITERATIONS = 5
GRAM_ASPECT = 1.5  # columns to rows, from which on iterating x xᵀ takes fewer operations than iterating x


@dataclass(frozen=True, kw_only=True)
class TrainRecipe:
    """Trains a model on the shards' plan; these settings decide every number of it, and a run is resumed by the same.

    Raises BadInput for values that can't be; the model is looked up by settings_for().
    """

    stage: ClassVar[str] = "train"

    model: str = setting("nano", f"{', '.join(SIZES)}, or a JSON file with the model's shape", metavar="NAME")
    steps: int = setting(about="updates of the weights in all", metavar="N")
    batch_size: int = setting(16, "rows of a step, on all devices together", "ours", metavar="ROWS")
    accumulate: int = setting(1, "parts that a batch is computed in, one after the other, to save memory", metavar="N")
    optimizer: str = setting("muon", "muon or adamw", "as nanochat", metavar="NAME", choices=OPTIMIZERS)
    lr: float | None = setting(None, "highest learning rate", "ours", none="0.036 / √width of the model", metavar="X")
    schedule: str = setting(
        "wsd",
        "how the rate goes down: wsd (level, then in a line), cosine or constant",
        "MiniCPM, arXiv 2404.06395",
        metavar="NAME",
        choices=SCHEDULES,
    )
    warmup: int | None = setting(None, "steps up to the highest rate", "ours", none="2 % of the steps", metavar="N")
    decay: float = setting(0.4, "last share of the steps, in which wsd goes down", "ours", metavar="F")
    weight_decay: float = setting(0.1, "weight decay of matrices", "ours", metavar="X")
    clip: float = setting(1.0, "norm that gradients are cut to; 0: none is", "ours", metavar="X")
    dtype: str = setting(
        AUTO,
        "of computation: float32, bfloat16, or auto: bfloat16 on GPUs and TPUs that have it; weights are float32",
        metavar="NAME",
        choices=(AUTO, *DTYPES),
    )
    remat: bool = setting(False, "compute layers anew in the backward pass, to save memory")
    separate_documents: bool = setting(False, "attention stays within a document of the row")
    seed: int = setting(1, "draws the first weights", metavar="N")

    def __post_init__(self) -> None:
        check_update(self)
        self._schedule(self.lr if self.lr is not None else 1.0)

    @property
    def warmup_steps(self) -> int:
        return self.warmup if self.warmup is not None else self.steps // 50

    def settled(self, dtype: str) -> TrainRecipe:
        """With this dtype where it is to suit the device."""
        return replace(self, dtype=dtype) if self.dtype == AUTO else self

    def settings_for(self, vocab_size: int, context: int) -> TrainSettings:
        """What is trained by these settings on shards of `vocab_size` tokens, by a plan for `context` tokens.

        A dtype that is not settled is float32. Raises BadInput for a model that there is not.
        """
        model = find_model(self.model, vocab_size, context)
        return TrainSettings(
            model=model,
            schedule=self._schedule(self.lr if self.lr is not None else default_rate(model)),
            batch_size=self.batch_size,
            accumulate=self.accumulate,
            optimizer=self.optimizer,
            weight_decay=self.weight_decay,
            clip=self.clip,
            dtype=self.settled(DTYPES[0]).dtype,
            remat=self.remat,
            separate_documents=self.separate_documents,
            seed=self.seed,
        )

    def _schedule(self, peak: float) -> Schedule:
        return Schedule(self.schedule, peak, self.steps, self.warmup_steps, self.decay)


@dataclass(frozen=True)
class TrainSettings:
    """What a training's numbers depend on, worked out: a run goes on only with the very same.

    model: shape of the model
    schedule: the learning rate by the step
    batch_size: rows of a step, on all devices together
    accumulate: parts that a batch is computed in, one after the other
    optimizer: one of OPTIMIZERS
    weight_decay: of matrices
    beta1, beta2: of Adam
    clip: norm that gradients are cut to, 0 for none
    dtype: of computation, one of DTYPES; weights are always float32
    remat: layers are computed again in the backward pass, to save memory
    separate_documents: attention does not reach into another document of the row
    seed: of the first weights
    only_row: train nothing but the output row of this token, without weight decay; None for all weights
    """

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
    only_row: int | None = None

    def __post_init__(self) -> None:
        check_update(self)
        if self.only_row is not None and (self.weight_decay or not 0 <= self.only_row < self.model.vocab_size):
            raise BadInput(f"row {self.only_row} alone is trained without weight decay, and is a token's")

    @property
    def output_table(self) -> str:
        """The weight whose rows decide on tokens."""
        return "model.embed_tokens.weight" if self.model.tied else "lm_head.weight"

    @property
    def steps(self) -> int:
        return self.schedule.steps

    @property
    def tokens_per_step(self) -> int:
        return self.batch_size * self.model.context

    def as_dict(self) -> dict[str, Any]:
        """Nested plain values, as run.json and state.json hold them."""
        return asdict(self) | {"model": as_dict(self.model)}


def check_update(settings: TrainRecipe | TrainSettings) -> None:
    """Raises BadInput for an update of the weights that can't be."""
    if settings.optimizer not in OPTIMIZERS:
        raise BadInput(f"no optimizer is called '{settings.optimizer}'; known: {', '.join(OPTIMIZERS)}")
    known = DTYPES if isinstance(settings, TrainSettings) else (*DTYPES, AUTO)
    if settings.dtype not in known:
        raise BadInput(f"no computation in '{settings.dtype}'; known: {', '.join(known)}")
    if settings.steps < 1:
        raise BadInput(f"steps is a whole number above 0, not {settings.steps}")
    if settings.batch_size < 1:
        raise BadInput(f"a batch of {settings.batch_size} rows is none; give 1 or more")
    if settings.accumulate < 1 or settings.batch_size % settings.accumulate:
        raise BadInput(f"{settings.batch_size} rows can't be computed in {settings.accumulate} equal parts")
    if not (0 <= settings.clip < math.inf and 0 <= settings.weight_decay < math.inf):
        raise BadInput("clipping and weight decay are numbers from 0 up")


def default_rate(model: ModelConfig) -> float:
    """0.036 / √width: .0032 for nano, .0013 for 124m. Wider models bear less; ours, to begin with, not a law."""
    return round(0.036 / math.sqrt(model.dim), 6)


def is_matrix(name: str, dimensions: int) -> bool:
    """Whether Muon may take a weight: a matrix inside a layer. Embedding and head stay with Adam, as in nanochat."""
    return dimensions == 2 and name.startswith("model.layers.")


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up to `peak` over `warmup` steps, then by `kind` down to `floor` · peak at the last of `steps` steps.

    wsd: level until the last `decay` share of the steps, then down in a line (nanochat's trapezoid; MiniCPM's
    warm-up, stable, decay).
    cosine: half a cosine wave over all steps after the warm-up.
    """

    kind: str
    peak: float
    steps: int
    warmup: int
    decay: float = 0.4  # nanochat has .65, MiniCPM .1; see trainer/README.md
    floor: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in SCHEDULES:
            raise BadInput(f"no schedule is called '{self.kind}'; known: {', '.join(SCHEDULES)}")
        if not (0 < self.peak < math.inf):
            raise BadInput(f"a learning rate of {self.peak} can't be; give a number above 0, such as 0.003")
        if not 0 <= self.warmup < max(self.steps, 1):
            raise BadInput(f"a warm-up of {self.warmup} steps does not fit into {self.steps}; give fewer")
        if not (0 < self.decay <= 1 and 0 <= self.floor <= 1):
            raise BadInput(
                "a schedule's decay is a share of the steps above 0, its floor a share of the rate from 0 to 1"
            )

    def rate(self, step: int) -> float:
        """Learning rate of a step, the first of which is 0."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        return self.peak * (self.floor + (1 - self.floor) * self._height(step))

    def _height(self, step: int) -> float:
        """1 at the top, 0 one step after the last."""
        if self.kind == "constant":
            return 1.0
        left = self.steps - step
        if self.kind == "wsd":
            return min(1.0, left / max(self.steps * self.decay, 1))
        return 0.5 * (1 - math.cos(math.pi * left / (self.steps - self.warmup)))
